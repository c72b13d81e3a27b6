"""A pretrained encoder moved onto our vocabulary and healed by its own embeddings: how near it is to the
original before and after.

    python benchmarks/heal.py --data ../shared/data --model ../shared/models/multilingual-e5-small-ko-en
    --steps 800 --keep outputs/healed

Text: only sources from which weights may ship (the data's README). 500 Korean and 300 English texts are held
back; boolq and msmarco_en,
which are never trained on, show how far it carries. The last line holds the figures."""

import argparse
import gzip
import json
import logging
import random
import time
from pathlib import Path

import numpy as np
import torch

from korean_sparse.core.places import resolve
from korean_sparse.encoder.healing import HealConfig, heal
from korean_sparse.encoder.start import (
    Start,
    centred_cosine,
    embed,
    load_start,
    move,
    save_moved,
    string_matrix,
)
from korean_sparse.retrieval.sets import RetrievalSet, averages, load_retrieval, measure, sample_retrieval
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vocabulary import Vocabulary, train_vocabulary

KO = {
    'msdocs': 10_000,
    'book_review': 14_000,
    'fairytale': 2_000,
    'unesco_report': 12_000,
    'wikinews': 6_000,
    'welfare': 2_000,
}  # parts of texts of a source, at most
TABLES = {
    'python_docs.ko_en.tsv.gz': (4_000, 16_000),
    'tatoeba.ko_en.tsv': (1_000, 3_000),
    'news_dev.ko_en.tsv': (2_000, 3_000),
}  # Korean, English
WORDS = {
    'wiktionary.ko_en.tsv': (6_000, 4_000),
    'omw.ko_en.tsv': (2_000, 2_000),
    'msdocs_headings.ko_en.tsv': (2_000, 2_000),
}
HELD = {'ko': 500, 'en': 300}
SIZES = (
    60,
    120,
    120,
    240,
    480,
)  # characters of a part: short ones say more of their words, long ones are what documents are like


def lines(path: Path) -> list[str]:
    return (gzip.open if path.suffix == '.gz' else open)(path, 'rt', encoding='utf-8').read().splitlines()


def chunks(text: str, size: int) -> list[str]:
    "A text cut at white space into parts of about `size` characters."
    parts = ['']
    for word in text.split():
        if parts[-1] and len(parts[-1]) + len(word) + 1 > size:
            parts.append('')
        parts[-1] += (' ' if parts[-1] else '') + word
    return [p for p in parts if p]


