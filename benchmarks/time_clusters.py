"""Are cluster mates synonyms? Pairs of the Korean wordnet against random pairs of the same words, by
co-occurrence vectors, an encoder's, and both; and by the four algorithms.

    python benchmarks/time_clusters.py --data ../shared/data --model
    ../shared/models/multilingual-e5-small-ko-en

The vectors are those of stage 03 (PPMI and SVD, 64 dimensions) over `--texts` paragraphs of the data's Korean
text collection, counted word by word. A pair is used if both words have vectors (10 documents at least).
There are as many random pairs as
wordnet pairs, so chance has precision .5; a random pair that is a wordnet pair is drawn again. First table:
the best F1 threshold on one half of the words, precision and recall on the other. Second: a pair is called
synonyms if both words are in
one cluster. Third: the stage's own candidates (mutual neighbours) among these words, with the share that the
wordnet knows. The last line holds the precisions at the working threshold."""

import argparse
import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

import numpy as np

from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.normal import normalize
from korean_sparse.text.vectors import TermVectors, ppmi_vectors
from korean_sparse.timeline.clusters import (
    alone_as_own,
    compare_algorithms,
    encoder_vectors,
    mixed,
    synonym_pairs,
)
from korean_sparse.timeline.new_words import WordReader


def gold(data: Path) -> set[tuple[str, str]]:
    rows = (
        line.rstrip('\n').split('\t') for line in open(data / 'pairs' / 'omw.ko_ko.tsv', encoding='utf-8')
    )
    return {
        tuple(sorted(r[:2]))
        for r in rows
        if len(r) > 1 and r[0] != r[1] and all(re.fullmatch('[가-힣]{2,}', t) for t in r[:2])
    }


def documents(data: Path, n: int, analyzer: str) -> list[list[str]]:
    read, found = WordReader(get_analyzer(analyzer)), []
    with gzip.open(data / 'text' / 'ko.jsonl.gz', 'rt', encoding='utf-8') as f:
        texts = [json.loads(line)['text'] for line in f]
    for text in random.Random(0).sample(texts, min(n, len(texts))):
        found.append(sorted(read.terms(normalize(text)[:2000])[1]))
    return found


def threshold(values: np.ndarray, yes: np.ndarray) -> float:
    "The threshold with the best F1."
    order = np.argsort(-values)
    hits = np.cumsum(yes[order])
    return float(values[order][np.argmax(2 * hits / (np.arange(1, len(yes) + 1) + yes.sum()))])


def judge(called: np.ndarray, yes: np.ndarray) -> tuple[float, float]:
    return float((called & yes).sum() / max(called.sum(), 1)), float((called & yes).sum() / max(yes.sum(), 1))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, required=True)
    p.add_argument('--model', type=Path)
    p.add_argument('--texts', type=int, default=60_000)
    p.add_argument('--analyzer', default='mecab')
    p.add_argument('--seed', type=int, default=0)
    a = p.parse_args()
    pairs, docs = gold(a.data), documents(a.data, a.texts, a.analyzer)
    words = {w for pair in pairs for w in pair}
    context = {t for t, n in Counter(t for d in docs for t in d).most_common(6000) if n >= 50} | words
    tv = ppmi_vectors([sorted(context.intersection(d)) for d in docs], 64, None, 10, a.seed)
    known = sorted((x, y) for x, y in pairs if x in tv and y in tv)
    keep = sorted({w for pair in known for w in pair})
    at = [tv.index[w] for w in keep]
    tv = TermVectors(keep, tv.vectors[at], tv.counts[at])
    rng, drawn = random.Random(a.seed), []
    while len(drawn) < len(known):
        pair = tuple(sorted(rng.sample(keep, 2)))
        if pair not in pairs:
            drawn.append(pair)
    all_pairs, yes = known + drawn, np.r_[np.ones(len(known), bool), np.zeros(len(drawn), bool)]
    left, right = (np.array([tv.index[x[k]] for x in all_pairs]) for k in (0, 1))
    print(f'{len(pairs)} pairs, {len(known)} with vectors of both words, {len(keep)} words')
    sides = {'co-occurrence': tv}
    if a.model:
        e = encoder_vectors(keep, a.model)
        sides |= {'encoder': e, 'both': mixed(tv, e)}
    tuned = np.random.default_rng(a.seed).random(len(yes)) < 0.5
    figures = {}
    for name, v in sides.items():
        cos = (v.vectors[left] * v.vectors[right]).sum(1)
        auc = float((cos[yes][:, None] > cos[~yes][None, :]).mean())
        t = threshold(cos[tuned], yes[tuned])
        precision, recall = judge(cos[~tuned] >= t, yes[~tuned])
        print(
            f'{name:14} AUC {auc:.3f}; threshold {t:.2f}: precision {precision:.3f}, recall {recall:.3f}; '
            + ', '.join(
                f'at {x:.1f} {pr:.3f}/{re_:.3f}'
                for x in (0.3, 0.4, 0.5, 0.6, 0.7)
                for pr, re_ in [judge(cos >= x, yes)]
            )
        )
        figures[name] = precision
        for c in compare_algorithms(v, a.seed):
            full = alone_as_own(c.labels)
            precision, recall = judge(full[left] == full[right], yes)
            print(
                (
                    f'    {c.algorithm:14} parameter {c.parameter:6}  {len(set(full.tolist()))} clusters  '
                    f'silhouette {c.silhouette:.3f}  stability {c.stability:.2f}  clustered '
                    f'{c.clustered:.2f}  precision {precision:.3f}  recall {recall:.3f}'
                )
            )
        for x in (0.5, 0.6, 0.7):
            candidates = [s for s in synonym_pairs(v, x) if s.source == 'time:meaning']
            good = sum(tuple(sorted((s.left, s.right))) in pairs for s in candidates)
            print(
                (
                    f'    candidates at {x}: {len(candidates)}, in the wordnet '
                    f'{good / max(len(candidates), 1):.3f}; the first: '
                )
                + ', '.join(f'{s.left}={s.right}' for s in candidates[:8])
            )
    print(' '.join(f'{k.replace("-", "_")}_precision={v:.3f}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
