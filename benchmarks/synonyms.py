"""Synonyms on real text, judged by real dictionaries: sound, alignment, and the precision of bilingual pairs
by score band.

    python benchmarks/synonyms.py sound                 # transliteration on the loan words
    python benchmarks/synonyms.py alignment             # P@k of translation by aligned vectors, held-back
                                                        pairs
    python benchmarks/synonyms.py growth                # pairs per thousand paragraphs as the text grows
    python benchmarks/synonyms.py bands                 # brackets, sounds and vectors of real text -> pairs
                                                        -> precision a band

Halves are told apart by a hash of the Korean term: one teaches (seeds, calibration), the other judges.
`--cache` keeps the encoder's embeddings of terms."""

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np

from korean_sparse.pairs.alignment import align_spaces, alignment_evidence, centred, csls, precision_at
from korean_sparse.pairs.confidence import (
    BANDS,
    SIGNALS,
    Known,
    bands,
    fit_calibration,
    gather,
    held_back,
    signals,
)
from korean_sparse.pairs.sources import loanword_evidence, parenthetical_evidence
from korean_sparse.text.analysers import content_terms, get_analyzer
from korean_sparse.text.normal import normalize
from korean_sparse.text.terms import squeeze
from korean_sparse.text.transliteration import letters, match, sounds, transliterator
from korean_sparse.text.vectors import ppmi_vectors


def tsv(path):
    return [tuple(l.rstrip('\n').split('\t')[:2]) for l in open(path, encoding='utf-8') if l.count('\t')]


def dictionary(data):
    "Pairs of both dictionaries with Hangul on the left."
    pairs = {
        (normalize(k), normalize(e))
        for name in ('wiktionary', 'omw')
        for k, e in tsv(data / f'pairs/{name}.ko_en.tsv')
    }
    return sorted(p for p in pairs if re.search('[가-힣]', p[0]) and p[1])


def rows(path):
    with gzip.open(path, 'rt', encoding='utf-8') as f:
        yield from map(json.loads, f)


def embedded(terms, a):
    "The encoder's embeddings of terms, kept in a file."
    path = a.cache / 'terms.npz'
    kept = dict(zip(*(lambda z: (z['terms'].tolist(), z['vectors']))(np.load(path)))) if path.exists() else {}
    if missing := [t for t in terms if t not in kept]:
        from korean_sparse.encoder.start import embed, load_start

        kept |= dict(
            zip(missing, embed(load_start(a.model), missing, 'query: ', bf16=True).astype(np.float16))
        )
        a.cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, terms=np.array(list(kept)), vectors=np.stack(list(kept.values())))
    return np.stack([kept[t] for t in terms]).astype(np.float32)


def sound(a):
    pairs = [p for p in tsv(a.data / 'pairs/loanwords.ko_en.tsv') if sounds(p[0]) and letters(p[1])]
    random.Random(0).shuffle(pairs)
    teach, test = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :][:2000]
    words, gold = sorted({e for _, e in pairs}), {}
    for k, e in pairs:
        gold.setdefault(k, set()).add(e)
    rules = transliterator()
    for name, t in (('rules', rules), (f'rules and {len(teach):,} pairs', rules.fit(teach))):
        start = time.perf_counter()
        found = match([k for k, _ in test], words, t, 10)
        hits = [[words[j] in gold[k] for j, _ in row] for (k, _), row in zip(test, found)]
        print(
            f'{name}: {len(test):,} words, {len(words):,} candidates, '
            + ', '.join(f'P@{n} {np.mean([any(h[:n]) for h in hits]):.3f}' for n in (1, 5, 10))
            + f', {len(test) / (time.perf_counter() - start):.0f} words/s'
        )


def apart(a, dim=256):
    "PPMI vectors of each language's texts by themselves."
    by = get_analyzer('mecab')
    ko = [
        content_terms(r['text'][:3000], by)
        for i, r in enumerate(rows(a.data / 'text/ko.jsonl.gz'))
        if r['source'] != 'msdocs' or i % 20 == 0
    ]
    en = [content_terms(r['text'][:3000], by) for r in rows(a.data / 'text/en.jsonl.gz')] + [
        content_terms(e, by) for _, e in bitext(a) if len(e) > 60
    ]
    return ppmi_vectors(ko, dim, min_count=10), ppmi_vectors(en, dim, min_count=5)


