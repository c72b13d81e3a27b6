"""Does an idf that forgets help to find what is asked for now? Known-item search month by month, each month's
queries with an idf of the months before.

    python benchmarks/time_retrieval.py --data ../shared/data

Each document's title is a query for its text (titles are not indexed). For each month the idf comes from all
documents before that month, plain or forgetting; the index holds the documents up to its end; the score is
BM25's (k1 1.2, b .75) with that idf, so only the
weights of the query differ. The first six months (two where there are but six) only feed the counts.
Half-lives are compared on the first half of the queries, and the best one is held against plain idf on the
second half (paired randomisation, 10,000 draws). A second
row gives the same for queries cut to their three rarest words. `fresh` is plain idf with the month's own
documents counted too: what immediate counting without forgetting would give. The last line holds the
differences on the second halves."""

import argparse
import math
from datetime import date
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from korean_sparse.text.analysers import get_analyzer
from korean_sparse.timeline.counts import DayCounts, temporal_idf
from korean_sparse.timeline.dated import read_dated
from korean_sparse.timeline.new_words import WordReader

HALF_LIVES = (30, 90, 180, 365, 730, 1460)


def collection(path: Path, analyzer: str, cut: int = 1500) -> list[tuple[int, list[str], list[str]]]:
    "(day, title terms, text terms) of each document with both, by day."
    read, found = WordReader(get_analyzer(analyzer)), []
    from korean_sparse.text.normal import normalize

    def terms(text):
        return [t for w in normalize(text).split() for t in read(w).content]

    for i in read_dated(path):
        title, text = terms(i.title), terms(i.text[:cut])
        if title and len(text) > 5:
            found.append((date.fromisoformat(i.date).toordinal(), title, text))
    return sorted(found, key=lambda d: d[0])


def months(days: list[int]) -> list[tuple[int, int]]:
    "(first document, document after the last) of each month that has some."
    keys = [date.fromordinal(d).isoformat()[:7] for d in days]
    edges = [i for i in range(len(keys)) if i == 0 or keys[i] != keys[i - 1]] + [len(keys)]
    return list(zip(edges, edges[1:]))


def ranks(docs: list, arms: dict[str, dict], skip: int = 6, short: bool = False) -> dict[str, np.ndarray]:
    "Reciprocal rank at 10 of each query under each arm (half-life, blend, fresh)."
    vocabulary: dict[str, int] = {}
    rows, cols, values, lengths = [], [], [], []
    for n, (_, _, text) in enumerate(docs):
        for t in text:
            vocabulary.setdefault(t, len(vocabulary))
        unique, tf = np.unique([vocabulary[t] for t in text], return_counts=True)
        rows += [n] * len(unique)
        cols += unique.tolist()
        values += tf.tolist()
        lengths.append(len(text))
    lengths = np.array(lengths, float)
    counts, seen, found = DayCounts(), 0, {name: [] for name in arms}
    tf = csr_matrix((values, (rows, cols)), shape=(len(docs), len(vocabulary)), dtype=np.float64)
    spans = months([d[0] for d in docs])
    for n, (a, b) in enumerate(spans):

        def count(lo, hi):
            for i in range(lo, hi):
                counts.add(docs[i][0], 1, {t: 1 for t in docs[i][2]})

        count(seen, a)
        seen = a
        if n < min(skip, len(spans) // 3):
            continue
        reference = date.fromordinal(docs[a][0])
        norm = 1.2 * (0.25 + 0.75 * lengths[:b] / lengths[:b].mean())
        m = tf[:b].copy()
        m.data = m.data * 2.2 / (m.data + np.repeat(norm, np.diff(m.indptr)))
        tables = {
            name: temporal_idf(counts, reference, o.get('half_life', math.inf))
            for name, o in arms.items()
            if not o.get('fresh')
        }
        if any(o.get('fresh') for o in arms.values()):
            count(a, b)
            seen = b
            tables |= {name: temporal_idf(counts) for name, o in arms.items() if o.get('fresh')}
        plain, unseen = tables['plain'], math.log1p((sum(counts.totals.values()) + 0.5) / 0.5)
        queries = [
            sorted({t for t in title if t in vocabulary}, key=lambda t: (-plain.get(t, unseen), t))[
                : 3 if short else None
            ]
            for _, title, _ in docs[a:b]
        ]
        for name, table in tables.items():
            q = csr_matrix(
                (
                    [table.get(t, unseen) for ts in queries for t in ts],
                    (
                        [i for i, ts in enumerate(queries) for _ in ts],
                        [vocabulary[t] for ts in queries for t in ts],
                    ),
                ),
                shape=(b - a, len(vocabulary)),
            )
            scores = (q @ m.T).toarray()
            own = scores[np.arange(b - a), np.arange(a, b)]
            rank = (scores > own[:, None]).sum(1) + ((scores == own[:, None]).sum(1) - 1) / 2
            found[name].append(np.where((rank < 10) & (own > 0), 1 / (1 + rank), 0.0))
    return {name: np.concatenate(v) for name, v in found.items()}


def p_value(d: np.ndarray, draws: int = 10_000, seed: int = 0) -> float:
    d = d[d != 0]
    if not len(d):
        return 1.0
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (draws, len(d)))
    return float((np.abs((signs * d).sum(1)) >= abs(d.sum()) - 1e-12).mean())


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, required=True)
    p.add_argument('--analyzer', default='mecab')
    p.add_argument('--collections', default='fe_news,wikinews,petitions')
    a = p.parse_args()
    figures = {}
    for name in a.collections.split(','):
        docs = collection(a.data / 'news' / f'{name}.jsonl.gz', a.analyzer)
        for short in (False, True):
            arms = (
                {'plain': {}}
                | {f'{h} days': {'half_life': h} for h in HALF_LIVES}
                | {'fresh': {'fresh': True}}
            )
            r = ranks(docs, arms, short=short)
            n = len(r['plain'])
            half = n // 2
            best = max((k for k in arms if 'days' in k), key=lambda k: r[k][:half].mean())
            d = r[best][half:] - r['plain'][half:]
            label = f'{name}{", three words" if short else ""}'
            print(f'{label}: {n} queries, MRR@10 ' + ', '.join(f'{k} {v.mean():.4f}' for k, v in r.items()))
            print(
                (
                    f'    best on the first half: {best}; on the second {r["plain"][half:].mean():.4f} -> '
                    f'{r[best][half:].mean():.4f} ({d.mean():+.4f}, p = {p_value(d):.3f}; '
                    f'{int((d > 0).sum())} better, {int((d < 0).sum())} worse)'
                ),
                flush=True,
            )
            figures[label.replace(', three words', '_short')] = d.mean()
    print(' '.join(f'{k}={v:+.4f}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
