"""Where sentences end: ours beside the splitters of kiwi and kss, on the gold file of the tests and, if asked
for, on sentences of a parallel corpus that are joined ten at a time.

    python benchmarks/sentences.py
    python benchmarks/sentences.py --kss /path/to/another/python --pairs PAIRS.tsv

kss is no dependency of ours: `--kss` names the Python of an environment that has it. `--pairs` is a file of
lines `Korean <tab> English`, of which the first `--count` that hold one sentence each are used. F1 is that of
the boundaries inside the texts; characters a second are those of the Korean texts, read again until a second
is over (by kss once), each side alone in one run, its start left out."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

from korean_sparse.text.prose import sentences

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))
from test_sentences import boundaries, gold  # noqa: E402

Split = Callable[[list[str]], list[list[str]]]

_KSS = """
import json, sys, time, kss
texts = json.load(sys.stdin)
kss.split_sentences('준비한다. 끝이다.')
begin = time.perf_counter()
found = [kss.split_sentences(text) for text in texts]
print(json.dumps([found, time.perf_counter() - begin]))
"""


def by_ours() -> Split:
    "Our own."
    return lambda texts: [sentences(text) for text in texts]


def by_kiwi() -> Split:
    "The splitter of kiwipiepy."
    from kiwipiepy import Kiwi

    kiwi = Kiwi(num_workers=1)
    kiwi.split_into_sents('준비한다. 끝이다.')
    return lambda texts: [[s.text for s in kiwi.split_into_sents(text)] for text in texts]


def timed(split: Split, texts: list[str]) -> tuple[list[list[str]], float]:
    "The sentences of each text, and the seconds of one round of many."
    begin, rounds, found = time.perf_counter(), 0, []
    while rounds == 0 or time.perf_counter() < begin + 1:
        found, rounds = split(texts), rounds + 1
    return found, (time.perf_counter() - begin) / rounds


def by_kss(python: str, texts: list[str]) -> tuple[list[list[str]], float]:
    "The same by kss, in the process of another Python."
    run = subprocess.run(
        [python, '-c', _KSS], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found, seconds = json.loads(run.stdout.strip().split('\n')[-1])
    return found, seconds


def joined(path: Path, column: int, count: int, size: int = 10) -> Iterator[list[str]]:
    "Sentences of one column of a parallel file, `size` at a time, without lines that hold more than one."
    lines = (line.split('\t') for line in path.read_text(encoding='utf-8').splitlines())
    cells = [c[column].strip() for c in lines if len(c) > column]
    whole = [c for c in cells if c[-1:] in '.?!' and not any(mark in c[:-1] for mark in ('. ', '? ', '! '))]
    for i in range(0, min(count, len(whole)) - size + 1, size):
        yield whole[i : i + size]


def f1(found: list[list[str]], wanted: list[list[str]]) -> float:
    "F1 of the boundaries of all texts."
    pairs = [(boundaries(f), boundaries(w)) for f, w in zip(found, wanted, strict=True)]
    return 2 * sum(len(f & w) for f, w in pairs) / sum(len(f) + len(w) for f, w in pairs)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--kss', default='', help='the Python of an environment with kss')
    p.add_argument('--pairs', default='', help='a parallel file, Korean <tab> English')
    p.add_argument('--count', type=int, default=300, help='sentences of --pairs')
    a = p.parse_args()
    tests = {
        f'gold {lang}': [(t.text, t.sentences) for t in gold() if t.lang == lang] for lang in ('ko', 'en')
    }
    for column, lang in enumerate(('ko', 'en') if a.pairs else ()):
        tests[f'pairs {lang}'] = [
            (' '.join(group), group) for group in joined(Path(a.pairs), column, a.count)
        ]
    sides = {'ours': by_ours(), 'kiwi': by_kiwi(), **({'kss': None} if a.kss else {})}
    print('| splitter | ' + ' | '.join(f'F1 {test}' for test in tests) + ' | characters a second |')
    print('|---' * (len(tests) + 2) + '|')
    figures = {}
    for name, split in sides.items():
        seconds = 0.0
        for test, rows in tests.items():
            texts = [text for text, _ in rows]
            found, took = timed(split, texts) if split else by_kss(a.kss, texts)
            seconds += took if test.endswith('ko') else 0
            figures[f'{name} {test}'] = f1(found, [wanted for _, wanted in rows])
        korean = sum(len(text) for test, rows in tests.items() if test.endswith('ko') for text, _ in rows)
        figures[f'{name} speed'] = korean / seconds
        cells = ' | '.join(f'{figures[f"{name} {test}"]:.3f}' for test in tests)
        print(f'| {name} | {cells} | {figures[f"{name} speed"]:,.0f} |', flush=True)
    print(' '.join(f'{name.replace(" ", "_")}={value:.3f}' for name, value in figures.items()))


if __name__ == '__main__':
    main()
