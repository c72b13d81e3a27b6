"""A store of many short texts: adding, size, memory, opening, and the time of a question for ten hits, beside
bm25s and SQLite FTS5 (trigram) on the same texts.

    python benchmarks/store.py                          20,000 texts
    python benchmarks/store.py --texts 1000000

The texts are made of halves of the sentences of `data/box`, Korean and English, and so are their rows: the
model encodes `--sentences` of them once, and a text made of two halves has half the terms of each. So encoding
is apart, and terms are as frequent as in real texts. Questions are runs of three to six words of the sentences.

Each side builds in a process of its own and asks in another. Adding is in steps of 50,000 texts, each durable
when it ends; for bm25s it is cutting into words, indexing and saving, all at once. Memory is what a process
that has asked all questions holds above what it held before opening: of its own, and of mapped files. bm25s
computes with numpy, or (`numba`) with numba, which it compiles at the first question; it gives numbers of
texts, the other two the texts. FTS5's trigrams find no word of fewer than three letters, so these are left out
of its questions. The last line holds the figures."""

import argparse
import json
import logging
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Callable, Iterator

import numpy as np

from korean_sparse.core.matrices import SparseRows, read_matrix, write_matrix
from korean_sparse.text.prose import sentences

ROOT = Path(__file__).parents[1]
STEP = 50_000


