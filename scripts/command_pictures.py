"""Draw the pictures of docs/guides/command.md: the command in a terminal, and the page of its server.

    python scripts/command_pictures.py      # writes docs/pictures/command.png and serve.png

The commands are run, on texts of data/box (CC0); what they print is shown as it comes. Needs Chromium and the
extras `browser` and `serve`."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / 'docs/pictures'
RUN = [sys.executable, '-m', 'korean_sparse']
ENV = os.environ | {'PYTHONPATH': str(ROOT), 'LC_ALL': 'en_US.UTF-8'}
TYPED = (
    'korean-sparse index notes -o my-store',
    "korean-sparse search my-store '커피를 마셔도 되나요' -k 2 --explain",
    "korean-sparse search my-store 'what to do in an earthquake' -k 2",
)
COLOURS = {'1': 'b', '1;33': 'hit', '36': 'id', '2': 'dim'}
STYLE = """
body { margin: 0; background: #16181d; color: #d9dce3; }
pre { margin: 0; padding: 22px 26px; font: 15px/1.5 'DejaVu Sans Mono', 'Noto Sans Mono CJK KR', monospace;
  white-space: pre-wrap; width: 920px; }
.b { font-weight: bold; color: #fff; } .hit { color: #ffd75f; font-weight: bold; } .id { color: #6fd3e0; }
.dim { color: #8b92a0; } .typed { color: #9ece6a; }
"""


def write_notes(folder: Path) -> None:
    "Texts of the box, one file each: those of odd numbers in Korean, the others in English."
    for path in sorted((ROOT / 'data/box/general').glob('*.jsonl')):
        for n, line in enumerate(path.read_text(encoding='utf-8').splitlines()[:120]):
            row = json.loads(line)
            file = folder / path.stem / f'{row["id"]}.txt'
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(row['ko' if n % 2 else 'en'], encoding='utf-8')


def as_html(printed: str) -> str:
    "What a terminal would show of a text with colours."
    shown = html.escape(printed)
    for code, name in COLOURS.items():
        shown = shown.replace(f'\x1b[{code}m', f'<span class="{name}">')
    return re.sub(r'\x1b\[0m', '</span>', shown)


def terminal(folder: Path) -> str:
    "A page with the commands and what they print."
    parts = []
    for command in TYPED:
        parts.append(f'<span class="typed">$ {html.escape(command)}</span>')
        colour = ' --color always' if ' search ' in command else ''
        line = command.replace('korean-sparse', '"$RUN" -m korean_sparse', 1) + colour
        done = subprocess.run(
            ['sh', '-c', line + ' 2>&1'],
            env=ENV | {'RUN': sys.executable},
            capture_output=True,
            text=True,
            cwd=folder,
            check=True,
        )
        parts.append(as_html(done.stdout.rstrip()) + '\n')
    return f'<meta charset="utf-8"><style>{STYLE}</style><pre>{chr(10).join(parts).rstrip()}</pre>'


def draw_server(page: Page, folder: Path) -> None:
    "The page of the server, with a question."
    command = [*RUN, 'serve', 'my-store', '--port', '0']
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENV, cwd=folder)
    try:
        page.goto(re.search(r'http://\S+', server.stderr.readline())[0])
        page.keyboard.type('커피를 마셔도 되나요')
        page.locator('li.hit').first.wait_for()
        page.screenshot(path=PICTURES / 'serve.png')
    finally:
        server.terminate()
        server.communicate()


def main() -> None:
    browser = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))))
    with tempfile.TemporaryDirectory() as here, sync_playwright() as playwright:
        folder = Path(here)
        write_notes(folder / 'notes')
        chromium = playwright.chromium.launch(executable_path=browser, args=['--no-sandbox'])
        page = chromium.new_page(viewport={'width': 972, 'height': 640}, locale='ko-KR')
        page.set_content(terminal(folder))
        page.locator('pre').screenshot(path=PICTURES / 'command.png')
        draw_server(page, folder)


if __name__ == '__main__':
    main()
