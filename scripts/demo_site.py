#!/usr/bin/env python3
"""A demo of the search without a server: Korean questions find English passages, of data/box (CC0).

    python scripts/demo_site.py                      builds build/demo, and serves it until Ctrl+C
    python scripts/demo_site.py --pictures           builds it, takes docs/pictures/demo*.png (with Chromium)
    python scripts/demo_site.py --out DIR --limit 40 elsewhere, from so many passages of each topic

The folder can be put onto any file server as it is."""

import argparse
import contextlib
import functools
import html
import http.server
import json
import shutil
import threading
from pathlib import Path
from typing import Iterator

from korean_sparse.pages.page import Page, Section
from korean_sparse.runtime.model import SparseEncoder
from korean_sparse.web.build import build_site
from korean_sparse.web.kept import KeptRows

ROOT = Path(__file__).resolve().parents[1]
TITLE = '생활 상식: 영어 글을 한국어로 찾기'
# name, what is asked, width and height of the window, how many times as fine
PICTURES = [
    ('demo', '감기와 독감은 어떻게 다른가요', 1200, 668, 1),
    ('demo_phone', 'Wi-Fi가 자꾸 끊겨요', 390, 844, 2),
]
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="topic.css"></head>
<body><p><a href="./">← 검색</a></p><h1>{title}</h1>
{sections}
</body></html>
"""
STYLE = """:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
section { scroll-margin-top: 1rem; padding: .1rem 1rem; border-radius: 12px }
section:target { background: light-dark(#ffedb0, #594a17) }
"""


def heading(text: str) -> str:
    "What stands above a passage, which has no heading: how it begins, on one line."
    first = text.split('. ')[0].rstrip('.')
    return first if len(first) <= 64 else first[:60].rsplit(' ', 1)[0].rstrip(',;:') + ' …'


def topics(limit: int | None) -> dict[str, list[Page]]:
    "English passages by file, one for each topic; to the search, each is a page of its own."
    found = {}
    for path in sorted((ROOT / 'data/box/general').glob('*.jsonl')):
        rows = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()][:limit]
        name, parts = f'{path.stem}.html', [(row['id'], row['en']) for row in rows]
        found[name] = [Page(id, heading(text), [Section('', id, text)], name, 'en') for id, text in parts]
    return found


def write_topic(name: str, pages: list[Page], out: Path) -> None:
    "The file that results lead to."
    sections = '\n'.join(
        f'<section id="{html.escape(s.anchor)}"><p>{html.escape(s.text)}</p></section>'
        for page in pages
        for s in page.sections
    )
    filled = PAGE.format(title=html.escape(name.removesuffix('.html').capitalize()), sections=sections)
    (out / name).write_text(filled, encoding='utf-8')


def write_demo(out: Path, limit: int | None) -> None:
    "The whole folder."
    found = topics(limit)
    passages = [page for pages in found.values() for page in pages]
    with KeptRows(SparseEncoder.load(), ROOT / 'build/demo_rows.sqlite') as model:
        build_site(passages, out, model, title=TITLE, lang='ko', progress=True)
    (out / 'topic.css').write_text(STYLE)
    for name, pages in found.items():
        write_topic(name, pages, out)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def handle(self) -> None:
        "A browser that has left in the middle of an answer is no error."
        with contextlib.suppress(ConnectionError):
            super().handle()

    def log_message(self, *_) -> None:
        "Nothing: a search asks for many small files."


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    "Serve a folder; yields its address."
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{server.server_port}/'
    finally:
        server.shutdown()
        server.server_close()


def take_pictures(url: str, to: Path) -> None:
    "What a person sees, on a desk and on a phone."
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))))
    flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--hide-scrollbars']
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for name, question, width, height, scale in PICTURES:
            page = browser.new_page(
                viewport={'width': width, 'height': height}, device_scale_factor=scale, color_scheme='light'
            )
            page.goto(url)
            page.get_by_role('searchbox').press_sequentially(question)
            page.locator('[data-state=results]').wait_for()
            page.wait_for_timeout(600)
            page.screenshot(path=str(to / f'{name}.png'))
            print(to / f'{name}.png')
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--out', type=Path, default=ROOT / 'build/demo')
    parser.add_argument('--limit', type=int, help='passages of each topic; without it, all')
    parser.add_argument('--pictures', action='store_true')
    parser.add_argument('--pictures-to', type=Path, default=ROOT / 'docs/pictures')
    args = parser.parse_args()
    write_demo(args.out, args.limit)
    with served(args.out) as url:
        if args.pictures:
            take_pictures(url, args.pictures_to)
            return
        print(f'{url}  (Ctrl+C ends it)')
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == '__main__':
    main()
