"""Where mecab and kiwi disagree about the content of a text, and of which kind each disagreement is.

A file of texts is given, one a line (or records with a column `text`); both analysers find the content terms
of each. Where the two lists differ, the place is of one of these kinds:

- dictionary: cut        the same Hangul, cut in other places (인공지능, 인공 + 지능)
- dictionary: grammar    Hangul that is content to one and grammar to the other, away from every sign
- beside a sign          the same, but it is gone when letters, digits and signs that are no Hangul are spaces
- jamo, Latin, digits, hanja, other    a term of this script that one has and the other has not

The first two are the difference of two dictionaries and are only counted; nearly all of the third is, too:
the analysers look at what stands around a word, and a letter that is a space changes their minds. The last
five should be zero.

Measured on 2,000 sentences, and on 648 that hold jamo, hashtags, addresses, dots, numbers in circles, hanja,
other scripts, emoji, old Hangul or control characters (public documents, news, petitions, reviews, technical
pages, seeded; places where the two differ, before and after one cut and tag for all that is no Hangul):

| kind | 2,000, before | after | 648, before | after |
|---|---|---|---|---|
| dictionary: cut | 845 | 882 | 201 | 232 |
| dictionary: grammar | 2,073 | 1,674 | 618 | 542 |
| beside a sign | 283 | 257 | 236 | 221 |
| jamo | 13 | 0 | 102 | 0 |
| Latin | 4 | 0 | 0 | 0 |
| digits | 0 | 0 | 0 | 0 |
| hanja | 10 | 0 | 38 | 0 |
| other | 2 | 0 | 69 | 0 |

BM25 on mecab's terms, nDCG@10, dev queries (600 at most): welfare .7674 and .7674, msdocs .6356 and .6372,
boolq .9522 and .9525, msmarco_ko .9036 and .9036; on kiwi's, welfare .7483 and .7480.

python benchmarks/analysers.py --texts sentences.txt
"""

import argparse
import re
from collections import Counter
from difflib import SequenceMatcher

from korean_sparse.core.records import read_lines, read_records
from korean_sparse.text.analysers import content_terms, get_analyzer
from korean_sparse.text.normal import normalize

SCRIPTS = {
    'jamo': '[\u1100-\u11ffㄱ-ㆎ]',
    'Latin': '[a-z\u00e0-\u024f]',
    'digits': r'\d',
    'hanja': '[\u3400-\u9fff\uf900-\ufaff]',
    'other': '[^가-힣]',
}
DICTIONARY = ('dictionary: cut', 'dictionary: grammar')


def texts_of(path):
    "The texts of a file: lines, or the column `text` of its records."
    if re.search(r'\.(jsonl|ndjson|json|csv|tsv|parquet)(\.gz)?$', str(path).lower()):
        return [record['text'] for _, record in read_records(path)]
    return [line for _, line in read_lines(path) if line.strip()]


def places(text, left, right):
    "(terms of `left`, terms of `right`) for each place where the two differ."
    a, b = content_terms(text, left), content_terms(text, right)
    for op, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op != 'equal':
            yield tuple(a[i:j]), tuple(b[k:m])


def kind_of(ours, theirs, uneven):
    "The kind of a place; `uneven` are the terms that one side has more often in the whole text."
    for name, script in SCRIPTS.items():
        if any(re.search(script, term) for term in {*ours, *theirs} & uneven):
            return name
    return 'dictionary: cut' if ''.join(ours) == ''.join(theirs) else 'dictionary: grammar'


def disagreements(text, left, right):
    "(kind, terms of `left`, terms of `right`) for each place where the two differ."
    found = list(places(text, left, right))
    ours, theirs = (Counter(term for place in found for term in place[side]) for side in (0, 1))
    uneven = set((ours - theirs) + (theirs - ours))
    without_signs = set(places(re.sub('[^가-힣]', ' ', normalize(text)), left, right)) if found else ()
    for a, b in found:
        kind = kind_of(a, b, uneven)
        if kind in DICTIONARY and re.search('[^가-힣\\s.,!?]', text) and (a, b) not in without_signs:
            kind = 'beside a sign'
        yield kind, a, b


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--texts', required=True, help='texts, one a line, or records with a column `text`')
    parser.add_argument('--left', default='mecab')
    parser.add_argument('--right', default='kiwi')
    parser.add_argument('--show', type=int, default=0, help='examples of each kind')
    args = parser.parse_args()
    left, right = get_analyzer(args.left), get_analyzer(args.right)
    texts = texts_of(args.texts)
    kinds, touched, shown = Counter(), Counter(), Counter()
    for text in texts:
        found = list(disagreements(text, left, right))
        kinds.update(kind for kind, *_ in found)
        touched.update({kind for kind, *_ in found})
        for kind, a, b in found:
            shown[kind] += 1
            if shown[kind] <= args.show:
                print(f'{kind}: {" ".join(a)} | {" ".join(b)} | {text[:100]}')
    print(f'| kind | places | of {len(texts):,} texts |\n|---|---|---|')
    for kind in (*DICTIONARY, 'beside a sign', *SCRIPTS):
        print(f'| {kind} | {kinds[kind]:,} | {touched[kind]:,} |')
    print(*(f'{kind.split()[-1]}={kinds[kind]}' for kind in (*DICTIONARY, 'beside a sign', *SCRIPTS)))


if __name__ == '__main__':
    main()
