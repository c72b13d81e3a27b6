"""A search that runs in the browser (`korean_sparse.web`): what it fetches and how long an answer takes on a
slow device, beside what the search that MkDocs comes with (lunr) fetches for the same pages.

1,000 pages of three passages each, Korean and English, are built from `data/box/general`, served by a plain
file server that packs nothing, and asked in headless Chromium with the processor slowed down four times.
Each first answer is in a page of its own with an empty cache. `ready` is what a page does while it loads,
before anybody has typed (script, table, index); the first answer is measured from there on, as later ones.
With `--pages 10000` the same passages stand on ten times as many pages.

python benchmarks/web.py                  some three minutes on two cores, most of them encoding
"""

import argparse
import functools
import gzip
import http.server
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import mkdocs
from playwright.sync_api import sync_playwright

from korean_sparse.pages import Page, Section
from korean_sparse.runtime import SparseEncoder
from korean_sparse.web import KeptRows, build_site

HERE = Path(__file__).resolve().parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
FLAGS = '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync'
FIRST = """async question => {
    const start = performance.now();
    const {Engine} = await import(new URL('engine.js', location.href).href);
    window.engine = await Engine.open(new URL('./', location.href).href);
    const ready = performance.now();
    const {hits} = await engine.search(question);
    const entries = performance.getEntriesByType('resource');
    const bytes = entries.reduce((n, entry) => n + entry.encodedBodySize, 0);
    return {ready: ready - start, ms: performance.now() - ready, bytes, hits: hits.length};
}"""
LATER = """async question => {
    const start = performance.now();
    const {hits, bytes} = await engine.search(question);
    return {ms: performance.now() - start, bytes, hits: hits.length};
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    "A file server that says nothing."

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass


def records() -> list[dict]:
    "Passages with their questions."
    files = sorted((HERE / 'data/box/general').glob('*.jsonl'))
    rows = [json.loads(line) for path in files for line in path.read_text(encoding='utf-8').splitlines()]
    return [row for row in rows if 'ko' in row and 'en' in row][:1500]


def pages_of(rows: list[dict], pages: int) -> list[Page]:
    "Half of the pages Korean, half English, three passages on each; beyond 1,000 the same again."
    found = []
    for lang in ('ko', 'en'):
        for at in range(0, len(rows), 3):
            group = rows[at : at + 3]
            title = group[0][lang + '_q'][1]
            sections = [Section(title, '', group[0][lang])]
            sections += [Section(row[lang + '_q'][1], row['id'], row[lang]) for row in group[1:]]
            found.append(Page(f'{lang}/{at}.md', title, sections, f'{lang}/{at}/', lang))
    again = range(pages // len(found))
    return [replace(page, id=f'{n}/{page.id}', url=f'{n}/{page.url}') for n in again for page in found]


def questions_of(rows: list[dict], seed: int, n: int) -> list[str]:
    "Korean and English questions, by turns."
    draw = random.Random(seed)
    return [row[lang + '_q'][0] for row, lang in zip(draw.sample(rows, n), ('ko', 'en') * n)]


def asked(folder: Path, questions: list[str], firsts: int) -> tuple[list[dict], list[dict]]:
    "What the first answers and later ones took, in Chromium four times slower."
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        first, page = [], None
        for question in questions[:firsts]:
            if page is not None:
                page.context.close()  # a page that is slowed down keeps a processor busy
            page = browser.new_context().new_page()
            page.goto(f'http://127.0.0.1:{server.server_port}/empty.html')
            page.context.new_cdp_session(page).send('Emulation.setCPUThrottlingRate', {'rate': 4})
            first.append(page.evaluate(FIRST, question))
        later = [page.evaluate(LATER, question) for question in questions[firsts:]]
        browser.close()
    server.shutdown()
    return first, later


def lunr_bytes(pages: list[Page]) -> int:
    "What MkDocs' own search fetches before its first answer, packed as a server would."
    docs = [
        {'location': page.url_of(section), 'title': section.title, 'text': section.text}
        for page in pages
        for section in page.sections
    ]
    index = {'config': {'lang': ['ko', 'en'], 'separator': r'[\s\-]+', 'pipeline': []}, 'docs': docs}
    scripts = (Path(mkdocs.__file__).parent / 'contrib/search').rglob('*.js')
    code = [path.read_bytes() for path in scripts if path.name in ('lunr.js', 'main.js', 'worker.js')]
    return len(gzip.compress(json.dumps(index, ensure_ascii=False).encode())) + sum(
        len(gzip.compress(data)) for data in code
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--pages', type=int, default=1000)
    parser.add_argument('--cache', default='', help='a file that keeps encoded passages')
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit('no Chromium here (apt-get install chromium)')
    rows = records()
    with tempfile.TemporaryDirectory() as tmp:
        folder, pages = Path(tmp, 'site'), pages_of(rows, options.pages)
        with KeptRows(SparseEncoder.load(), options.cache or Path(tmp, 'rows.sqlite')) as model:
            print(build_site(pages, folder, model, title='benchmark', progress=True))
        Path(folder, 'empty.html').write_text('<!doctype html><title>empty</title>', encoding='utf-8')
        first, later = asked(folder, questions_of(rows, 0, 60), 10)
    if not all(one['hits'] for one in first + later):
        sys.exit('a question found nothing')
    ms = lambda answers: [one['ms'] for one in answers]
    figures = {
        'pages': len(pages),
        'first_kB': round(max(one['bytes'] for one in first) / 1000),
        'ready_ms_median': round(statistics.median(one['ready'] for one in first)),
        'first_ms_median': round(statistics.median(ms(first))),
        'first_ms_most': round(max(ms(first))),
        'later_kB_most': round(max(one['bytes'] for one in later) / 1000),
        'later_ms_median': round(statistics.median(ms(later))),
        'later_ms_most': round(max(ms(later))),
        'lunr_first_kB': round(lunr_bytes(pages) / 1000),
    }
    print(' '.join(f'{name}={value}' for name, value in figures.items()))


if __name__ == '__main__':
    main()