def real_sentences(count: int) -> list[str]:
    "Sentences of the box, as many Korean as English ones."
    found: dict[str, list[str]] = {'ko': [], 'en': []}
    folders = [ROOT / 'data/box/general', ROOT / 'data/box/services']
    for path in sorted(path for folder in folders for path in folder.glob('*.jsonl')):
        for line in path.read_text(encoding='utf-8').splitlines():
            row = json.loads(line)
            for lang, own in found.items():
                own += sentences(row.get(lang) or '')
    rng = random.Random(0)
    return [s for own in found.values() for s in rng.sample(own, min(count // 2, len(own)))]


class Texts:
    "Made of halves of real sentences: text n, and its row."

    def __init__(self, folder: Path, count: int):
        self.sentences = real_sentences(count)
        path = folder / 'sentences.safetensors'
        self.columns = json.loads((folder / 'about.json').read_text())['columns']
        rows = read_matrix(path, self.columns)
        first = np.random.default_rng(0).random(rows.nnz) < 0.5
        self.halves = [self._only(rows, first), self._only(rows, ~first)]

    @staticmethod
    def encode(folder: Path, count: int) -> float:
        "Encode the sentences; texts a second."
        from korean_sparse.runtime.model import SparseEncoder

        model, texts = SparseEncoder.load(), real_sentences(count)
        begin = time.perf_counter()
        write_matrix(folder / 'sentences.safetensors', model.encode(texts))
        (folder / 'about.json').write_text(json.dumps({'columns': len(model.vocab)}))
        return len(texts) / (time.perf_counter() - begin)

    @staticmethod
    def _only(rows: SparseRows, kept: np.ndarray) -> SparseRows:
        lengths = np.bincount(rows.row_of[kept], minlength=len(rows))
        indptr = np.append(0, np.cumsum(lengths)).astype(np.int64)
        return SparseRows(rows.data[kept], rows.indices[kept], indptr, rows.shape)

    def _pairs(self, first: int, last: int) -> np.ndarray:
        draw = np.random.default_rng(first + 1)
        return draw.integers(0, len(self.sentences), (last - first, 2))

    def texts(self, first: int, last: int) -> list[str]:
        found = []
        for a, b in self._pairs(first, last).tolist():
            one, other = self.sentences[a].split(), self.sentences[b].split()
            found.append(' '.join(one[: (len(one) + 1) // 2] + other[len(other) // 2 :]))
        return found

    def rows(self, first: int, last: int) -> SparseRows:
        a, b = (half[own] for half, own in zip(self.halves, self._pairs(first, last).T))
        key = np.concatenate([rows.row_of.astype(np.int64) * self.columns + rows.indices for rows in (a, b)])
        order = np.argsort(key, kind='stable')
        key, data = key[order], np.concatenate([a.data, b.data])[order]
        new = np.append(True, np.diff(key) > 0)
        lengths = np.bincount(key[new] // self.columns, minlength=last - first)
        indptr = np.append(0, np.cumsum(lengths)).astype(np.int64)
        indices = (key[new] % self.columns).astype(np.int32)
        return SparseRows(data[new], indices, indptr, (last - first, self.columns))

    def steps(self, count: int) -> Iterator[tuple[int, int]]:
        return ((first, min(first + STEP, count)) for first in range(0, count, STEP))

    def questions(self, count: int) -> list[str]:
        "Runs of three to six words, as people type them."
        rng, found = random.Random(1), []
        while len(found) < count:
            words = re.findall(r'\w+', rng.choice(self.sentences))
            size = rng.randint(3, 6)
            begin = rng.randrange(max(1, len(words) - size))
            found.append(' '.join(words[begin : begin + size]))
        return found


class Prepared:
    "A model that gives rows that were made before, and reads questions as the real one."

    def __init__(self):
        from korean_sparse.store.disk import _installed_query

        self.query = _installed_query()
        self.tokenizer, self.rows = self.query.tokenizer, None

    def encode(self, texts, batch_size=32, progress=False, left_out=None) -> SparseRows:
        return self.rows


def status(name: str) -> float:
    "MB that the system says of this process."
    found = re.search(rf'{name}:\s+(\d+) kB', Path('/proc/self/status').read_text())
    return int(found[1]) / 1e3 if found else 0.0


def folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e6


def build_store(texts: Texts, count: int, folder: Path) -> dict[str, float]:
    from korean_sparse.store.disk import Store

    model, spent, terms = Prepared(), 0.0, 0
    with Store(folder, model, passages=False) as store:
        for first, last in texts.steps(count):
            given, model.rows = texts.texts(first, last), texts.rows(first, last)
            terms += model.rows.nnz
            begin = time.perf_counter()
            store.add(given)
            spent += time.perf_counter() - begin
        single = []
        for n in range(100):
            given, model.rows = texts.texts(n, n + 1), texts.rows(n, n + 1)
            begin = time.perf_counter()
            store.add({f'one more {n}': given[0]})
            single.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        store.delete([f'one more {n}' for n in range(100)])
        gone = time.perf_counter() - begin
    return {
        'add_s': spent,
        'terms': terms / count,
        'add_one_ms': np.median(single) * 1e3,
        'delete_100_ms': gone * 1e3,
    }


def build_bm25s(texts: Texts, count: int, folder: Path) -> dict[str, float]:
    import bm25s

    given = [text for step in texts.steps(count) for text in texts.texts(*step)]
    begin = time.perf_counter()
    tokens = bm25s.tokenize(given, stopwords=None, show_progress=False)
    index = bm25s.BM25(method='lucene')
    index.index(tokens, show_progress=False)
    index.save(folder, show_progress=False)
    return {'add_s': time.perf_counter() - begin}


def build_fts5(texts: Texts, count: int, folder: Path) -> dict[str, float]:
    folder.mkdir(parents=True)
    db, spent = sqlite3.connect(folder / 'texts.sqlite', isolation_level=None), 0.0
    db.execute('PRAGMA journal_mode = WAL')
    db.execute("CREATE VIRTUAL TABLE texts USING fts5(text, tokenize='trigram')")
    for first, last in texts.steps(count):
        given = texts.texts(first, last)
        begin = time.perf_counter()
        db.execute('BEGIN')
        db.executemany('INSERT INTO texts(text) VALUES (?)', ((text,) for text in given))
        db.execute('COMMIT')
        spent += time.perf_counter() - begin
    db.close()
    return {'add_s': spent}


def open_store(folder: Path) -> Callable[[str], object]:
    from korean_sparse.store.disk import Store

    return Store(folder, read_only=True).search


def open_bm25s(folder: Path, backend: str = 'numpy') -> Callable[[str], object]:
    import bm25s

    index = bm25s.BM25.load(folder, mmap=True)
    index.backend = backend
    if backend == 'numba':
        index.activate_numba_scorer()

    def search(question: str) -> object:
        tokens = bm25s.tokenize([question], stopwords=None, show_progress=False, return_ids=False)
        return index.retrieve(tokens, k=10, show_progress=False)

    return search


def open_fts5(folder: Path) -> Callable[[str], object]:
    db = sqlite3.connect(folder / 'texts.sqlite')
    asked = 'SELECT rowid, text FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 10'

    def search(question: str) -> object:
        words = [f'"{word}"' for word in question.split() if len(word) > 2]
        return db.execute(asked, (' OR '.join(words),)).fetchall() if words else []

    search('none')
    return search


SIDES = {
    'store': (build_store, open_store),
    'bm25s': (build_bm25s, open_bm25s),
    'numba': (build_bm25s, partial(open_bm25s, backend='numba')),
    'fts5': (build_fts5, open_fts5),
}


def ask(name: str, folder: Path, questions: list[str], seconds: float) -> dict[str, float]:
    "Open, and ask each question twice; the second time counts. It ends earlier after so many seconds."
    open_side = SIDES[name][1]
    if name != 'fts5':
        __import__('korean_sparse.store.disk' if name == 'store' else 'bm25s')
    before = {kind: status(kind) for kind in ('RssAnon', 'RssFile')}
    begin = time.perf_counter()
    search = open_side(folder)
    opened = time.perf_counter()
    search(questions[0])
    first, end, times = time.perf_counter(), time.perf_counter() + seconds, []
    for question in questions:
        search(question)
        start = time.perf_counter()
        search(question)
        times.append(time.perf_counter() - start)
        if start > end:
            break
    return {
        'open_ms': (opened - begin) * 1e3,
        'first_ms': (first - begin) * 1e3,
        'p50_ms': float(np.percentile(times, 50)) * 1e3,
        'p99_ms': float(np.percentile(times, 99)) * 1e3,
        'asked': len(times),
        'own_mb': status('RssAnon') - before['RssAnon'],
        'mapped_mb': status('RssFile') - before['RssFile'],
    }


def side(a: argparse.Namespace) -> dict[str, float]:
    "One half of a side's work, in this process."
    name, phase = a.side.split('-')
    texts, folder = Texts(a.folder, a.sentences), a.folder / name
    logging.getLogger('korean_sparse').setLevel(logging.ERROR)  # of questions in which nothing carries weight
    if phase == 'ask':
        return ask(name, folder, texts.questions(a.questions), a.seconds)
    before = status('VmHWM')
    found = SIDES[name][0](texts, a.texts, folder)
    return found | {'mb': folder_mb(folder), 'peak_mb': status('VmHWM') - before}


def in_a_process(a: argparse.Namespace, work: str) -> dict[str, float]:
    command = [sys.executable, __file__, '--side', work, '--folder', a.folder]
    for name in ('texts', 'sentences', 'questions', 'seconds'):
        command += [f'--{name}', getattr(a, name)]
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(a: argparse.Namespace) -> None:
    "All sides, one after the other."
    print(
        f'{a.sentences:,} sentences encoded, {Texts.encode(a.folder, a.sentences):.0f} a second', flush=True
    )
    figures = [f'texts={a.texts}']
    for name in a.sides:
        found = {**in_a_process(a, f'{name}-build'), **in_a_process(a, f'{name}-ask')}
        shutil.rmtree(a.folder / name)
        print(
            f'{name:6} {a.texts / found["add_s"]:9,.0f} texts/s added, {found["mb"]:7,.0f} MB on disk, '
            f'{found["peak_mb"]:6,.0f} MB to build; opened in {found["open_ms"]:7.1f} ms, first answer after '
            f'{found["first_ms"]:7.1f} ms; p50 {found["p50_ms"]:7.2f} ms, p99 {found["p99_ms"]:7.2f} ms '
            f'({found["asked"]:.0f} questions); {found["own_mb"]:.0f} MB held, {found["mapped_mb"]:.0f} MB mapped',
            flush=True,
        )
        figures += [f'{name}_{key}={value:.4g}' for key, value in found.items()]
    print(' '.join(figures))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--texts', type=int, default=20_000)
    p.add_argument('--sentences', type=int, default=2_000, help='real ones, which the texts are made of')
    p.add_argument('--questions', type=int, default=300)
    p.add_argument('--seconds', type=float, default=90, help='that a side is asked, at most')
    p.add_argument('--sides', nargs='+', choices=tuple(SIDES), default=list(SIDES))
    p.add_argument('--folder', type=Path, help='where to build; a temporary one that is removed')
    p.add_argument('--side', help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.side:
        print(json.dumps({key: float(value) for key, value in side(a).items()}))
        return
    with tempfile.TemporaryDirectory(dir=a.folder) as folder:
        a.folder = Path(folder)
        compare(a)


if __name__ == '__main__':
    main()
