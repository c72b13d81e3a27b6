"""Stage 03 on half a million dated items: documents a second and memory; what word-by-word analysis costs and
brings; the speed of each analyser.

    python benchmarks/time_stream.py --data ../shared/data                 the whole stage, 500,000 items, two
                                                                           processes
    python benchmarks/time_stream.py --data ../shared/data --analyzers     2,000 items, each analyser, word by
                                                                           word and text by text

The items are made of random sentences of the data's Korean text collection (about 150 characters each, a
third of them three times in all), with dates over three years, fewer at weekends, and 40 invented words
planted as bursts. Memory is the
proportional set size (shared pages counted once) of the process and its children, the largest of samples a
quarter of a second apart. The last line holds the figures."""

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from pathlib import Path

ONSET, NUCLEUS, CODA = 'ㄱㄴㄷㅁㅂㅅㅈㅋㅌㅍ', range(0, 20, 3), (0, 0, 4, 8, 16, 21)


def sentences(data: Path, most: int = 600_000) -> list[str]:
    "Sentences of 20 to 90 characters of the Korean text collection."
    found = []
    with gzip.open(data / 'text' / 'ko.jsonl.gz', 'rt', encoding='utf-8') as f:
        for line in f:
            found += [
                s for s in re.split(r'(?<=[.!?])\s+|\n', json.loads(line)['text']) if 20 <= len(s) <= 90
            ]
            if len(found) >= most:
                break
    return found


def invented(rng: random.Random) -> str:
    return ''.join(
        chr(0xAC00 + rng.randrange(19) * 588 + rng.choice(NUCLEUS) * 28 + rng.choice(CODA)) for _ in range(3)
    )


def write_items(path: Path, data: Path, n: int, seed: int = 0) -> list[str]:
    "Write the collection, by date; the planted words."
    rng, pool, first, days = random.Random(seed), sentences(data), date(2022, 1, 1), 1095
    chosen = rng.choices(
        range(days), [1.0 if (first + timedelta(d)).weekday() < 5 else 0.4 for d in range(days)], k=n
    )
    planted = [(invented(rng), rng.randrange(200, days - 60), rng.choice((5, 20, 40))) for _ in range(40)]
    with open(path, 'w', encoding='utf-8') as f:
        for i, day in enumerate(sorted(chosen)):
            text = ' '.join(rng.choice(pool) for _ in range(rng.randint(2, 4)))
            here = [w for w, a, length in planted if a <= day < a + length]
            if here and rng.random() < 0.05:
                text += f' {rng.choice(here)}{rng.choice(("가", "를", "", "의", "는"))} 나왔다.'
            f.write(
                json.dumps(
                    {
                        'id': str(i),
                        'date': (first + timedelta(day)).isoformat(),
                        'title': ' '.join(text.split()[:5]),
                        'text': text,
                    },
                    ensure_ascii=False,
                )
                + '\n'
            )
    return [w for w, *_ in planted]


def pss(pid: int) -> float:
    "MB of a process and its children."
    total = 0
    for p in [
        pid,
        *(int(c) for t in Path(f'/proc/{pid}/task').glob('*/children') for c in t.read_text().split()),
    ]:
        try:
            total += next(
                int(line.split()[1])
                for line in Path(f'/proc/{p}/smaps_rollup').read_text().splitlines()
                if line.startswith('Pss:')
            )
        except (OSError, StopIteration, ValueError):
            pass
    return total / 1024


STAGE = """
import json, sys, time
from korean_sparse.temporal_clustering import TemporalConfig, build, count
from korean_sparse.timeline.dated import DatedTally
if __name__ == '__main__':
    cfg = TemporalConfig(run='stream', news=sys.argv[1], planted='', analyzer=sys.argv[2], processes=2, cluster_support=200, min_support=25)
    if sys.argv[3] == 'count':
        tally = DatedTally(); counts, *_ = count(cfg, tally)
        print(json.dumps({'kept': tally.kept, 'found': len(counts.found.index), 'forgotten': counts.found.forgotten}))
    else:
        result = build(cfg)
        print(json.dumps(result.manifest['counts']))
"""


