"""Searching 100,000 documents in process: a sparse model's index beside bm25s, the same texts, the same
queries, two cores, one query after the other.

    python benchmarks/search.py --data ../shared/data --model outputs/sample/04_pretraining/checkpoint

The documents are passages of the data's text collections, cut to about 40 words; the model's rows are encoded
once, cut to `--terms` terms, and kept under `--rows`. bm25s indexes the same tokens. Figures: queries a
second, medians over rounds, and the memory that each side's index adds to a process of its own. The last line
holds them."""

import argparse
import gc
import gzip
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse import load_npz, save_npz


def passages(data: Path, n: int, words: int = 40) -> list[str]:
    "The first `n` passages of the Korean text collection, in pieces of `words` words."
    found, seen = [], set()
    with gzip.open(data / 'text' / 'ko.jsonl.gz', 'rt', encoding='utf-8') as f:
        for line in f:
            w = json.loads(line)['text'].split()
            for i in range(0, len(w), words):
                t = ' '.join(w[i : i + words])
                if len(t) > 40 and t not in seen:
                    seen.add(t)
                    found.append(t)
                if len(found) == n:
                    return found
    return found


def questions(texts: list[str], n: int, seed: int = 0) -> list[str]:
    "Runs of three to six words of random passages, as people type them."
    rng, out = random.Random(seed), []
    while len(out) < n:
        w = rng.choice(texts).split()
        k = rng.randint(3, 6)
        i = rng.randrange(max(1, len(w) - k))
        out.append(' '.join(w[i : i + k]))
    return out


def resident() -> float:
    "MB that this process holds now."
    gc.collect()
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6


def side(name: str, a: argparse.Namespace) -> dict:
    "One side in this process: queries a second (median of rounds) and peak MB."
    texts = passages(a.data, a.documents)
    asked = questions(texts, a.queries)
    from korean_sparse.retrieval.query import QueryEncoder, SparseIndex

    query = QueryEncoder.load(a.model)
    terms = (
        [[str(i) for i in e.ids] for e in query.tokenizer.encode_batch(texts, add_special_tokens=False)]
        if name == 'bm25s'
        else []
    )
    del texts
    before = resident()
    if name == 'bm25s':  # over the same terms: what differs is the index and its search
        import bm25s

        index = bm25s.BM25(k1=1.2, b=0.75, method='lucene')
        index.index(terms, show_progress=False)

        def search(q):
            return index.retrieve([[str(i) for i in query(q)]], k=10, show_progress=False, n_threads=1)

        postings = len(index.scores['data'])
    else:
        rows = load_npz(a.rows)
        index = SparseIndex([str(i) for i in range(a.documents)], rows, query)
        del rows

        def search(q):
            return index.search({'q': q}, 10)

        postings = index.rows.nnz
    for q in asked[:20]:
        search(q)
    held = resident() - before
    rates = []
    for _ in range(a.rounds):
        start = time.perf_counter()
        for q in asked:
            search(q)
        rates.append(len(asked) / (time.perf_counter() - start))
    return {'qps': float(np.median(rates)), 'mb': held, 'postings': postings / a.documents}


def make_rows(a: argparse.Namespace) -> None:
    "The model's rows, at most `terms` terms a document."
    if a.rows.exists():
        return
    from korean_sparse.encoder.model import SparseEncoder
    from korean_sparse.judging.costs import keep_strongest

    start = time.time()
    rows = keep_strongest(
        SparseEncoder.load(a.model).encode(
            passages(a.data, a.documents), batch_size=64, progress=True, bf16=True
        ),
        a.terms,
    )
    print(f'encoded {rows.shape[0]} passages in {time.time() - start:.0f} s')
    a.rows.parent.mkdir(parents=True, exist_ok=True)
    save_npz(a.rows, rows)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--model', type=Path, default=Path('outputs/sample/04_pretraining/checkpoint'))
    p.add_argument('--documents', type=int, default=100_000)
    p.add_argument('--queries', type=int, default=1000)
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--terms', type=int, default=100, help='of a document, at most')
    p.add_argument('--rows', type=Path, default=Path('outputs/search_rows.npz'))
    p.add_argument('--side', choices=('sparse', 'bm25s'))
    a = p.parse_args()
    if a.side:
        return print(json.dumps(side(a.side, a)))
    make_rows(a)
    found = {}
    for name in ('bm25s', 'sparse'):
        command = [
            sys.executable,
            __file__,
            '--side',
            name,
            '--data',
            a.data,
            '--model',
            a.model,
            '--documents',
            a.documents,
            '--queries',
            a.queries,
            '--rounds',
            a.rounds,
            '--rows',
            a.rows,
        ]
        found[name] = json.loads(
            subprocess.run(
                list(map(str, command)), capture_output=True, text=True, check=True
            ).stdout.splitlines()[-1]
        )
        print(
            (
                f'{name:8} {found[name]["qps"]:8.1f} queries/s  {found[name]["mb"]:8.0f} MB held by the '
                f'index  {found[name]["postings"]:6.1f} terms a document'
            ),
            flush=True,
        )
    s, b = found['sparse'], found['bm25s']
    print(
        (
            f'qps_ratio={s["qps"] / b["qps"]:.2f} sparse_qps={s["qps"]:.1f} bm25s_qps={b["qps"]:.1f} '
            f'sparse_mb={s["mb"]:.0f} bm25s_mb={b["mb"]:.0f} terms={s["postings"]:.1f}'
        )
    )


if __name__ == '__main__':
    main()
