#!/usr/bin/env python3
"""Assemble data/sample (dumps, news, retrieval set) from the authored sources in data/sample/sources.
Standard library only.

python scripts/build_sample.py             writes data/sample
python scripts/build_sample.py --out DIR   writes there instead
"""

import argparse
import bz2
import csv
import gzip
import json
import re
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

SAMPLE = Path(__file__).resolve().parents[1] / 'data/sample'
SOURCES = SAMPLE / 'sources'
LANGS = ('ko', 'en')
NAMESPACES = {
    'ko': {0: '', 1: '토론', 2: '사용자', 3: '사용자토론', 4: '위키백과', 6: '파일', 10: '틀', 14: '분류'},
    'en': {
        0: '',
        1: 'Talk',
        2: 'User',
        3: 'User talk',
        4: 'Wikipedia',
        6: 'File',
        10: 'Template',
        14: 'Category',
    },
}
SITE = {'ko': '위키백과', 'en': 'Wikipedia'}
REDIRECT = {'ko': '#넘겨주기', 'en': '#REDIRECT'}
KIND_NS = {'template': 10, 'talk': 1}


def read_topics():
    with open(SOURCES / 'topics.tsv', encoding='utf-8') as f:
        return list(csv.DictReader(f, delimiter='\t'))


def read_pages(path):
    "Yield (slug or kind, title, redirects, wikitext) of one .wiki source file."
    for part in re.split(r'^@@ ', path.read_text(encoding='utf-8'), flags=re.M)[1:]:
        head, _, body = part.partition('\n')
        slug, _, title = (x.strip() for x in head.partition('|'))
        redirects = [r.strip() for r in re.findall(r'^@redirect (.+)$', body, flags=re.M)]
        yield slug, title, redirects, re.sub(r'^@redirect .+\n', '', body, flags=re.M).strip()


def all_pages(lang, topics):
    """Pages of one language in dump order: topics by field with their redirects behind them, then the extra
    pages."""
    extra = list(read_pages(SOURCES / f'wiki/extra.{lang}.wiki'))
    titles, used, pages = {t[lang] for t in topics} | {title for _, title, *_ in extra}, set(), []
    for field in dict.fromkeys(t['field'] for t in topics):
        for slug, title, redirects, text in read_pages(SOURCES / f'wiki/{field}.{lang}.wiki'):
            pages.append({'slug': slug, 'title': title, 'ns': 0, 'text': text, 'redirect': None})
            for r in redirects:
                if r in titles or r in used:
                    continue  # a page of its own, or claimed by an earlier topic
                used.add(r)
                pages.append(
                    {
                        'slug': None,
                        'title': r,
                        'ns': 0,
                        'text': f'{REDIRECT[lang]} [[{title}]]',
                        'redirect': title,
                    }
                )
    for kind, title, _, text in extra:
        pages.append(
            {'slug': None, 'title': title, 'ns': KIND_NS.get(kind, 0), 'text': text, 'redirect': None}
        )
    for n, p in enumerate(pages):
        p['id'], p['rev'], p['day'] = (
            11 + 7 * n,
            900_001 + 13 * n,
            date(2024, 1, 3) + timedelta(days=(n * 37) % 500),
        )
    return pages


def dump_xml(lang, pages):
    ns = '\n'.join(
        f'      <namespace key="{k}" case="first-letter">{v}</namespace>'
        if v
        else f'      <namespace key="{k}" case="first-letter" />'
        for k, v in NAMESPACES[lang].items()
    )
    out = [
        f'''<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="0.11" xml:lang="{lang}">
  <siteinfo>
    <sitename>{SITE[lang]}</sitename>
    <dbname>{lang}wiki</dbname>
    <generator>korean_sparse sample</generator>
    <case>first-letter</case>
    <namespaces>
{ns}
    </namespaces>
  </siteinfo>'''
    ]
    for p in pages:
        redirect = (
            f'\n    <redirect title="{escape(p["redirect"], {chr(34): "&quot;"})}" />'
            if p['redirect']
            else ''
        )
        out.append(f'''  <page>
    <title>{escape(p['title'])}</title>
    <ns>{p['ns']}</ns>
    <id>{p['id']}</id>{redirect}
    <revision>
      <id>{p['rev']}</id>
      <timestamp>{p['day']}T09:{p['id'] % 60:02}:00Z</timestamp>
      <contributor><username>Garam</username><id>1</id></contributor>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{len(p['text'].encode())}" xml:space="preserve">{escape(p['text'])}</text>
    </revision>
  </page>''')
    return '\n'.join(out) + '\n</mediawiki>\n'


def sql_value(v):
    if v is None:
        return 'NULL'
    if isinstance(v, (int, float)):
        return str(v)
    return "'" + v.replace('\\', '\\\\').replace("'", "\\'").replace('"', '\\"') + "'"


def dump_sql(table, columns, rows, per_insert=100):
    out = [f'-- MySQL dump\n\nDROP TABLE IF EXISTS `{table}`;\nCREATE TABLE `{table}` (']
    out.append(
        ',\n'.join(f'  `{c}` varbinary(255)' for c in columns) + '\n) ENGINE=InnoDB DEFAULT CHARSET=binary;\n'
    )
    for i in range(0, len(rows), per_insert):
        out.append(
            f'INSERT INTO `{table}` VALUES '
            + ','.join('(' + ','.join(map(sql_value, r)) + ')' for r in rows[i : i + per_insert])
            + ';'
        )
    return '\n'.join(out) + '\n'