def stage(path: Path, analyzer: str, what: str, outputs: Path) -> tuple[float, float, dict]:
    "Seconds, peak MB and what came out of a run in a process of its own."
    script = outputs / 'stage.py'
    script.write_text(STAGE)
    start, peak = time.perf_counter(), 0.0
    p = subprocess.Popen(
        [sys.executable, str(script), str(path), analyzer, what],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(outputs), 'OMP_NUM_THREADS': '2'},
    )
    out = []
    reader = threading.Thread(target=lambda: out.append(p.stdout.read()))
    reader.start()
    while p.poll() is None:
        peak = max(peak, pss(p.pid))
        time.sleep(0.25)
    reader.join()
    if p.returncode:
        sys.exit(f'{what} failed')
    return time.perf_counter() - start, peak, json.loads(out[0].strip().splitlines()[-1])


def analysers(data: Path, n: int = 2000) -> None:
    "Documents a second by each analyser, one process; terms that word-by-word analysis misses and adds."
    from korean_sparse.text.analysers import get_analyzer
    from korean_sparse.text.normal import normalize
    from korean_sparse.timeline.new_words import WordReader, candidates, locate

    rng, pool = random.Random(0), sentences(data)
    texts = [
        re.sub('[^\u0000-\uffff]', ' ', normalize(' '.join(rng.choice(pool) for _ in range(3))))
        for _ in range(n)
    ]
    for name in ('mecab', 'kiwi', 'konlpy:Komoran', 'konlpy:Okt', 'konlpy:Hannanum', 'konlpy:Kkma'):
        part = texts[:200] if name in ('konlpy:Kkma', 'konlpy:Hannanum') else texts
        by = get_analyzer(name)
        by.morphs('가열한다')
        start = time.perf_counter()
        whole = [candidates(locate(t, by)) for t in part]
        by_text = len(part) / (time.perf_counter() - start)
        read = WordReader(by)
        start = time.perf_counter()
        words = [read.terms(t)[1] for t in part]
        by_word = len(part) / (time.perf_counter() - start)
        start = time.perf_counter()
        [read.terms(t) for t in part]
        again = len(part) / (time.perf_counter() - start)
        single = [{t for t in w if ' ' not in t} for w in words]
        same = sum(len(a & b) for a, b in zip(whole, single))
        print(
            (
                f'{name:16} text by text {by_text:7.0f} docs/s, word by word {by_word:7.0f} at first, '
                f'{again:8.0f} once words are known; terms in common: {same / sum(map(len, whole)):.3f} of '
                f"the texts', {same / sum(map(len, single)):.3f} of the words'"
            )
        )


def main() -> None:
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('--data', type=Path, required=True)
    a.add_argument('--items', type=int, default=500_000)
    a.add_argument('--analyzer', default='mecab')
    a.add_argument('--analyzers', action='store_true')
    a.add_argument(
        '--what', default='count,build', help='count: reading, new words and counting; build: the whole stage'
    )
    a.add_argument('--work', type=Path, default=Path('outputs/time_stream'))
    a = a.parse_args()
    if a.analyzers:
        return analysers(a.data)
    a.work.mkdir(parents=True, exist_ok=True)
    path = a.work.resolve() / f'items-{a.items}.jsonl'
    planted = write_items(path, a.data, a.items)
    print(f'{a.items:,} items, {path.stat().st_size / 1e6:.0f} MB')
    figures = {}
    for what in a.what.split(','):
        seconds, peak, counts = stage(path, a.analyzer, what, a.work.resolve())
        print(f'{what}: {seconds:.0f} s, {a.items / seconds:,.0f} documents/s, peak {peak:,.0f} MB; {counts}')
        figures |= {f'{what}_docs_per_second': round(a.items / seconds), f'{what}_peak_mb': round(peak)}
    if 'build' not in a.what:
        return print(' '.join(f'{k}={v}' for k, v in figures.items()))
    rows = [
        json.loads(line)
        for line in open(a.work / 'stream/03_temporal_clustering/trends.jsonl', encoding='utf-8')
    ]
    told = {r['term'] for r in rows if r['kind'] != 'seasonal'}
    found = sum(any(w in t for t in told) for w in planted)
    figures |= {'planted_found': round(found / len(planted), 3), 'reported': len(told)}
    print(' '.join(f'{k}={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