def corpus(data: Path, seed: int = 0) -> tuple[list[str], dict[str, list[str]]]:
    """Texts to heal on, in parts, and the whole texts that are held back, by language; both spread over the
    sources."""
    rng, sources = random.Random(seed), {}
    for row in map(json.loads, lines(data / 'text' / 'ko.jsonl.gz')):
        name = next((k for k in KO if row['source'].startswith(k)), None)
        if name:
            sources.setdefault(('ko', name, KO[name]), []).append(row['text'])
    for folder, tables in (('parallel', TABLES), ('pairs', WORDS)):
        for name, counts in tables.items():
            rows = [r.split('\t') for r in lines(data / folder / name)]
            for column, lang in enumerate(('ko', 'en')):
                sources[lang, name, counts[column]] = [r[column] for r in rows if len(r) > column]
    for name in ('welfare', 'msdocs'):
        queries = {
            r['_id']: r['text']
            for r in map(json.loads, lines(data / 'retrieval' / name / 'queries.jsonl.gz'))
        }
        ids = dict.fromkeys(
            r.split('\t')[0] for r in lines(data / 'retrieval' / name / 'qrels' / 'train.tsv')[1:]
        )
        sources['ko', f'{name} questions', 2_000] = [queries[i] for i in ids]
    held, train = {'ko': [], 'en': []}, []
    for key in sorted(
        sources, key=lambda k: (len(sources[k]), k)
    ):  # small sources first: the large ones fill up
        lang, name, most = key
        texts = sorted(set(sources[key]))
        rng.shuffle(texts)
        if name not in WORDS and 'questions' not in name:
            open_ = sum(
                k[0] == lang
                and k[1] not in WORDS
                and 'questions' not in k[1]
                and (len(sources[k]), k) >= (len(texts), key)
                for k in sources
            )
            n = min(-(-(HELD[lang] - len(held[lang])) // max(open_, 1)), len(texts) // 4)
            held[lang] += texts[:n]
            texts = texts[n:]
        train += [c for t in texts for c in chunks(t, rng.choice(SIZES))][:most]
    left = {t for texts in held.values() for t in texts}
    train = [t for t in train if t not in left]
    for texts in (train, held['ko'], held['en']):
        rng.shuffle(texts)
    return train, held


def asked(texts: list[str], chars: int = 60, most: int = 15_000) -> list[str]:
    "Texts as short as questions are, to be read as queries too."
    return [t for t in texts if len(t) <= chars][:most]


def ndcg(rs: RetrievalSet, queries: np.ndarray, documents: np.ndarray) -> float:
    "nDCG@10 of dense search, from unit embeddings."
    ids = list(rs.corpus)
    run = {
        q: {ids[j]: float(row[j]) for j in np.argsort(-row, kind='stable')[:100]}
        for q, row in zip(rs.queries, queries @ documents.T)
    }
    return averages(measure(rs.qrels, run))['nDCG@10']


def nearness(start: Start, texts: dict[str, list[str]], target: dict[str, np.ndarray]) -> dict[str, float]:
    "The mean centred cosine of each group of texts to the original's embeddings."
    return {
        k: round(float(centred_cosine(embed(start, t, bf16=True), target[k]).mean()), 4)
        for k, t in texts.items()
    }


def pooled(cos: dict[str, float], held: dict[str, list[str]]) -> float:
    "The mean over all texts that were held back."
    return sum(cos[k] * len(held[k]) for k in held) / sum(map(len, held.values()))


def vocabularies(original: Start, moved: Start, held: dict[str, list[str]]) -> None:
    """What it means to keep the checkpoint's vocabulary: tokens a text, keys that are not unique once
    decoded, megabytes."""
    print(
        (
            f'{"vocabulary":12} {"entries":>8} {"tokens/text ko":>15} {"en":>6} {"keys shared":>12} '
            f'{"table MB":>9} {"model MB (fp32)":>16}'
        )
    )
    for name, s in (('checkpoint', original), ('ours', moved)):
        keys = [s.tokenizer.decode([i]).strip() for i in range(len(s.table))]
        shared = len(keys) - len(set(keys))
        size = sum(p.numel() for p in s.backbone.parameters()) * 4 / 1e6
        mean = {k: np.mean([len(x) for x in s.ids(t)]) for k, t in held.items()}
        print(
            (
                f'{name:12} {len(s.table):8} {mean["ko"]:15.1f} {mean["en"]:6.1f} {shared:12} '
                f'{s.table.numel() * 4 / 1e6:9.1f} {size:16.1f}'
            )
        )


def go_on(moved: Start, vocab: Vocabulary, folder: str) -> None:
    """Take over the layers of a healed encoder and the rows of the terms that it knows; the others stay as
    they were moved."""
    healed, known = load_start(resolve(folder)), Vocabulary.load(resolve(folder)).tokenizer.get_vocab()
    rows = moved.table.detach().clone()
    moved.backbone.load_state_dict(
        {n: v for n, v in healed.backbone.state_dict().items() if v.data_ptr() != healed.table.data_ptr()},
        strict=False,
    )
    shared = [(i, known[t]) for t, i in vocab.tokenizer.get_vocab().items() if t in known]
    new, old = map(list, zip(*shared))
    rows[new] = healed.table.detach()[old]
    with torch.no_grad():
        moved.table.copy_(rows)
    print(f'going on from {folder}: {len(shared)} of {len(vocab)} terms are known there')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', default='../shared/data')
    parser.add_argument('--model', default='../shared/models/multilingual-e5-small-ko-en')
    parser.add_argument(
        '--vocabulary', help='folder of `Vocabulary.save`; one is trained from the texts if not given'
    )
    parser.add_argument('--steps', type=int, default=800, help='of 2,048 tokens')
    parser.add_argument(
        '--keep',
        help=(
            'folder for the checkpoint of the healing (a run that was killed goes on from it) and for the '
            'healed model'
        ),
    )
    parser.add_argument(
        '--go-on-from',
        help='a folder that this script kept: heal its encoder further, under another vocabulary too',
    )
    parser.add_argument('--queries', type=int, default=200, help='of each retrieval set')
    parser.add_argument('--documents', type=int, default=500, help='of each retrieval set')
    parser.add_argument(
        '--held', type=int, default=800, help='texts held back that the cosine is measured on, of 800'
    )
    args = parser.parse_args()
    logging.getLogger('transformers').setLevel(logging.ERROR)
    data = resolve(args.data)
    train, held = corpus(data)
    held = {k: t[: args.held * len(t) // sum(HELD.values())] for k, t in held.items()}
    if args.vocabulary:
        vocab = Vocabulary.load(args.vocabulary)
    else:
        vocab = train_vocabulary(train, get_analyzer(), size=32_000, min_count=2)
    original = load_start(resolve(args.model), 'query: ', 'passage: ')
    sets = {
        name: sample_retrieval(load_retrieval(data / 'retrieval' / name), args.queries, args.documents)
        for name in ('welfare', 'msmarco_ko', 'boolq', 'msmarco_en')
    }
    texts = {
        **held,
        'boolq (never seen)': list(sets['boolq'].corpus.values())[: args.held // 4],
        'msmarco_en (never seen)': list(sets['msmarco_en'].corpus.values())[: args.held // 4],
    }
    target = {k: embed(original, t, original.passage_prefix, bf16=True) for k, t in texts.items()}
    lower = {
        k: embed(original, [x.lower() for x in held[k]], original.passage_prefix, bf16=True) for k in held
    }
    print(f'{len(train)} texts to heal on; held back: ' + ', '.join(f'{len(t)} {k}' for k, t in held.items()))
    print(
        'the original itself on the same texts in lower case, which is all that our vocabulary can see:',
        {k: round(float(centred_cosine(lower[k], target[k]).mean()), 4) for k in held},
    )

    strings = nearness(move(original, vocab, matrix=string_matrix(original, vocab)), texts, target)
    moved = move(original, vocab, train[:20_000], query_prefix=original.query_prefix)
    before = nearness(moved, texts, target)
    print('before, by strings:    ', strings)
    print('before, by occurrences:', before)
    vocabularies(original, moved, held)
    if args.go_on_from:
        go_on(moved, vocab, args.go_on_from)
        print('before this healing:   ', nearness(moved, texts, target))
    start = time.time()
    queries = asked(train)
    history = heal(
        moved,
        original,
        train,
        HealConfig(steps=args.steps),
        Path(args.keep) / 'checkpoint' if args.keep else None,
        queries=queries,
    )
    after = nearness(moved, texts, target)
    print(f'after {len(history)} steps, {time.time() - start:.0f} s in this run:', after)
    if args.keep:
        save_moved(moved, vocab, args.keep)

    rows = {}
    for name, rs in sets.items():
        q, d = list(rs.queries.values()), list(rs.corpus.values())
        oq, od = (
            embed(original, q, original.query_prefix, bf16=True),
            embed(original, d, original.passage_prefix, bf16=True),
        )
        mq, md = embed(moved, q, moved.query_prefix, bf16=True), embed(moved, d, bf16=True)
        rows[name] = ndcg(rs, oq, od), ndcg(rs, mq, md), ndcg(rs, oq, md)
        print(
            (
                f'{name:12} {len(q)} queries, {len(d)} documents, dense nDCG@10: original '
                f'{rows[name][0]:.4f}, moved {rows[name][1]:.4f}, original queries on moved documents '
                f'{rows[name][2]:.4f}'
            ),
            flush=True,
        )
    mean = np.mean([rows[n] for n in ('welfare', 'msmarco_ko', 'boolq')], axis=0)
    print(
        f'cosine_before={pooled(before, held):.4f} cosine_before_strings={pooled(strings, held):.4f} '
        f'cosine_after={pooled(after, held):.4f} cosine_after_ko={after["ko"]:.4f} '
        f'cosine_after_en={after["en"]:.4f} steps={len(history)} '
        f'dense_ndcg_original={mean[0]:.4f} dense_ndcg_moved={mean[1]:.4f} '
        f'dense_ndcg_moved_documents={mean[2]:.4f}'
    )


if __name__ == '__main__':
    main()
