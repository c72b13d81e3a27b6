"""A site and the folder that it stands in: results lead to pages that are there, a person's own files stay."""

import os
import shutil
from pathlib import Path

import pytest
import test_web_page as seen
from test_web_page import HOSTILE, Server, ask, opened, pages

from korean_sparse.command import main
from korean_sparse.core.rows import DataError
from korean_sparse.pages import read_pages
from korean_sparse.web.build import build_site
from korean_sparse.web.shards import read_built

browser, model = seen.browser, seen.model  # fixtures
needs_chromium = pytest.mark.skipif(
    seen.CHROMIUM is None, reason='no Chromium here (apt-get install chromium)'
)

SOURCES = {
    'coffee.md': '# 커피\n\n처음.\n\n## 얼마나 마시나\n\n커피는 하루 두 잔까지 괜찮다. <script>1</script>\n',
    'sub/b.html': '<html lang="en"><title>Lamps</title><h1>Lamps</h1><p>A lighthouse keeper trims the wick.</p>',
    '여권 안내.txt': '여권 재발급\n구청에 신고하고 다시 발급받는다.\n\n여권은 다음 주에 나온다.',
    '_hidden/설치.txt': f'{HOSTILE}\n펭귄은 얼음 밑을 헤엄친다.\n',
}


@pytest.fixture
def sources(tmp_path, monkeypatch) -> Path:
    "Pages of several kinds in `w`, below the current folder."
    for name, text in SOURCES.items():
        (tmp_path / 'w' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'w' / name).write_text(text, encoding='utf-8')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob('*') if p.is_file()}


@needs_chromium
def test_each_result_of_a_folder_of_pages_can_be_opened(browser, sources, capsys):
    assert main(['site', 'w', '-o', 'public', '--lang', 'ko']) == 0
    assert 'results lead to pages/' in capsys.readouterr().out
    served = Server(sources / 'public')
    try:
        with opened(browser, served, path='') as page:
            ask(page, '커피 몇 잔')
            page.get_by_role('link', name='얼마나 마시나').click()
            page.wait_for_url('**/pages/coffee.md.html#*')
            assert page.locator('section:target h2').inner_text() == '얼마나 마시나'
            assert page.locator('section:target p').inner_text().startswith('커피는 하루 두 잔까지')
            page.get_by_role('link', name='검색').click()
            for question, title in (
                ('lighthouse keeper', 'Lamps'),
                ('여권을 다시 발급', '여권 재발급'),
                ('펭귄 헤엄', HOSTILE),
            ):
                ask(page, question)
                href = page.locator('.hit').first.get_by_role('link').get_attribute('href')
                assert page.goto(href).status == 200 and '/_' not in href
                assert page.locator('h1').inner_text() == title and page.locator('script').count() == 0
                assert page.evaluate('window.hacked') is None
                assert page.locator('html').get_attribute('lang') == ('en' if title == 'Lamps' else 'ko')
                if title == '여권 재발급':
                    assert page.locator('p').all_inner_texts()[-1] == '여권은 다음 주에 나온다.'
                page.goto(f'http://127.0.0.1:{served.server_port}/')
        grounds = []
        for scheme in ('light', 'dark'):
            with opened(browser, served, path='pages/coffee.md.html', color_scheme=scheme) as page:
                grounds.append(page.evaluate('getComputedStyle(document.body).backgroundColor'))
        assert len(set(grounds)) == 2
    finally:
        served.stop()


def test_results_lead_to_where_the_pages_are_published(sources, capsys):
    assert main(['site', 'w', '-o', 'public']) == 0
    assert main(['site', 'w', '-o', 'public', '--root', 'https://example.org/docs']) == 0
    assert 'results lead to https://example.org/docs' in capsys.readouterr().out
    assert not Path('public/pages').exists()
    urls = {document.url.partition('#')[0] for document in read_built('public').shown}
    assert 'https://example.org/docs/sub/b.html' in urls and len(urls) == len(SOURCES)
    assert main(['site', 'w', '-o', 'public', '--root', 'javascript:alert(1)']) == 2
    assert 'must be the address of a folder' in capsys.readouterr().err


@pytest.mark.parametrize('out', ('w', 'w/', '.', 'w/public', 'w/sub', './w/../w'))
def test_a_site_is_not_written_among_its_pages(sources, capsys, out):
    Path('w/index.html').write_text('<title>mine</title><p>mine')
    before = contents(sources)
    assert main(['site', 'w', '-o', out]) == 2
    assert '-o' in capsys.readouterr().err and contents(sources) == before
    assert main(['site', 'w/coffee.md', '-o', 'w']) == 2 and contents(sources) == before


@pytest.mark.parametrize('name', ('index.html', 'page.css', 'sw.js', 'manifest.json', 'built.json', 'data'))
def test_files_of_somebody_else_are_not_overwritten(sources, model, name):
    for _ in range(2):  # before the first build, and after the user has put one there again
        if name == 'data':
            shutil.rmtree('out/data', ignore_errors=True)
        Path('out').mkdir(exist_ok=True)
        Path('out', name).write_text('{"mine": 1}')
        before = contents(Path('out'))
        with pytest.raises(DataError, match=f'out/{name} .*(move it away|another folder)'):
            build_site(read_pages('w'), 'out', model, with_pages=True)
        assert contents(Path('out')) == before
        Path('out', name).unlink()
        if name == 'built.json':
            shutil.rmtree('out')
        build_site(read_pages('w'), 'out', model, with_pages=True)


def test_the_command_refuses_with_a_sentence(sources, capsys):
    Path('out').mkdir()
    Path('out/index.html').write_text('mine')
    assert main(['site', 'w', '-o', 'out']) == 2
    said = capsys.readouterr().err
    assert 'out/index.html' in said and 'Traceback' not in said
    assert contents(Path('out')) == {'index.html': b'mine'}


def test_a_build_again_removes_what_it_wrote_and_nothing_else(sources, capsys):
    foreign = ('data/texts.00000000.bin', 'data/index.12345678.bin', 'pages/mine.html', 'other.js')
    for name in foreign:
        Path('out', name).parent.mkdir(parents=True, exist_ok=True)
        Path('out', name).write_text('mine')
    assert main(['site', 'w', '-o', 'out']) == 0
    first = contents(Path('out'))
    Path('w/coffee.md').unlink()
    assert main(['site', 'w', '-o', 'out']) == 0
    again = contents(Path('out'))
    assert all(again[name] == b'mine' for name in foreign)
    assert 'pages/coffee.md.html' in first and 'pages/coffee.md.html' not in again
    assert main(['site', 'w', '-o', 'fresh']) == 0
    assert contents(Path('fresh')) == {n: c for n, c in again.items() if n not in foreign}


def test_a_build_that_is_killed_does_not_lock_out_the_next_one(sources, model, monkeypatch):
    replace, left = os.replace, [2]

    def killed(*names):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        replace(*names)

    for title in ('first', 'second'):  # into nothing, and over an earlier build
        monkeypatch.setattr('korean_sparse.web.folder.os.replace', killed)
        with pytest.raises(KeyboardInterrupt):
            build_site(pages(), 'out', model, title=title, with_pages=True)
        monkeypatch.undo()
        build_site(pages(), sources / 'out', model, title=title, with_pages=True)
        monkeypatch.chdir(sources)
        left[0] = 2
    build_site(pages(), 'fresh', model, title='second', with_pages=True)
    assert contents(Path('out')) == contents(Path('fresh'))
