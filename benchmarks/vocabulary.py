"""BM25 on our vocabulary, no analyser at run time, against BM25 on mecab's morphemes: dev splits, both sides
in one run, with and without the spaces of the queries.

The vocabulary is trained from the sources whose weights may ship (large ones count less), in four to eight
minutes; `--keep FOLDER` saves it, and loads it if it is there.
Both sides: k1 1.2, b .75, the collection's own idf. Ours: a query is the set of its terms, muted terms are
silent and are not counted in a document's length;
the scores are checked to be idf x `lexical_weights`, the document side of the encoder.

python benchmarks/vocabulary.py --data ../shared/data
python benchmarks/vocabulary.py --variants      also what each rule of the vocabulary is worth
"""

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
import torch

from korean_sparse.encoder.heads import lexical_weights
from korean_sparse.retrieval.bm25 import BM25, morpheme_bm25
from korean_sparse.retrieval.sets import averages, load_retrieval, measure
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vocabulary import MUTED, Vocabulary, choose_pieces, count_words, term_kinds, unigram

SETS, METRICS = ('welfare', 'msmarco_ko', 'boolq', 'msdocs'), ('nDCG@10', 'R@1', 'R@10')
KOREAN = ('msdocs', 'wikinews', 'book_review', 'fairytale01', 'unesco_report', 'welfare')
PAIRS = {
    'parallel/python_docs.ko_en.tsv.gz': (0.3, 0.3),
    'parallel/tatoeba.ko_en.tsv': (1, 1),
    'parallel/news_dev.ko_en.tsv': (1, 1),
    'pairs/msdocs_headings.ko_en.tsv': (1, 1),
    'pairs/wiktionary.ko_en.tsv': (1, 2),
    'pairs/omw.ko_en.tsv': (1, 2),
}  # weights of the Korean and of the English side: dictionaries are where general English comes from


def lines(path):
    with (gzip.open if path.suffix == '.gz' else open)(path, 'rt', encoding='utf-8') as f:
        yield from f


def training_texts(data):
    "(text, weight) of the sources whose licence lets weights ship."
    for line in lines(data / 'text/ko.jsonl.gz'):
        row = json.loads(line)
        if row['source'].startswith(KOREAN):
            yield row['text'], 0.1 if row['source'] == 'msdocs' else 1
    for name, weights in PAIRS.items():
        for line in lines(data / name):
            yield from zip(line.rstrip('\n').split('\t'), weights)


def train(data, size, counts=None):
    "The vocabulary of `train_vocabulary`, and the counts it comes from."
    if counts is None:
        texts, weights = zip(*training_texts(data))
        counts = count_words(texts, get_analyzer('mecab'), weights)
    tokenizer = unigram(choose_pieces(counts, size))
    return Vocabulary(tokenizer, term_kinds(tokenizer, counts)), counts


def index(vocabulary, ids, texts):
    "BM25 over the spoken terms; queries count a term once."
    made = BM25(ids, texts, vocabulary.spoken)
    made.tokenize = lambda t: list(dict.fromkeys(vocabulary.spoken(t)))
    return made


def check_scores(vocabulary, made, texts, query):
    "The index must score as idf x lexical_weights does (bm25s leaves out the constant k1 + 1)."
    cuts = [e.ids for e in vocabulary.tokenizer.encode_batch(texts, add_special_tokens=False)]
    speaks = vocabulary.kinds != MUTED
    average = np.mean([speaks[c].sum() for c in cuts])
    df = np.bincount(np.concatenate([np.unique(c) for c in cuts]), minlength=len(vocabulary))
    idf = torch.tensor(np.log1p((len(texts) - df + 0.5) / (df + 0.5)))
    wanted, unknown = {vocabulary.tokenizer.token_to_id(t) for t in made.tokenize(query)}, made.scores(query)
    for n in np.argsort(-unknown)[:20]:
        ids = torch.tensor([cuts[n]])
        row = lexical_weights(ids, torch.ones_like(ids), torch.tensor(speaks, dtype=torch.float64), average)[
            0
        ]
        torch.testing.assert_close(
            sum(idf[i] * row[i] for i in wanted).item() / 2.2, float(unknown[n]), rtol=1e-4, atol=1e-4
        )


def quality(made, rs, spaces=True):
    queries = {q: t if spaces else ''.join(t.split()) for q, t in rs.queries.items()}
    return averages(measure(rs.qrels, made.search(queries, 10), METRICS))


def row(name, label, found):
    print(f'{name:12} {label:28}', *(f'{m} {found[m]:.4f}' for m in METRICS), flush=True)


def variants(counts, size):
    "Vocabularies that lack one rule each."
    tokenizer = unigram(choose_pieces(counts, size, parts=()))
    yield 'no parts of rare words', Vocabulary(tokenizer, term_kinds(tokenizer, counts))
    tokenizer = unigram(choose_pieces(counts, size))
    yield 'nothing muted but punctuation', Vocabulary(tokenizer, term_kinds(tokenizer, counts, 1.0, 1.0))
    yield 'letters muted as words are', Vocabulary(tokenizer, term_kinds(tokenizer, counts, 0.75, 0.75))
    kinds, tokens = (
        term_kinds(tokenizer, counts),
        [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())],
    )
    silent = np.array([t in ('#', '+') or len(t) == 1 and 'a' <= t <= 'z' for t in tokens])
    yield (
        'latin letters, # and + muted',
        Vocabulary(tokenizer, np.where(silent, MUTED, kinds).astype(np.int8)),
    )


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--size', type=int, default=32_768)
    p.add_argument('--keep', type=Path, help='folder of the vocabulary: read if it is there, else written')
    p.add_argument('--variants', action='store_true')
    a = p.parse_args()
    counts = None
    if a.keep and (a.keep / 'kinds.json').exists() and not a.variants:
        vocabulary = Vocabulary.load(a.keep)
    else:
        vocabulary, counts = train(a.data, a.size)
        if a.keep:
            vocabulary.save(a.keep)
    print(f'{len(vocabulary):,} terms, {int((vocabulary.kinds == MUTED).sum()):,} of them muted')
    others = dict(variants(counts, a.size)) if a.variants else {}
    figures = {}
    for name in SETS:
        rs = load_retrieval(a.data / 'retrieval' / name)
        ids, texts = list(rs.corpus), list(rs.corpus.values())
        ours, mecab = index(vocabulary, ids, texts), morpheme_bm25(ids, texts, get_analyzer('mecab'))
        check_scores(vocabulary, ours, texts, next(iter(rs.queries.values())))
        for side, made in (('', ours), ('_mecab', mecab)):
            for spaces in (True, False):
                found = quality(made, rs, spaces)
                row(
                    name,
                    ('mecab' if side else 'ours') + ('' if spaces else ', queries without spaces'),
                    found,
                )
                figures[name + side + ('' if spaces else '_unspaced')] = found['nDCG@10']
        for label, other in others.items():
            row(name, label, quality(index(other, ids, texts), rs))
    print(*(f'{k}={v:.4f}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