def write_gz(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'wb') as raw, gzip.GzipFile('', 'wb', 9, raw, mtime=0) as f:
        f.write(text.encode())


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(r, ensure_ascii=False) + '\n' for r in rows), encoding='utf-8')
    return len(rows)


def build_wiki(out, topics):
    pages = {lang: all_pages(lang, topics) for lang in LANGS}
    other = list(csv.DictReader(open(SOURCES / 'wiki/other_langlinks.tsv', encoding='utf-8'), delimiter='\t'))
    counts = {}
    for lang, ps in pages.items():
        name = f'{lang}wiki-sample'
        (out / 'wiki').mkdir(parents=True, exist_ok=True)
        (out / f'wiki/{name}-pages-articles.xml.bz2').write_bytes(
            bz2.compress(dump_xml(lang, ps).encode(), 9)
        )
        under = lambda t: t.replace(' ', '_')
        plain = lambda p: p['title'].split(':', 1)[1] if p['ns'] else p['title']
        rows = [
            (
                p['id'],
                p['ns'],
                under(plain(p)),
                int(bool(p['redirect'])),
                0,
                round((p['id'] * 0.6180339887) % 1, 12),
                f'{p["day"]:%Y%m%d}090000',
                None,
                p['rev'],
                len(p['text'].encode()),
                'wikitext',
                None,
            )
            for p in ps
        ]
        write_gz(
            out / f'wiki/{name}-page.sql.gz',
            dump_sql(
                'page',
                (
                    'page_id page_namespace page_title page_is_redirect page_is_new page_random '
                    'page_touched page_links_updated page_latest page_len page_content_model page_lang'
                ).split(),
                rows,
            ),
        )
        write_gz(
            out / f'wiki/{name}-redirect.sql.gz',
            dump_sql(
                'redirect',
                'rd_from rd_namespace rd_title rd_interwiki rd_fragment'.split(),
                [(p['id'], 0, under(p['redirect']), '', '') for p in ps if p['redirect']],
            ),
        )
        there = 'en' if lang == 'ko' else 'ko'
        by_slug = {t['topic']: t for t in topics}
        links = [(p['id'], there, by_slug[p['slug']][there]) for p in ps if p['slug']]
        links += [
            (p['id'], o['lang'], o['title'])
            for p in ps
            if p['slug']
            for o in other
            if o['topic'] == p['slug']
        ]
        write_gz(
            out / f'wiki/{name}-langlinks.sql.gz',
            dump_sql('langlinks', 'll_from ll_lang ll_title'.split(), sorted(links)),
        )
        counts[f'pages_{lang}'], counts[f'redirects_{lang}'] = len(ps), sum(bool(p['redirect']) for p in ps)
    return counts


def build_retrieval(out, topics):
    rows = {}
    for path in sorted((SOURCES / 'retrieval').glob('*.jsonl')):
        for line in path.read_text(encoding='utf-8').splitlines():
            r = json.loads(line)
            rows[r['topic']] = r
    corpus, queries, qrels = [], [], {'train': [], 'dev': [], 'test': []}
    place = {}  # a topic's place within its field decides its split: whole topics are held out
    for t in topics:
        n = place[t['field']] = place.get(t['field'], -1) + 1
        split, r = ('train', 'train', 'train', 'dev', 'test')[n % 5], rows[t['topic']]
        for lang in LANGS:
            corpus.append(
                {
                    '_id': f'{t["topic"]}-{lang}',
                    'title': r[lang]['title'],
                    'text': r[lang]['text'],
                    'lang': lang,
                }
            )
            for k, q in enumerate(r['queries'][lang], 1):
                queries.append({'_id': f'{t["topic"]}-{lang}-{k}', 'text': q, 'lang': lang})
                qrels[split] += [(queries[-1]['_id'], f'{t["topic"]}-{d}', 1) for d in LANGS]
    write_lines(out / 'retrieval/corpus.jsonl', corpus)
    write_lines(out / 'retrieval/queries.jsonl', queries)
    for split, triples in qrels.items():
        path = out / f'retrieval/qrels/{split}.tsv'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            'query-id\tcorpus-id\tscore\n' + ''.join(f'{q}\t{d}\t{s}\n' for q, d, s in triples),
            encoding='utf-8',
        )
    return {
        'passages': len(corpus),
        'queries': len(queries),
        **{f'queries_{s}': len({q for q, *_ in t}) for s, t in qrels.items()},
    }


def build_news(out):
    items = [
        json.loads(l)
        for p in sorted((SOURCES / 'news').glob('*.jsonl'))
        for l in p.read_text(encoding='utf-8').splitlines()
        if l.strip()
    ]
    items.sort(key=lambda r: (r['date'], r['title']))
    n = write_lines(out / 'news/news.jsonl', [{'id': f'news-{i:04}', **r} for i, r in enumerate(items, 1)])
    (out / 'news/planted.tsv').write_bytes((SOURCES / 'news/planted.tsv').read_bytes())
    return {'news': n}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, default=SAMPLE)
    out, topics = parser.parse_args().out, read_topics()
    print(json.dumps(build_wiki(out, topics) | build_retrieval(out, topics) | build_news(out)))


if __name__ == '__main__':
    main()
