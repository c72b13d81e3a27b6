"""Rows a second and peak memory of the table reader and of title links, on tables of the real format.

    python benchmarks/wikipedia_tables.py --rows 2000000

Makes `page` (all 12 columns of the real table), `redirect` and `langlinks` of two wikis, megabyte lines,
escaped titles; then each is read, and all of them become title links.
Last line: `rows_per_second=… peak_mb=…`.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

COLUMNS = {
    'page': (
        'page_id page_namespace page_title page_is_redirect page_is_new page_random page_touched '
        'page_links_updated page_latest page_len page_content_model page_lang'
    ),
    'redirect': 'rd_from rd_namespace rd_title rd_interwiki rd_fragment',
    'langlinks': 'll_from ll_lang ll_title',
}


def title(lang: str, i: int) -> str:
    return (
        (f'문서_{i}' if lang == 'ko' else f'Article_{i}')
        + (r'_\'s_\"x\"' if i % 50 == 0 else '')
        + ('_(동음이의)' if i % 70 == 0 else '')
    )


def rows(lang: str, table: str, n: int):
    """Of every ten pages two are redirects, one is in another namespace, three have language links: ours,
    Japanese, French."""
    other = 'en' if lang == 'ko' else 'ko'
    for i in range(1, n + 1):
        if table == 'page':
            yield f"({i},{int(i % 10 == 9)},'{title(lang, i)}',{int(i % 5 == 0)},0,0.{i:012},'20240101000000','20240102030405',{i + 7},{i % 9000},'wikitext',NULL)"
        elif table == 'redirect':
            if i % 5 == 0:
                yield f"({i},0,'{title(lang, i + 1)}','','{'절' if i % 100 == 0 else ''}')"
        elif i % 10 in (1, 2, 3):
            for code in (other, 'ja', 'fr'):
                yield f"({i},'{code}','{title(other if code == other else 'en', i).replace('_', ' ')}')"


def write(folder: Path, lang: str, n: int) -> dict[str, int]:
    counts = {}
    for table, columns in COLUMNS.items():
        with gzip.open(folder / f'{lang}wiki-1-{table}.sql.gz', 'wt', encoding='utf-8', compresslevel=1) as f:
            f.write(
                f'-- MySQL dump\nCREATE TABLE `{table}` (\n'
                + ',\n'.join(f'  `{c}` int' for c in columns.split())
                + '\n) ENGINE=InnoDB;\n'
            )
            line, k = [], 0
            for row in rows(lang, table, n):
                line.append(row)
                k += 1
                if len(line) == 12_000:
                    f.write(f'INSERT INTO `{table}` VALUES ' + ','.join(line) + ';\n')
                    line = []
            if line:
                f.write(f'INSERT INTO `{table}` VALUES ' + ','.join(line) + ';\n')
        counts[table] = k
    return counts


MEASURE = """import json, re, sys, time
from pathlib import Path
from korean_sparse.core.left_out import LeftOut
from korean_sparse.wiki.dumps import TABLES, read_sql, title_links
folder, what, langs = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(',')
tables = {lang: {t: folder/f'{lang}wiki-1-{t}.sql.gz' for t in TABLES} for lang in langs}
wanted = {'page': ('page_id', 'page_namespace', 'page_title'), 'redirect': ('rd_from', 'rd_namespace', 'rd_title', 'rd_interwiki', 'rd_fragment'), 'langlinks': ('ll_from', 'll_lang', 'll_title')}
problems, start = LeftOut(), time.perf_counter()
n = sum(1 for _ in (title_links(tables, problems, folder) if what == 'links' else read_sql(tables[langs[0]][what], *wanted[what], problems=problems)))
print(json.dumps([n, time.perf_counter() - start, int(re.search('VmHWM:.*?([0-9]+)', open('/proc/self/status').read())[1])/1024, sum(problems.counts.values())]))"""


def measure(folder: Path, what: str, langs: str = 'ko'):
    run = subprocess.run(
        [sys.executable, '-c', MEASURE, str(folder), what, langs],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    if run.returncode:
        sys.exit(run.stderr[-2000:])
    return json.loads(run.stdout.splitlines()[-1])


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--rows', type=int, default=2_000_000, help='pages of each wiki')
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        counts = [write(Path(tmp), lang, args.rows) for lang in ('ko', 'en')]
        print('| what | rows | seconds | rows/s | peak memory, MB |\n|---|---|---|---|---|')
        for table in COLUMNS:
            n, seconds, peak, problems = measure(Path(tmp), table)
            assert n == counts[0][table] and not problems
            print(f'| read `{table}` | {n:,} | {seconds:.1f} | {n / seconds:,.0f} | {peak:.0f} |')
        total = sum(sum(c.values()) for c in counts)
        n, seconds, peak, problems = measure(Path(tmp), 'links', 'ko,en')
        print(
            (
                f'| title links of both wikis ({n:,} links, {problems} problems) | {total:,} | '
                f'{seconds:.1f} | {total / seconds:,.0f} | {peak:.0f} |'
            )
        )
    print(f'rows_per_second={total / seconds:.0f} peak_mb={peak:.0f}')
