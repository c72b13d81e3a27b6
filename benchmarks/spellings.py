"""How fast texts are read for other spellings, how many have any, and a seeded sample of them to judge.

python benchmarks/spellings.py                                    the articles of the sample
python benchmarks/spellings.py --texts FILE.jsonl.gz --show 200    texts of a file, and 200 stretches to read

`plain` are the same texts without digits and capitals: what a text costs that has nothing to spell."""

import argparse
import random
import re
import time

from korean_sparse.core.places import resolve
from korean_sparse.core.records import read_records
from korean_sparse.text.spellings import spelling_spans


def rate(texts):
    "Megabytes of UTF-8 a second, the best of three."
    size, best = sum(len(t.encode('utf-8', 'replace')) for t in texts) / 1e6, float('inf')
    for _ in range(3):
        begin = time.process_time()
        for text in texts:
            spelling_spans(text)
        best = min(best, time.process_time() - begin)
    return size / best


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--texts', default='data/sample/retrieval/corpus.jsonl')
    p.add_argument('--most', type=int, default=5000)
    p.add_argument('--show', type=int, default=10)
    a = p.parse_args()
    texts = [str(row.get('text', '')) for _, row in read_records(resolve(a.texts))]
    rng = random.Random(0)
    texts = rng.sample(texts, min(a.most, len(texts)))
    found = [(text, span) for text in texts for span in spelling_spans(text)]
    some = len({text for text, _ in found})
    plain = [re.sub('[0-9A-Z]+', '', text) for text in texts]
    print(
        f'{len(texts)} texts, {some} with {len(found)} stretches of other spellings; '
        f'{rate(texts):.1f} MB/s, plain {rate(plain):.1f} MB/s'
    )
    for text, (start, end, spellings) in rng.sample(found, min(a.show, len(found))):
        around = f'{text[max(0, start - 15) : start]}[{text[start:end]}]{text[end : end + 15]}'
        print(' '.join(around.split()), '=>', ' | '.join(spellings))


if __name__ == '__main__':
    main()
