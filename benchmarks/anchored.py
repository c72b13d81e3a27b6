"""The anchored head before any training: BM25 on morphemes, our lexical floor, and the floor with expansion
from a pretrained encoder, on the dev splits; and across languages on msmarco_ko / msmarco_en, which are
aligned by id.

python benchmarks/anchored.py --moved outputs/healed                    the encoder that `heal.py` moved onto
                                                                        our vocabulary and healed
python benchmarks/anchored.py --moved outputs/healed --vocabulary checkpoint --sets 'welfare msmarco_ko'
the original under its own vocabulary

Nothing is trained and no judgement is read before the last step. Centres, thresholds and the average length
come from `--calibrate` documents of each collection, idf from all of them.
Terms are the original's embedding of each term's string (`term_vectors`)."""

import argparse
from pathlib import Path

import numpy as np

from korean_sparse.encoder.made import anchored, checkpoint_vocabulary
from korean_sparse.encoder.start import load_start, term_vectors
from korean_sparse.retrieval.bm25 import morpheme_bm25
from korean_sparse.retrieval.query import QueryEncoder, SparseIndex, idf_weights
from korean_sparse.retrieval.sets import averages, load_retrieval, measure
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vocabulary import Vocabulary

METRICS = ('nDCG@10', 'R@1', 'R@10')


def score(rs, run):
    return averages(measure(rs.qrels, run, METRICS))


def systems(name, start, vocab, vectors, rs, idf, a):
    "Our rows of one collection: lexical floor, and with expansion."
    ids, texts = list(rs.corpus), list(rs.corpus.values())
    model = anchored(start, vocab, idf, vectors, texts[:: max(1, len(texts) // a.calibrate)], max_length=512)
    model.head.average_length.copy_(lengths(vocab, texts))
    return ids, {
        f'{name}: lexical floor': model.encode(texts, lexical_only=True),
        f'{name}: anchored, untrained': model.encode(texts, progress=True, bf16=True),
    }


def lengths(vocab, texts):
    import torch

    return torch.tensor(
        float(
            np.mean(
                [
                    sum(vocab.kinds[i] > 0 for i in e.ids)
                    for e in vocab.tokenizer.encode_batch(texts, add_special_tokens=False)
                ]
            )
        )
    )


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--model', default='../shared/models/multilingual-e5-small-ko-en')
    p.add_argument('--moved', required=True, help='folder of an encoder moved onto our vocabulary')
    p.add_argument('--vocabulary', choices=('ours', 'checkpoint', 'both'), default='ours')
    p.add_argument('--calibrate', type=int, default=500)
    p.add_argument('--sets', default='welfare msmarco_ko boolq msdocs')
    a = p.parse_args()
    original, moved, by = (
        load_start(a.model, 'query: ', 'passage: '),
        load_start(a.moved),
        get_analyzer('mecab'),
    )
    starts = {
        'ours': (moved, Vocabulary.load(a.moved)),
        'checkpoint': (original, checkpoint_vocabulary(original.tokenizer)),
    }
    if a.vocabulary != 'both':
        starts = {a.vocabulary: starts[a.vocabulary]}
    ids_of = lambda vocab, texts: [
        e.ids for e in vocab.tokenizer.encode_batch(texts, add_special_tokens=False)
    ]
    figures = {}
    for name, (start, vocab) in starts.items():
        tail = '' if name == 'ours' else '_checkpoint'
        vectors = term_vectors(original, vocab, bf16=True)
        rows, sets = (
            {},
            {
                n: load_retrieval(a.data / 'retrieval' / n, 'dev')
                for n in [*a.sets.split(), 'msmarco_en']
                if n != 'msmarco_en' or 'msmarco_ko' in a.sets
            },
        )
        for n, rs in sets.items():
            texts = list(rs.corpus.values())
            idf = idf_weights(ids_of(vocab, texts), vocab)
            ids, rows[n] = systems(name, start, vocab, vectors, rs, idf, a)
            if n == 'msmarco_en':
                continue
            query = QueryEncoder(vocab.tokenizer, idf)
            line = {
                'BM25 on morphemes': (score(rs, morpheme_bm25(ids, texts, by).search(rs.queries, 100)), '')
            }
            for system, w in rows[n].items():
                line[system] = (
                    score(rs, SparseIndex(ids, w, query).search(rs.queries, 100)),
                    f'{np.diff(w.indptr).mean():.1f} terms',
                )
            for system, (s, terms) in line.items():
                print(
                    f'{n:12} {system:30} ' + '  '.join(f'{m} {v:.4f}' for m, v in s.items()) + f'  {terms}',
                    flush=True,
                )
            for system, (s, _) in line.items():
                figures[
                    {'B': f'{n}_bm25', 'l': f'{n}_floor', 'a': f'{n}'}[system.split(': ')[-1][0]] + tail
                ] = s['nDCG@10']
        if 'msmarco_en' not in rows:
            continue
        both = idf_weights(
            [i for n in ('msmarco_ko', 'msmarco_en') for i in ids_of(vocab, list(sets[n].corpus.values()))],
            vocab,
        )
        for q, d in (('msmarco_ko', 'msmarco_en'), ('msmarco_en', 'msmarco_ko')):
            for system, w in rows[d].items():
                s = score(
                    sets[q],
                    SparseIndex(list(sets[d].corpus), w, QueryEncoder(vocab.tokenizer, both)).search(
                        sets[q].queries, 100
                    ),
                )
                print(
                    f'{q[-2:]} -> {d[-2:]}     {system:30} '
                    + '  '.join(f'{m} {v:.4f}' for m, v in s.items())
                    + f'  {np.diff(w.indptr).mean():.1f} terms',
                    flush=True,
                )
                if 'anchored' in system:
                    figures[f'{q[-2:]}_{d[-2:]}_r10{tail}'], figures[f'{d}_terms{tail}'] = (
                        s['R@10'],
                        round(float(np.diff(w.indptr).mean()), 1),
                    )
    print(' '.join(f'{k}={v:.4f}' if 'terms' not in k else f'{k}={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
