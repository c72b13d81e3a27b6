"""The dense retriever's two stages on real data: Korean and English questions on Korean and English documents
before, after stage 1 and after stage 2.

    python benchmarks/dense.py --data ../shared/data --model ../shared/models/multilingual-e5-small-ko-en
    --steps1 400 --steps2 400 --keep outputs/dense

Teacher and start are the same encoder. Stage 1 reads the train split of msmarco_ko (questions) and msmarco_en
(questions, passages); stage 2 the bi-text `--bitext`, msmarco's passages not among it. The msmarco sets are
for research only: what is trained on them must not ship.
Measured on the dev split of msmarco_ko and msmarco_en, which share their ids: all its questions, on a sample
of `--documents` documents (the answers and others by a fixed shuffle; the same ones in both languages and
every time, so rows compare with each other, not with figures on the whole collection).
Alignment: mean cosine of `parallel/news_dev`, which is not trained on, against random pairs. With `--keep`, a
run that was killed goes on, and the encoder (a Hugging Face folder, `encoder/`) and a picture of both
languages stay there.
A step of the default 16 rows takes about 5 seconds on one CPU core; the last line holds the figures."""

import argparse
import logging
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from korean_sparse.core.pictures import LANG_COLOUR, axes, save_picture
from korean_sparse.core.places import resolve
from korean_sparse.encoder.start import Start, load_start
from korean_sparse.retrieval.sets import RetrievalSet, load_retrieval
from korean_sparse.training.dense import (
    SIDES,
    DenseConfig,
    add_negatives,
    alignment,
    bitext_rows,
    crossings,
    dense_scores,
    draw_languages,
    save_dense,
    train_dense,
    translated_queries,
)
from korean_sparse.training.loop import LoopConfig
from korean_sparse.training.teachers import DenseTeacher, EmbeddingCache


def sample(
    ko: RetrievalSet, en: RetrievalSet, queries: int, documents: int, seed: int = 0
) -> tuple[RetrievalSet, RetrievalSet]:
    """The same questions and documents of both languages: the first questions by a fixed shuffle, their
    answers, and other documents up to `documents`."""
    rng = random.Random(seed)
    ids = rng.sample(sorted(ko.queries), min(queries, len(ko.queries)))
    kept = dict.fromkeys(d for q in ids for d in ko.qrels[q])
    rest = [d for d in sorted(ko.corpus) if d not in kept]
    kept |= dict.fromkeys(rng.sample(rest, min(len(rest), max(0, documents - len(kept)))))
    return tuple(
        RetrievalSet(
            rs.name,
            {d: rs.corpus[d] for d in kept},
            {q: rs.queries[q] for q in ids},
            {q: rs.qrels[q] for q in ids},
        )
        for rs in (ko, en)
    )