def bitext(a):
    "Parallel texts: documentation, sentences, headings, and the passages that are aligned by id."
    for name in ('tatoeba.ko_en.tsv', 'news_dev.ko_en.tsv'):
        yield from tsv(a.data / 'parallel' / name)
    yield from tsv(a.data / 'pairs/msdocs_headings.ko_en.tsv')
    with gzip.open(a.data / 'parallel/python_docs.ko_en.tsv.gz', 'rt', encoding='utf-8') as f:
        yield from (tuple(l.rstrip('\n').split('\t')[:2]) for l in f)
    ko, en = (
        {r['_id']: r['text'] for r in rows(a.data / f'retrieval/msmarco_{l}/corpus.jsonl.gz')}
        for l in ('ko', 'en')
    )
    yield from ((ko[i], en[i]) for i in ko if i in en)


def joined(a, dim=256):
    "PPMI vectors of parallel texts, each pair one document."
    by = get_analyzer('mecab')
    return ppmi_vectors([content_terms(k, by) + content_terms(e, by) for k, e in bitext(a)], dim, min_count=4)


def alignment(a):
    pairs = dictionary(a.data)
    frequent = Counter(
        t
        for i, r in enumerate(rows(a.data / 'text/ko.jsonl.gz'))
        if r['source'] != 'msdocs' or i % 20 == 0
        for t in set(content_terms(r['text'][:2000], get_analyzer('mecab')))
    )

    def report(name, ko, en, x, y, aligned=True):
        ki, ei = {t: i for i, t in enumerate(ko)}, {t: i for i, t in enumerate(en)}
        gold = {}
        for k, e in pairs:
            if k in ki and e in ei:
                gold.setdefault(k, set()).add(ei[e])
        seeds = [(ki[k], j) for k, js in gold.items() if not held_back(k) for j in js]
        u, v = align_spaces(x, y, seeds) if aligned else (centred(x), centred(y))
        for which, test in (
            ('all', sorted(k for k in gold if held_back(k))),
            ('in 20 texts', sorted(k for k in gold if held_back(k) and frequent[k] >= 20)),
        ):
            q = np.array([ki[k] for k in test])
            wide = precision_at(csls(u[q], v, among=u)[0], [gold[k] for k in test])
            some = sorted({j for k in test for j in gold[k]})
            at = {j: n for n, j in enumerate(some)}
            narrow = precision_at(csls(u[q], v[some], among=u)[0], [{at[j] for j in gold[k]} for k in test])
            print(
                f'{name}; words {which} ({len(test)}), {len(seeds)} seeds: among {len(en)} '
                + ' '.join(f'{k} {p:.3f}' for k, p in wide.items())
                + f'; among the {len(some)} of held-back pairs '
                + ' '.join(f'{k} {p:.3f}' for k, p in narrow.items()),
                flush=True,
            )
        return u, v

    ko, en = sorted({k for k, _ in pairs}), sorted({e for _, e in pairs})
    x, y = embedded(ko, a), embedded(en, a)
    report('given encoder, centred', ko, en, x, y, False)
    report('given encoder, aligned', ko, en, x, y)
    a_ko, a_en = apart(a)
    print(f'own vectors: {len(a_ko.terms)} Korean and {len(a_en.terms)} English terms', flush=True)
    both = [k for k in ko if k in a_ko], [e for e in en if e in a_en]
    report(
        'own vectors of each language, aligned',
        *both,
        np.stack([a_ko[k] for k in both[0]]),
        np.stack([a_en[e] for e in both[1]]),
    )
    tv = joined(a)
    both = [k for k in ko if k in tv], [e for e in en if e in tv]
    p, q = (np.stack([tv[t] for t in side]) for side in both)
    encoder = [embedded(side, a) for side in both]
    report('given encoder, aligned; words of the bi-text', *both, *encoder)
    report('own vectors of bi-text, as they are', *both, p, q, False)
    u, v = report('own vectors of bi-text, aligned', *both, p, q)
    ki, ei = {t: i for i, t in enumerate(both[0])}, {t: i for i, t in enumerate(both[1])}
    e_u, e_v = align_spaces(
        *encoder, [(ki[k], ei[e]) for k, e in pairs if k in ki and e in ei and not held_back(k)]
    )
    report('both side by side', *both, np.hstack([centred(p), e_u]), np.hstack([centred(q), e_v]), False)


def growth(a):
    "Pairs in brackets per thousand paragraphs, as the text grows."
    texts = [(str(i), 'ko', '', r['text']) for i, r in enumerate(rows(a.data / 'text/ko.jsonl.gz'))]
    random.Random(0).shuffle(texts)
    for share in (0.1, 0.25, 0.5, 1):
        some = texts[: int(share * len(texts))]
        found = {
            (squeeze(e.left), squeeze(e.right))
            for e in parenthetical_evidence(some, Counter(), get_analyzer('kiwi'))
            if e.left_lang != e.right_lang
        }
        print(
            f'{len(some):,} paragraphs: {len(found):,} bilingual pairs, '
            f'{1000 * len(found) / len(some):.1f} a thousand'
        )


