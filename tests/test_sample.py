"The sample is what its authored sources say, and says what it claims."

import bz2
import csv
import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from conftest import ROOT

SAMPLE = ROOT / 'data/sample'


def content(path: Path) -> bytes:
    if path.suffix == '.gz':
        return gzip.decompress(path.read_bytes())
    return bz2.decompress(path.read_bytes()) if path.suffix == '.bz2' else path.read_bytes()


def test_the_sample_is_rebuilt_from_its_sources(tmp_path):
    subprocess.run(
        [sys.executable, ROOT / 'scripts/build_sample.py', '--out', tmp_path], check=True, capture_output=True
    )
    built = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob('*') if p.is_file())
    kept = sorted(
        p.relative_to(SAMPLE)
        for p in SAMPLE.rglob('*')
        if p.is_file() and p.parts[len(SAMPLE.parts)] in ('wiki', 'news', 'retrieval')
    )
    assert built == kept
    for name in built:
        assert content(tmp_path / name) == content(SAMPLE / name), name


def test_every_query_is_judged_once_and_splits_share_no_topic():
    topics, queries = {}, Counter()
    for split in ('train', 'dev', 'test'):
        rows = list(
            csv.DictReader(open(SAMPLE / f'retrieval/qrels/{split}.tsv', encoding='utf-8'), delimiter='\t')
        )
        topics[split] = {r['corpus-id'].rsplit('-', 1)[0] for r in rows}
        queries.update({r['query-id'] for r in rows})
    assert not (
        topics['train'] & topics['dev'] | topics['train'] & topics['test'] | topics['dev'] & topics['test']
    )
    assert set(queries.values()) == {1}
    langs = Counter(q.split('-')[-2] for q in queries)
    assert langs['ko'] >= 150 and langs['en'] >= 150


def test_queries_do_not_repeat_their_passage():
    "At most half of a layperson's query (the third of each topic) stands in the passage it asks for."
    corpus = {
        r['_id']: (r['title'] + ' ' + r['text']).lower()
        for r in map(json.loads, open(SAMPLE / 'retrieval/corpus.jsonl', encoding='utf-8'))
    }
    shares = []
    for q in map(json.loads, open(SAMPLE / 'retrieval/queries.jsonl', encoding='utf-8')):
        if not q['_id'].endswith('-ko-3'):
            continue
        words = [w for w in q['text'].split() if len(w) > 1]
        shares.append(sum(w in corpus[q['_id'][:-2]] for w in words) / len(words))
    assert sum(shares) / len(shares) < 0.5


def test_planted_terms_stand_only_in_their_months():
    items = [json.loads(l) for l in open(SAMPLE / 'news/news.jsonl', encoding='utf-8')]
    assert len(items) >= 400 and len({i['id'] for i in items}) == len(items)
    for p in csv.DictReader(open(SAMPLE / 'news/planted.tsv', encoding='utf-8'), delimiter='\t'):
        months = [i['date'][:7] for i in items if p['term'] in i['title'] + i['text']]
        assert len(months) >= 5, p
        if p['kind'] == 'seasonal':
            allowed = {p['from'], p['to']}
            assert {m[5:] for m in months} <= allowed, p
        else:
            assert all(p['from'] <= m <= p['to'] for m in months), p
