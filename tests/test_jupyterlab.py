"""Two stage notebooks as a researcher opens them: JupyterLab in a real browser, run, a parameter edited, run
again."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium here (apt-get install chromium)')
sync_api = pytest.importorskip('playwright.sync_api')

# no network but the server's; all cells in the page, not only those in view
FLAGS = (
    '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync'
)
SETTINGS = {
    '@jupyterlab/notebook-extension/tracker.jupyterlab-settings': {'windowingMode': 'none'},
    '@jupyterlab/apputils-extension/notification.jupyterlab-settings': {'fetchNews': 'false'},
}


@pytest.fixture(scope='module')
def lab(sample_run, tmp_path_factory):
    "JupyterLab over a copy of the notebooks; yields its address and the folder that its runs are written to."
    home = tmp_path_factory.mktemp('lab')
    shutil.copytree(ROOT / 'nbs', home / 'nbs')
    shutil.copytree(sample_run, home / 'outputs/sample')
    for name, value in SETTINGS.items():
        path = home / 'settings' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    env = {
        **os.environ,
        'KOREAN_SPARSE_ROOT': str(ROOT),
        'KOREAN_SPARSE_OUTPUTS': str(home / 'outputs'),
        'JUPYTERLAB_SETTINGS_DIR': str(home / 'settings'),
        'JUPYTER_RUNTIME_DIR': str(home / 'runtime'),
    }
    command = [
        sys.executable,
        '-m',
        'jupyter',
        'lab',
        '--no-browser',
        '--allow-root',
        '--port=0',
        '--ip=127.0.0.1',
    ]
    command += ['--IdentityProvider.token=', '--ServerApp.password=', '--LabApp.expose_app_in_browser=True']
    with open(home / 'log', 'w') as log:
        server = subprocess.Popen(
            command, cwd=home, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        yield address(home, server), home / 'outputs'
    finally:
        server.terminate()
        server.wait(30)


def address(home: Path, server: subprocess.Popen) -> str:
    "Where the server answers, from its own log, once it does."
    for _ in range(240):
        found = re.search(r'http://127\.0\.0\.1:\d+', (home / 'log').read_text())
        if found:
            try:
                urllib.request.urlopen(found[0] + '/api', timeout=5)
                return found[0]
            except OSError:
                pass
        assert server.poll() is None, (home / 'log').read_text()[-2000:]
        time.sleep(0.5)
    raise AssertionError((home / 'log').read_text()[-2000:])


@pytest.fixture(scope='module')
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


def open_notebook(browser, url: str, name: str):
    "A page with the notebook, its kernel ready."
    page = browser.new_page(viewport={'width': 1400, 'height': 1000})
    page.goto(f'{url}/lab/tree/nbs/{name}.ipynb?reset', timeout=120_000)
    page.wait_for_selector('.jp-Notebook .jp-Cell', timeout=120_000)
    # the status bar says so when the kernel has answered; before that, running cells asks which kernel to
    # take
    page.get_by_text(re.compile(r'\| Idle')).first.wait_for(timeout=120_000)
    return page


# the number of the last code cell's last execution; 0 before there was one, and while it waits
LAST_RUN = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
    return Number(prompts.at(-1).textContent.replace(/[^0-9]/g, '')) || 0;
}"""


def run_all(page) -> None:
    "Run all cells, and wait until the last one has run."
    before = page.evaluate(LAST_RUN)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(f'({LAST_RUN})() > {before}', timeout=300_000)
    page.wait_for_function("document.querySelector('[data-status=idle]') !== null", timeout=60_000)


def errors(page) -> list[str]:
    return page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()


def pictures(page) -> int:
    return page.locator('.jp-OutputArea-output img').count()


@pytest.mark.parametrize(
    'name, parameter, value, counted',
    [
        ('01_wikipedia', 'max_articles', '50', 'articles'),
        ('03_temporal_clustering', 'min_support', '9', 'trends'),
    ],
)
def test_a_stage_runs_in_jupyterlab_shows_pictures_and_takes_an_edited_parameter(
    lab, browser, name, parameter, value, counted
):
    url, outputs = lab
    manifest = outputs / f'sample/{name}/manifest.json'
    before = json.loads(manifest.read_text())
    page = open_notebook(browser, url, name)
    run_all(page)
    assert errors(page) == [] and pictures(page) >= 2
    line = page.locator('.cm-line', has_text=re.compile(rf'^{parameter} = ')).first
    line.click()
    page.keyboard.press('Home')
    page.keyboard.press('Shift+End')
    page.keyboard.type(f'{parameter} = {value}')
    run_all(page)
    assert errors(page) == [] and pictures(page) >= 2
    after = json.loads(manifest.read_text())
    assert str(after['parameters'][parameter]) == value != str(before['parameters'][parameter])
    assert after['counts'][counted] < before['counts'][counted]
    page.close()
