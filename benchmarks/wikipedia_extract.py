"""Stage 01 against wikiextractor on one dump, with as many processes, and its memory on a tenth of it.

    pip install wikiextractor      # the peer; --peer names another Python that has it
    python benchmarks/wikipedia_extract.py --fragments
    ../shared/data/wikidump/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2

The dump is made first: articles are the sections of the real pages, with their templates, tables and
references, cut to about the length of real articles, and the articles of the sample.
Theirs is `--json --no-templates`, its quickest. Ours is run twice: for the same job (articles as plain JSON
lines), and as the whole stage (passages, tables, pictures too, all gzipped). Twenty articles of both are
written side by side to read.
Last line: `speed_ratio=…`.
"""

import argparse
import bz2
import html
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / 'data/sample/wiki'
HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n  '
    '<siteinfo>\n    <sitename>Wikipedia</sitename>\n    <dbname>enwiki</dbname>\n'
    '    <base>https://en.wikipedia.org/wiki/Main_Page</base>\n    <namespaces>\n      <namespace '
    'key="0" case="first-letter" />\n      <namespace key="10" '
    'case="first-letter">Template</namespace>\n    </namespaces>\n  </siteinfo>\n'
)


def texts(path: Path) -> list[str]:
    found = [
        html.unescape(t)
        for t in re.findall(r'<text[^>]*>(.*?)</text>', bz2.open(path, 'rt', encoding='utf-8').read(), re.S)
    ]
    return [t for t in found if not re.match(r'\s*#', t)]


def pieces(text: str, chars: int = 6000) -> list[str]:
    "Sections together until they have about the length of a real article."
    found, part = [], ''
    for section in re.split(r'\n(?===[^=])', text):
        part += '\n' + section
        if len(part) >= chars:
            found.append(part)
            part = ''
    return found + [part] * (len(part) > 500)


def make_dump(folder: Path, fragments: Path, n: int, real_share: float) -> Path:
    real = [p for t in texts(fragments) for p in pieces(t)]
    sample = texts(SAMPLE / 'enwiki-sample-pages-articles.xml.bz2')
    take_real, take_sample = cycle(real), cycle([t for t in sample if len(t) > 800])
    path = folder / 'enwiki-20240101-pages-articles.xml.bz2'
    size, before = 0, 0.0
    with bz2.open(path, 'wt', encoding='utf-8', compresslevel=9) as f:
        f.write(HEAD)
        for i in range(1, n + 1):
            before += real_share
            text = next(take_real) if before >= 1 else next(take_sample)
            before -= before >= 1
            page = (
                f'  <page>\n    <title>Article {i}</title>\n    <ns>0</ns>\n    <id>{i}</id>\n    '
                f'<revision>\n      <id>{i}</id>\n      <timestamp>2024-01-01T00:00:00Z</timestamp>\n'
                '      <model>wikitext</model>\n      <format>text/x-wiki</format>\n      <text '
                f'bytes="{len(text.encode())}" '
                f'xml:space="preserve">{html.escape(text, quote=False)}</text>\n    </revision>\n  '
                '</page>\n'
            )
            size += len(page.encode())
            f.write(page)
        f.write('</mediawiki>\n')
    for t in ('page', 'redirect', 'langlinks'):
        (folder / f'enwiki-20240101-{t}.sql.gz').write_bytes(
            (SAMPLE / f'enwiki-sample-{t}.sql.gz').read_bytes()
        )
    print(
        (
            f'{n:,} articles, {size / 1e6:,.0f} MB of XML, {path.stat().st_size / 1e6:,.1f} MB as bz2, '
            f'{len(real):,} different real pieces (median {statistics.median(map(len, real)):,.0f} '
            f'characters), {real_share:.0%} of the articles'
        )
    )
    return path


OURS = """import json, re, resource, sys, tempfile, time
from pathlib import Path
from korean_sparse.core.files import join_rows
from korean_sparse.wikipedia import WikipediaConfig, build, extract_all
dump, processes, out = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[4])
start = time.perf_counter()
if sys.argv[3] == 'same':
    out.mkdir()
    parts = extract_all([dump], 'en', WikipediaConfig(processes=processes, passage_words=0, format='jsonl'), out/'work', None)
    join_rows((Path(f'{part}.articles.jsonl') for part in parts), out/'articles.jsonl')
    counts = {'articles': sum(1 for _ in open(out/'articles.jsonl')), 'passages': 0}
else: counts = build(WikipediaConfig('benchmark', '', str(dump), processes=processes, force=True)).manifest['counts']
seconds = time.perf_counter() - start
parent = int(re.search('VmHWM:.*?([0-9]+)', open('/proc/self/status').read())[1])
print(json.dumps([seconds, counts['articles'], counts['passages'], parent/1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024]))"""


