"""A trained checkpoint on the whole dev splits, beside BM25 on morphemes and the model before training;
across languages on msmarco_ko / msmarco_en, which are aligned by id.

    python benchmarks/trained.py outputs/cpu/04_pretraining/checkpoint --states outputs/cpu/states

One model with one idf for all sets; the second figure is with the idf of the set's own documents. `--states`
keeps hidden states on disk (`states.remembered`): a checkpoint that shares its encoder with another is then
judged without running it again.
The last line holds the trained model's figures."""

import argparse
import contextlib
from pathlib import Path

import numpy as np

from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.retrieval.bm25 import morpheme_bm25
from korean_sparse.retrieval.query import QueryEncoder, SparseIndex, idf_weights
from korean_sparse.retrieval.sets import averages, load_retrieval, measure
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.training.states import remembered


def score(rs, run, metric):
    return averages(measure(rs.qrels, run, (metric,)))[metric]


def own_idf(model, rs):
    "A query encoder with the idf of the set's documents."
    return QueryEncoder(
        model.tokenizer,
        idf_weights(
            [e.ids for e in model.tokenizer.encode_batch(list(rs.corpus.values()), add_special_tokens=False)],
            model.vocab,
        ),
    )


def judge(model, sets, cross):
    "Rows of figures of one model: name -> value."
    rows, encoded = {}, {}
    for name, rs in sets.items():
        encoded[name] = model.encode(list(rs.corpus.values()), progress=True, bf16=True)
        rows[f'{name} terms'] = round(float(np.diff(encoded[name].indptr).mean()), 1)
        if name == 'msmarco_en':
            continue
        for kind, query in (('', model.query), (' own idf', own_idf(model, rs))):
            rows[name + kind] = score(
                rs, SparseIndex(list(rs.corpus), encoded[name], query).search(rs.queries, 10), 'nDCG@10'
            )
    for q, d in cross:
        rows[f'{q[-2:]}->{d[-2:]} R@10'] = score(
            sets[q],
            SparseIndex(list(sets[d].corpus), encoded[d], model.query).search(sets[q].queries, 10),
            'R@10',
        )
    total = sum(len(sets[n].corpus) for n in sets)
    rows['terms'] = round(sum(rows[f'{n} terms'] * len(sets[n].corpus) for n in sets) / total, 1)
    return rows


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('checkpoint', type=Path)
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--states', type=Path, help='folder for hidden states')
    p.add_argument('--sets', default='welfare msmarco_ko boolq msdocs')
    p.add_argument('--no-untrained', action='store_true')
    a = p.parse_args()
    names = a.sets.split() + (['msmarco_en'] if 'msmarco_ko' in a.sets.split() else [])
    sets, by = {n: load_retrieval(a.data / 'retrieval' / n, 'dev') for n in names}, get_analyzer('mecab')
    cross = [('msmarco_ko', 'msmarco_en'), ('msmarco_en', 'msmarco_ko')] if 'msmarco_en' in sets else []
    table = {
        'BM25 on morphemes': {
            n: score(
                rs,
                morpheme_bm25(list(rs.corpus), list(rs.corpus.values()), by).search(rs.queries, 10),
                'nDCG@10',
            )
            for n, rs in sets.items()
            if n != 'msmarco_en'
        }
    }
    for name in ('untrained', 'trained'):
        folder = a.checkpoint if name == 'trained' else a.checkpoint.parent / 'untrained'
        if name == 'untrained' and (a.no_untrained or not folder.exists()):
            continue
        model = SparseEncoder.load(folder)
        with remembered(model, a.states, bf16=True) if a.states else contextlib.nullcontext():
            table[name] = judge(model, sets, cross)
        print(f'{name}: ' + '  '.join(f'{k} {v}' for k, v in table[name].items()), flush=True)
    columns = [k for k in table['trained'] if 'own' not in k]
    print('\n' + f'{"":20}' + ''.join(f'{c:>18}' for c in columns))
    for name, row in table.items():
        print(
            f'{name:20}'
            + ''.join(
                f'{row[c]:18.4f}' if c in row and 'terms' not in c else f'{row.get(c, ""):>18}'
                for c in columns
            )
        )
    print(
        'own idf: '
        + '  '.join(f'{k[:-8]} {v:.4f}' for k, v in table['trained'].items() if k.endswith('own idf'))
    )
    print(' '.join(f'{k.replace(" ", "_").replace("->", "_")}={v}' for k, v in table['trained'].items()))


if __name__ == '__main__':
    main()