def bands_(a):
    by, refused, start = get_analyzer('mecab'), Counter(), time.perf_counter()
    pairs = dictionary(a.data)
    texts = [(str(i), 'ko', '', r['text']) for i, r in enumerate(rows(a.data / 'text/ko.jsonl.gz'))]
    brackets = list(parenthetical_evidence(texts, refused, get_analyzer('kiwi')))
    print(
        f'{len(brackets):,} pairs in brackets of {len(texts):,} paragraphs '
        f'({1000 * len(brackets) / len(texts):.0f} a thousand), {time.perf_counter() - start:.0f} s',
        flush=True,
    )
    nouns = Counter(
        t
        for i, (_, _, _, text) in enumerate(texts)
        if i % 4 == 0
        for t in {s for s, tag in by.morphs(normalize(text)[:2000]) if tag in ('NNG', 'NNP') and len(s) > 1}
    )
    words = Counter(
        w for r in rows(a.data / 'text/en.jsonl.gz') for w in set(re.findall('[a-z]{3,}', r['text'].lower()))
    )
    docs = [
        l.split('\t')[1]
        for l in gzip.open(a.data / 'parallel/python_docs.ko_en.tsv.gz', 'rt', encoding='utf-8')
    ]
    words.update(w for d in docs for w in set(re.findall('[a-z]{3,}', d.lower())))
    ko, en = sorted(n for n, c in nouns.items() if c >= 5), sorted(w for w, c in words.items() if c >= 3)
    print(f'{len(ko):,} Korean nouns, {len(en):,} English words', flush=True)
    sounding = list(loanword_evidence(ko, en, refused))
    seeds_of = {(k, e) for k, e in pairs if not held_back(k)}
    cross = [(e.left, e.right) for e in brackets + sounding if e.left_lang != e.right_lang]
    all_ko = sorted({*ko, *(k for k, _ in cross), *(k for k, _ in seeds_of)})
    all_en = sorted({*en, *(e for _, e in cross), *(e for _, e in seeds_of)})
    ki, ei = {t: i for i, t in enumerate(all_ko)}, {t: i for i, t in enumerate(all_en)}
    u, v = align_spaces(embedded(all_ko, a), embedded(all_en, a), [(ki[k], ei[e]) for k, e in seeds_of])
    near_ko, near_en = np.array([ki[k] for k in ko]), np.array([ei[e] for e in en])
    meaning = alignment_evidence(ko, en, u[near_ko], v[near_en], refused)
    from korean_sparse.pairs.alignment import nearness

    candidates = [c for c in gather([*brackets, *sounding, *meaning], refused) if c.left_lang != c.right_lang]
    table = signals(candidates, near=nearness(all_ko, all_en, u, v))
    known = Known(pairs)
    calibration = fit_calibration(candidates, table, known)
    print(
        'weights of standardised signals:',
        {n: round(float(w), 2) for n, w in zip(SIGNALS, calibration.weights)},
    )
    for name, confidence in (
        ('noisy-or of the priors', 1 / (1 + np.exp(-table[:, 0]))),
        ('calibrated', calibration(table)),
    ):
        print(name)
        for r in bands(candidates, confidence, known):
            print('  ', r)
    confidence = calibration(table)
    for source in ('parenthetical', 'transliteration', 'alignment'):
        mine = [i for i, c in enumerate(candidates) if source in dict(c.sources)]
        judged = [
            r for i in mine if held_back(candidates[i].left) and (r := known.judge(candidates[i])) is not None
        ]
        print(
            f'{source}: {len(mine)} pairs, {len(judged)} judged, precision {np.mean(judged):.3f}; '
            f'above .9: {sum(confidence[i] >= 0.9 for i in mine)}'
        )
    rng = random.Random(0)
    for low, high in BANDS:
        inside = [i for i in range(len(candidates)) if low <= confidence[i] < high]
        shown = []
        for i in rng.sample(inside, min(a.show, len(inside))):
            c = candidates[i]
            sources = '+'.join(source[:3] for source, _ in c.sources)
            verdict = {True: ' ok', False: ' X', None: ''}[known.judge(c)]
            shown.append(f'{c.left} = {c.right} ({sources}{verdict})')
        print(f'{low:.1f}', ' | '.join(shown))
    print(refused)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=['sound', 'alignment', 'bands', 'growth'])
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--model', default='../shared/models/multilingual-e5-small-ko-en')
    p.add_argument('--cache', type=Path, default=Path('outputs/synonyms'))
    p.add_argument('--show', type=int, default=40)
    a = p.parse_args()
    {'sound': sound, 'alignment': alignment, 'bands': bands_, 'growth': growth}[a.what](a)