def ours(dump: Path, out: Path, processes: int, job: str):
    import os

    run = subprocess.run(
        [sys.executable, '-c', OURS, str(dump), str(processes), job, str(out)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {'KOREAN_SPARSE_OUTPUTS': str(out)},
    )
    if run.returncode:
        sys.exit(run.stderr[-2000:])
    return json.loads(run.stdout.splitlines()[-1])


def theirs(peer: str, dump: Path, out: Path, processes: int):
    start = time.perf_counter()
    run = subprocess.run(
        [
            peer,
            '-m',
            'wikiextractor.WikiExtractor',
            str(dump),
            '-o',
            str(out),
            '--json',
            '--no-templates',
            '--processes',
            str(processes),
        ],
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    if run.returncode:
        sys.exit(f'wikiextractor: {run.stderr[-2000:]}')
    rows = [json.loads(l) for p in sorted(out.rglob('wiki_*')) for l in open(p, encoding='utf-8')]
    return seconds, [r for r in rows if r['text'].strip()]


LEFT = re.compile(
    (
        r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}|'''|''(?!s)|</?(?:ref|br|div|span|small|sub|sup|nowiki|gallery|table|tr|td)\b|&(?:nbsp|lt|gt|amp|quot|ndash);|\bstyle=|\bcolspan|\bthumb\||\(\s*[;,]?\s*\)|\(\s*[;,]| "
        r'[,;.](?=\s)|__[A-Z]+__'
    )
)


def compare(mine: Path, peer_rows: list[dict], out: Path, n: int = 20) -> None:
    import gzip

    a = {json.loads(l)['title']: json.loads(l)['text'] for l in gzip.open(mine, 'rt', encoding='utf-8')}
    b = {r['title']: r['text'] for r in peer_rows}
    both = sorted(set(a) & set(b), key=lambda t: int(t.split()[1]))
    chosen = both[:: max(len(both) // n, 1)][:n]
    words = lambda text: re.findall(r'\w+', text)
    table = []
    with open(out, 'w', encoding='utf-8') as f:
        for t in chosen:
            x, y = words(a[t]), words(b[t])
            table.append((t, len(x), len(y), len(LEFT.findall(a[t])), len(LEFT.findall(b[t]))))
            f.write(f'# {t}\n\n## ours\n\n{a[t]}\n\n## wikiextractor\n\n{b[t]}\n\n')
    print(
        (
            f'\n{len(a):,} articles of ours, {len(b):,} of wikiextractor; {n} of them side by side in '
            f'{out}\n\n| article | words, ours | wikiextractor | leftovers of markup, ours | wikiextractor '
            '|\n|---|---|---|---|---|'
        )
    )
    for row in table:
        print('| ' + ' | '.join(map(str, row)) + ' |')
    print(
        f'| sum of {len(table)} | ' + ' | '.join(f'{sum(r[k] for r in table):,}' for k in range(1, 5)) + ' |'
    )


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        '--fragments', type=Path, required=True, help='a real pages-articles .bz2 with some long pages'
    )
    p.add_argument('--articles', type=int, default=50_000)
    p.add_argument(
        '--real', type=float, default=0.6, help='share of articles that are pieces of the real pages'
    )
    p.add_argument('--processes', type=int, default=2)
    p.add_argument('--peer', default=sys.executable, help='a Python that has wikiextractor')
    p.add_argument('--side-by-side', type=Path, default=ROOT / 'outputs/wikiextractor_side_by_side.md')
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        (tmp / 'large').mkdir()
        (tmp / 'small').mkdir()
        small, large = (
            make_dump(tmp / 'small', args.fragments, args.articles // 10, args.real),
            make_dump(tmp / 'large', args.fragments, args.articles, args.real),
        )
        _, _, _, *little = ours(small, tmp / 'ours_small', args.processes, 'whole')
        whole_seconds, _, passages, *much = ours(large, tmp / 'ours', args.processes, 'whole')
        seconds, n, _, *_ = ours(large, tmp / 'same', args.processes, 'same')
        peer_seconds, rows = theirs(args.peer, large, tmp / 'theirs', args.processes)
        compare(tmp / 'ours' / 'benchmark' / '01_wikipedia' / 'articles.jsonl.gz', rows, args.side_by_side)
    print(
        (
            f'\n| {args.processes} processes | seconds | articles/s |\n|---|---|---|\n| korean_sparse, the '
            f'same job | {seconds:.1f} | {n / seconds:,.0f} |\n| korean_sparse, all of stage 01 '
            f'({passages:,} passages too) | {whole_seconds:.1f} | {n / whole_seconds:,.0f} |\n| '
            f'wikiextractor --no-templates | {peer_seconds:.1f} | {len(rows) / peer_seconds:,.0f} |'
        )
    )
    print(
        (
            f'peak memory (parent, largest worker), MB: {little[0]:.0f}, {little[1]:.0f} for '
            f'{args.articles // 10:,} articles; {much[0]:.0f}, {much[1]:.0f} for {args.articles:,}'
        )
    )
    print(f'speed_ratio_whole_stage={(n / whole_seconds) / (len(rows) / peer_seconds):.2f}')
    print(f'speed_ratio={(n / seconds) / (len(rows) / peer_seconds):.2f}')
