"""The baselines that a model has to beat, on the whole dev splits: BM25 over words, letter pairs and
morphemes, plain and tuned, and a dense encoder.

    python benchmarks/baselines.py --data ../shared/data --model ../shared/models/multilingual-e5-small-ko-en
    --sets 'welfare msmarco_ko boolq'

`mecab, plain` keeps nouns, verbs, modifiers, roots, foreign words and numbers, as the data's README does for
its bar; `mecab, ours` (`text.content_terms`) also drops verbs that are grammar, conjunctions and English
function words.
Tuned: k1 and b by nDCG@10 on the train split (a sample of 1,000 questions). The last line holds the
figures."""

import argparse
from pathlib import Path

from korean_sparse.core.places import resolve
from korean_sparse.judging.systems import dense, tokenizer_of, tune_bm25
from korean_sparse.retrieval.bm25 import BM25
from korean_sparse.retrieval.sets import averages, load_retrieval, measure, sample_retrieval
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.normal import normalize


def plain_morphemes():
    "mecab's nouns, verbs, modifiers, roots, foreign words, Chinese letters and numbers."
    by = get_analyzer('mecab')

    def tokenize(text):
        return [
            s
            for s, tag in by.morphs(normalize(text))
            if (p := tag.split('+')[0])[0] in 'NVM' or p in ('SL', 'SN', 'SH', 'XR')
        ]

    return tokenize


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--model', default='../shared/models/multilingual-e5-small-ko-en')
    p.add_argument('--sets', default='welfare msmarco_ko boolq')
    p.add_argument('--no-dense', action='store_true')
    a = p.parse_args()
    bar = {'welfare': 0.717, 'msdocs': 0.628, 'msmarco_ko': 0.889, 'boolq': 0.952}
    figures = {}
    for name in a.sets.split():
        rs, train = (
            load_retrieval(a.data / 'retrieval' / name, 'dev'),
            sample_retrieval(load_retrieval(a.data / 'retrieval' / name, 'train'), 1000, 10**6),
        )
        texts, rows = list(rs.corpus.values()), {}

        def lexical(tokenize, k1=1.2, b=0.75):
            cache = {}

            def once(t):
                if t not in cache:
                    cache[t] = tokenize(t)
                return cache[t]

            return averages(
                measure(
                    rs.qrels,
                    BM25(list(rs.corpus), texts, once, k1, b).search(rs.queries, 10),
                    ('nDCG@10', 'R@1', 'R@10'),
                )
            )

        for label, tokenize in (
            ('whitespace', tokenizer_of('whitespace')),
            ('bigram', tokenizer_of('bigram')),
            ('mecab, plain', plain_morphemes()),
            ('mecab, ours', tokenizer_of('mecab')),
            ('kiwi, ours', tokenizer_of('kiwi')),
        ):
            if label.startswith('kiwi') and sum(map(len, texts)) > 1e7:
                continue  # minutes
            rows[label] = lexical(tokenize)
        best = tune_bm25(train, tokenizer_of('mecab'))
        rows[f'mecab, ours, k1 {best[0]:g} b {best[1]:g}'] = lexical(tokenizer_of('mecab'), *best)
        if not a.no_dense:
            rows['dense'] = averages(
                measure(
                    rs.qrels,
                    dense(resolve(a.model), 'query: ', 'passage: ', bf16=True).search(rs, 10).run,
                    ('nDCG@10', 'R@1', 'R@10'),
                )
            )
        print(f'\n{name}: {len(rs.queries)} queries, {len(rs.corpus)} documents')
        for label, row in rows.items():
            print(f'  {label:28}' + '  '.join(f'{k} {v:.4f}' for k, v in row.items()), flush=True)
        figures |= {
            f'{name}_plain': rows['mecab, plain']['nDCG@10'],
            f'{name}_off_bar': round(rows['mecab, plain']['nDCG@10'] - bar[name], 4),
            f'{name}_ours': rows['mecab, ours']['nDCG@10'],
        } | ({f'{name}_dense': rows['dense']['nDCG@10']} if 'dense' in rows else {})
    print(' '.join(f'{k}={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