def show(
    name: str, start: Start, sets: dict[str, RetrievalSet], pairs: list[tuple[str, str]]
) -> dict[str, float]:
    "Measure, print a line, and give the figures under short names."
    scores, near = dense_scores(start, sets, bf16=True), alignment(start, pairs, bf16=True)
    print(
        f'{name:8}'
        + '  '.join(f'{k} R@10 {v["R@10"]:.4f} nDCG@10 {v["nDCG@10"]:.4f}' for k, v in scores.items())
        + '  cosine of pairs {pairs:.3f}, of random pairs {random:.3f}'.format(**near),
        flush=True,
    )
    figures = {
        f'{k.replace("->", "_")}_{m}_{name}': v[full]
        for k, v in scores.items()
        for m, full in (('r10', 'R@10'), ('ndcg', 'nDCG@10'))
    }
    return figures | {f'cosine_{k}_{name}': round(v, 4) for k, v in near.items()}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', default='../shared/data')
    p.add_argument('--model', default='../shared/models/multilingual-e5-small-ko-en')
    p.add_argument('--steps1', type=int, default=400)
    p.add_argument('--steps2', type=int, default=400)
    p.add_argument(
        '--keep', help="folder for checkpoints, the teacher's vectors, the encoder and the picture"
    )
    p.add_argument('--device', default='cpu')
    p.add_argument('--rows', type=int, default=16, help='rows of a batch')
    p.add_argument('--lr1', type=float, default=5e-5)
    p.add_argument('--lr2', type=float, default=2e-5)
    p.add_argument('--temperature', type=float, default=0.02)
    p.add_argument('--max-length', type=int, default=128, help='tokens of a text in training')
    p.add_argument('--sides1', nargs='+', default=['ko-en'], choices=SIDES)
    p.add_argument('--sides2', nargs='+', default=['ko-ko', 'ko-en'], choices=SIDES)
    p.add_argument(
        '--negatives',
        type=int,
        default=0,
        help=(
            'English passages a row that the teacher finds near the English question, within its margin; '
            "0: the batch's others only"
        ),
    )
    p.add_argument(
        '--bitext',
        nargs='+',
        default=['parallel/python_docs.ko_en.tsv.gz', 'parallel/tatoeba.ko_en.tsv'],
        help='files below --data',
    )
    p.add_argument(
        '--train-table', action='store_true', help='train the input embeddings too (frozen by default)'
    )
    p.add_argument('--precision', default='bf16', choices=('no', 'bf16', 'fp16'))
    p.add_argument('--accumulate', type=int, default=1)
    p.add_argument('--chunk', type=int, default=0)
    p.add_argument('--queries', type=int, default=1033)
    p.add_argument('--documents', type=int, default=2500, help='documents of the sample that is searched')
    p.add_argument('--pairs', type=int, default=500, help='of news_dev')
    a = p.parse_args()
    logging.getLogger('transformers').setLevel(logging.ERROR)
    data, folder = resolve(a.data), Path(a.keep or tempfile.mkdtemp())
    start = load_start(resolve(a.model), 'query: ', 'passage: ')
    start.backbone.to(a.device)
    sets = crossings(
        *sample(
            *(load_retrieval(data / 'retrieval' / n, 'dev') for n in ('msmarco_ko', 'msmarco_en')),
            a.queries,
            a.documents,
        )
    )
    pairs = [(r.ko, r.en) for r in bitext_rows(data / 'parallel' / 'news_dev.ko_en.tsv')][: a.pairs]
    cache = EmbeddingCache(folder / 'teacher')
    rows1 = translated_queries(data / 'retrieval' / 'msmarco_ko', data / 'retrieval' / 'msmarco_en')
    if a.negatives:
        rows1 = add_negatives(
            rows1,
            DenseTeacher(start, cache=cache, bf16=True),
            a.negatives,
            teacher=DenseTeacher(start, cache=cache, bf16=True),
        )
    rows2 = [r for name in a.bitext for r in bitext_rows(data / name)]
    print(
        (
            f'stage 1: {len(rows1)} rows; stage 2: {len(rows2)} rows; {len(sets["ko->ko"].queries)} '
            f'questions on {len(sets["ko->ko"].corpus)} documents'
        ),
        flush=True,
    )
    config = DenseConfig(
        a.steps1,
        a.rows,
        tuple(a.sides1),
        a.temperature,
        a.max_length,
        freeze_table=not a.train_table,
        loop=LoopConfig(
            lr=a.lr1, precision=a.precision, accumulate=a.accumulate, chunk=a.chunk, save_every=50
        ),
    )
    figures, stages = show('before', start, sets, pairs), {'before': start}
    for name, steps, rows, sides, lr in (
        ('stage1', a.steps1, rows1, a.sides1, a.lr1),
        ('stage2', a.steps2, rows2, a.sides2, a.lr2),
    ):
        began = time.time()
        stages[name], history = train_dense(
            list(stages.values())[-1],
            start,
            rows,
            replace(config, steps=steps, sides=tuple(sides), loop=replace(config.loop, lr=lr)),
            folder / name,
            cache=cache,
        )
        losses = [r['loss'] for r in history]
        print(
            (
                f'{name}: {len(losses)} steps, {time.time() - began:.0f} s in this run, loss '
                f'{np.mean(losses[:20]):.4f} in the first 20 steps, {np.mean(losses[-20:]):.4f} in the '
                'last 20'
            ),
            flush=True,
        )
        figures |= show(name, stages[name], sets, pairs)
    if a.keep:
        save_dense(stages['stage2'], folder / 'encoder')
        fig, panels = axes(12, 4, columns=3)
        for ax, (name, s) in zip(panels, stages.items()):
            draw_languages(ax, s, pairs[:200], bf16=True)
            ax.set_title(name)
        for lang, colour in LANG_COLOUR.items():
            panels[0].scatter([], [], c=colour, s=14, label=lang)
        panels[0].legend()
        save_picture(fig, folder / 'languages.png')
    print(' '.join(f'{k}={v:.4f}' for k, v in figures.items()) + f' steps1={a.steps1} steps2={a.steps2}')


if __name__ == '__main__':
    main()
