"""The search as a person meets it, in a real browser: typed and composed, by keys, on a phone, in the dark,
without a network, with a server that fails, in both languages, and within a MkDocs site."""

import functools
import http.server
import re
import shutil
import string
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT

from korean_sparse.pages.page import Page, Section
from korean_sparse.web.build import build_site
from korean_sparse.web.kept import KeptRows
from korean_sparse.web.shards import read_built

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium here (apt-get install chromium)')
sync_api = pytest.importorskip('playwright.sync_api')

FLAGS = (
    '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync'
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "worker-src 'self'; manifest-src 'self'"
)
ASSETS = ROOT / 'korean_sparse/web/assets'
SHELL = ('.html', '.js', '.css', '.svg', '/')
HOSTILE = '<img src=x onerror="window.hacked = 1"></p><script>window.hacked = 2</script>'
# pages of one section: (title, section, text, url)
TEXTS = [
    (
        'Coffee',
        'How much is too much',
        'Two cups of coffee a day do no harm to most adults.',
        'coffee.html#much',
    ),
    ('Coffee', 'Sleep', 'Caffeine stays in the blood for hours and keeps people awake.', 'coffee.html#sleep'),
    (
        '지진',
        '행동 요령',
        '지진이 나면 탁자 아래로 몸을 피하고 흔들림이 멈추면 밖으로 나간다.',
        'quake.html#do',
    ),
    ('지진', '준비물', '물과 손전등, 라디오를 미리 챙겨 둔다.', 'quake.html#bag'),
    ('Bread', 'Dough', 'Bread dough rises because yeast makes gas out of sugar.', 'bread.html#dough'),
    ('김치', '담그는 법', '배추를 소금에 절여 고춧가루와 마늘로 버무려 발효시킨다.', 'kimchi.html#how'),
    ('Rain', 'Umbrella', 'Keep an umbrella by the door when the monsoon begins.', 'rain.html'),
    ('여권', '재발급', '여권을 잃어버리면 구청에 신고하고 다시 발급받는다.', 'passport.html'),
    (HOSTILE, HOSTILE, f'Penguins {HOSTILE} swim under the ice.', ''),
    ('Nowhere', '', 'A lighthouse keeper trims the wick and polishes the lens of the lighthouse.', ''),
]


def pages() -> list[Page]:
    made = []
    for n, (title, section, text, url) in enumerate(TEXTS):
        address, _, anchor = url.partition('#')
        made.append(Page(f'{n}.html', title, [Section(section, anchor, text)], address))
    return made


class Server(http.server.ThreadingHTTPServer):
    "A folder with the strict policy; `broken`: data fails; `open` is cleared: postings wait."

    def __init__(self, folder: Path, policy: str = POLICY):
        self.broken, self.open, self.policy = False, threading.Event(), policy
        self.open.set()
        super().__init__(('127.0.0.1', 0), functools.partial(Handler, directory=str(folder)))
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.open.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        "A browser that goes away in the middle of an answer is no error."


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, '.js': 'text/javascript'}

    def do_GET(self) -> None:
        if 'postings' in self.path:
            self.server.open.wait(20)
        if self.server.broken and not self.path.split('?')[0].endswith(SHELL):
            return self.send_error(503)
        super().do_GET()

    def end_headers(self) -> None:
        if self.server.policy:
            self.send_header('Content-Security-Policy', self.server.policy)
        super().end_headers()

    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    from korean_sparse.runtime.model import SparseEncoder

    with KeptRows(SparseEncoder.load(), tmp_path_factory.mktemp('kept') / 'rows.sqlite') as kept:
        yield kept


@pytest.fixture(scope='module')
def site(model, tmp_path_factory) -> Path:
    "A folder whose `sub/` holds the search, as on GitHub Pages, beside pages that results lead to."
    home = tmp_path_factory.mktemp('site')
    build_site(pages(), home / 'sub', model, title='생활 상식', lang='ko')
    template = string.Template((ASSETS / 'page.html').read_text(encoding='utf-8'))
    (home / 'sub/english.html').write_text(template.substitute(title='Common knowledge', lang='en'))
    for name in {url.partition('#')[0] for *_, url in TEXTS if '.html' in url}:
        (home / 'sub' / name).write_text(
            f'<!doctype html><link rel="icon" href="icon.svg"><title>{name}</title>'
        )
    (home / 'other.html').write_text(
        '<!doctype html><html lang="en"><title>Other</title><link rel="stylesheet" href="other.css">'
        '<link rel="icon" href="sub/icon.svg">'
        '<script type="module" src="other.js"></script><h1>Other</h1><div id="here"></div>'
    )
    (home / 'other.css').write_text('input, ol, a, p { display: none !important } mark { color: red }')
    (home / 'other.js').write_text(
        "import {mount} from './sub/page.js';\n"
        'window.answers = [];\n'
        "const onClose = () => (document.title = 'closed');\n"
        'const onAnswer = query => window.answers.push(query);\n'
        "window.search = mount(document.querySelector('#here'), {k: 2, onClose, onAnswer});\n"
    )
    return home


@pytest.fixture
def server(site):
    made = Server(site)
    yield made
    made.stop()


@pytest.fixture(scope='module')
def browser():
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield made
        made.close()


@contextmanager
def opened(browser, server, path='sub/', expected=(), **context):
    "A page of the server; an error in its console fails the test, unless it holds a word of `expected`."
    settings = {'service_workers': 'block', 'locale': 'ko-KR', **context}
    made = browser.new_context(**settings)
    made.set_default_timeout(10_000)
    page = made.new_page()
    errors = []
    page.on('console', lambda m: m.type == 'error' and errors.append(f'{m.text} {m.location["url"]}'))
    page.on('pageerror', lambda e: errors.append(str(e)))
    page.goto(f'http://127.0.0.1:{server.server_port}/{path}')
    yield page
    made.close()
    assert [e for e in errors if not any(word in e for word in expected)] == []


def field(page):
    return page.get_by_role('searchbox')


def titles(page) -> list[str]:
    return page.locator('.to').all_inner_texts()


def until(page, expression: str) -> None:
    "Wait for an expression to be true; `page.wait_for_function` needs eval, which the policy forbids."
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


FOCUSED = 'document.querySelector("[data-korean-search]").shadowRoot.activeElement'


def ask(page, query: str) -> None:
    "Type a question over what stands in the field, and wait for its results."
    field(page).fill('')
    field(page).press_sequentially(query)
    said = f"decodeURIComponent(location.hash.replaceAll('+', ' ')) === {'#q=' + query!r}"
    until(page, said)
    page.locator('.search[data-state=results]').wait_for()


def in_focus(page) -> str:
    "The text, or for the field the word `field`, of what has the focus."
    return page.evaluate("""() => {
        let active = document.activeElement;
        while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
        return active.matches('input') ? 'field' : active.textContent;
    }""")


def test_a_korean_question_finds_an_english_passage_while_it_is_typed(browser, server):
    with opened(browser, server) as page:
        assert page.title() == '생활 상식' and page.locator('h1').inner_text() == '생활 상식'
        ask(page, '커피를 마셔도 되나요')
        assert titles(page)[0] == 'How much is too much'
        first = page.locator('.hit').first
        assert first.locator('.page').inner_text() == 'Coffee'
        assert 'Two cups of coffee a day' in first.locator('.snippet').inner_text()
        assert first.get_by_role('link').get_attribute('href').endswith('/sub/coffee.html#much')
        count = page.locator('.hit').count()
        assert page.get_by_role('status').inner_text() == f'결과 {count}개'
        assert any('찾음: ' in text for text in page.locator('.also').all_inner_texts())
        ask(page, 'caffeine and sleep')
        assert titles(page)[0] == 'Sleep' and page.locator('.hit mark').first.inner_text()


def test_a_composition_is_searched_and_left_alone(browser, server):
    "As an input method for Hangul composes it; Enter ends a syllable, and does nothing else."
    with opened(browser, server) as page:
        field(page).click()
        keys = page.context.new_cdp_session(page)

        def compose(text):
            keys.send('Input.imeSetComposition', {'text': text, 'selectionStart': 1, 'selectionEnd': 1})

        page.evaluate("""() => {
            const input = document.querySelector('[data-korean-search]').shadowRoot.querySelector('input');
            const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
            window.touched = 0;
            Object.defineProperty(input, 'value', {get() { return value.get.call(this); },
                set(text) { window.touched += 1; value.set.call(this, text); }});
        }""")
        for text in ('ㅋ', '커'):
            compose(text)
        keys.send('Input.insertText', {'text': '커'})
        for text in ('ㅍ', '피'):
            compose(text)
        page.locator('.hit').first.wait_for()  # found while 피 is still being composed
        assert titles(page)[0] in ('How much is too much', 'Sleep')
        for name in ('Process', 'Enter'):  # as browsers on Windows and on macOS call it
            enter = {'key': name, 'code': 'Enter', 'windowsVirtualKeyCode': 229}
            keys.send('Input.dispatchKeyEvent', {'type': 'rawKeyDown', **enter})
        assert in_focus(page) == 'field' and field(page).input_value() == '커피'
        keys.send('Input.insertText', {'text': '피'})
        assert field(page).input_value() == '커피' and page.evaluate('window.touched') == 0
        place = (
            'document.querySelector("[data-korean-search]").shadowRoot.querySelector("input").selectionStart'
        )
        assert page.evaluate(place) == 2
        page.keyboard.press('Enter')
        until(page, "document.querySelector('[data-korean-search]').shadowRoot.activeElement.matches('.to')")


def test_keys_go_through_the_results_and_back_again(browser, server):
    with opened(browser, server) as page:
        ask(page, 'coffee')
        first, second = titles(page)[:2]
        assert in_focus(page) == 'field'
        for key, there in (
            ('ArrowDown', first),
            ('ArrowDown', second),
            ('ArrowUp', first),
            ('ArrowUp', 'field'),
        ):
            page.keyboard.press(key)
            assert in_focus(page) == there
        page.keyboard.press('ArrowUp')  # nothing above the field
        assert in_focus(page) == 'field'
        page.keyboard.press('Enter')  # to the first result; the next Enter opens it
        assert in_focus(page) == first
        page.keyboard.press('ArrowDown')
        page.keyboard.press('Enter')
        page.wait_for_url('**/coffee.html#*')
        page.go_back()
        until(page, "document.querySelector('[data-korean-search]').shadowRoot.activeElement?.matches('.to')")
        assert field(page).input_value() == 'coffee' and in_focus(page) == second
        page.keyboard.type('s')  # whoever types goes on in the field
        assert in_focus(page) == 'field' and field(page).input_value().endswith('s')
        page.keyboard.press('Escape')
        assert field(page).input_value() == '' and in_focus(page) == 'field'
        page.locator('.hit').first.wait_for(state='detached')


def test_a_question_has_an_address(browser, server):
    with opened(browser, server, 'sub/#q=' + '%EC%A7%80%EC%A7%84') as page:  # 지진
        page.locator('.hit').first.wait_for()
        assert field(page).input_value() == '지진' and titles(page)[0] == '행동 요령'
        page.keyboard.press('Enter')
        ask(page, 'bread dough')
        page.go_back()
        until(page, "location.hash.includes('%EC')")
        page.get_by_role('link', name='행동 요령').wait_for()
        assert field(page).input_value() == '지진'


def test_an_answer_that_comes_too_late_is_dropped(browser, server):
    server.open.clear()
    with opened(browser, server, 'other.html') as page:
        field(page).fill('여권을 잃어버렸어요')
        page.locator('[data-state=loading]').wait_for()
        assert page.get_by_role('status').inner_text() == 'Searching…'
        field(page).fill('김치 담그기')
        page.wait_for_timeout(300)
        server.open.set()
        page.get_by_role('link', name='담그는 법').wait_for()
        page.wait_for_timeout(300)
        assert page.evaluate('window.answers') == ['김치 담그기']


CONTRAST = """() => {
    const light = color => {
        const parts = color.match(/[\\d.]+/g).slice(0, 3).map(Number).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ground = element => {
        for (let at = element; at; at = at.parentElement || at.getRootNode().host) {
            const color = getComputedStyle(at).backgroundColor;
            if (!/, 0\\)$|transparent/.test(color)) return color;
        }
        return 'rgb(255, 255, 255)';
    };
    const shadow = document.querySelector('[data-korean-search]').shadowRoot;
    const inside = shadow.querySelectorAll('p, .to, mark, .also span, button');
    const elements = [document.querySelector('h1'), ...inside];
    return elements.filter(e => e.textContent.trim() && !e.closest('[hidden]')).map(e => {
        const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
        return [(a + 0.05) / (b + 0.05), e.className || e.tagName];
    }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_a_phone_by_day_and_by_night(browser, server, scheme):
    shape = {'viewport': {'width': 360, 'height': 740}, 'color_scheme': scheme, 'has_touch': True}
    with opened(browser, server, **shape, expected=['503']) as page:

        def fits():
            assert page.evaluate('document.documentElement.scrollWidth') <= 360
            assert page.evaluate(CONTRAST) == []

        fits()
        ask(page, 'coffee')
        ground = page.evaluate('getComputedStyle(document.body).backgroundColor')
        assert (ground == 'rgb(20, 22, 26)') == (scheme == 'dark')
        fits()
        for box in page.locator('.hit, .clear').all():
            assert box.bounding_box()['height'] >= 44 and box.bounding_box()['width'] >= 44
        ask(page, 'penguins swim')  # a title that is one long word, and an address that is none
        fits()
        server.broken = True
        page.reload()
        page.locator('[data-state=failed]').wait_for()
        fits()


def test_titles_and_texts_stay_texts(browser, server):
    with opened(browser, server) as page:
        ask(page, 'penguins under the ice')
        assert (
            titles(page)[0].startswith('<img src=x') and 'swim' in page.locator('.snippet').first.inner_text()
        )
        first = page.locator('.hit').first
        assert first.locator('img, script, a').count() == 0  # nor a link to what is no web address
        first.get_by_role('button').click()
        assert first.get_by_role('button').get_attribute('aria-expanded') == 'true'
        assert page.evaluate('window.hacked') is None
        wrong = [
            'javascript:window.hacked=3',
            ' JavaScript:1',
            'data:text/html,x',
            'file:///x',
            'http://[',
            '',
        ]
        follow = """async urls => {
            const {address} = await import('/sub/page.js');
            return urls.map(url => address(url, location.href));
        }"""
        assert page.evaluate(follow, wrong) == [None] * len(wrong)
        ask(page, HOSTILE)
        assert page.evaluate('window.hacked') is None


def test_what_is_marked(browser, server):
    with opened(browser, server) as page:
        shown = """async spans => {
            const {marked} = await import('/sub/page.js');
            const box = document.createElement('p');
            box.append(...marked('Wi-Fi <b> 커피 커피', spans));
            return box.innerHTML;
        }"""
        whole = page.evaluate(shown, [[0, 2], [3, 5], [10, 12], [13, 15]])
        assert whole == '<mark>Wi-Fi</mark> &lt;b&gt; <mark>커피</mark> <mark>커피</mark>'
        assert page.evaluate(shown, [[6, 9], [7, 8], [3, 3]]) == 'Wi-Fi <mark>&lt;b&gt;</mark> 커피 커피'
        assert page.evaluate(shown, []) == 'Wi-Fi &lt;b&gt; 커피 커피'


def test_a_result_without_an_address_opens_where_it_stands(browser, server):
    with opened(browser, server) as page:
        ask(page, 'lighthouse keeper')
        first = page.locator('.hit').first
        assert titles(page)[0] == 'Nowhere'
        field(page).press('ArrowDown')
        page.keyboard.press('Enter')
        assert first.get_by_role('button').get_attribute('aria-expanded') == 'true'
        assert 'polishes the lens' in first.locator('.snippet').inner_text()


def test_without_a_network_after_the_first_visit(browser, site, model, tmp_path):
    shutil.copytree(site / 'sub', tmp_path / 'sub')
    server = Server(tmp_path)
    allowed = {'service_workers': 'allow', 'expected': ['ERR_', 'Failed to load', 'Failed to fetch']}
    with opened(browser, server, **allowed) as page:
        ask(page, 'coffee')
        found = titles(page)
        kept = """async () => {
            const names = await caches.keys();
            const all = await Promise.all(names.map(async n => (await (await caches.open(n)).keys()).length));
            return [names, all];
        }"""
        until(page, f'async () => (await ({kept})())[1][0] > 6')
        page.wait_for_timeout(300)
        names, _ = page.evaluate(kept)
        assert len(names) == 1 and names[0].startswith('korean-search /sub/ ')
        page.evaluate("caches.open('of somebody else')")

        # another version: the old one is removed, what is of others stays
        build_site(pages()[:8], tmp_path / 'sub', model, title='생활 상식', lang='ko')
        page.reload()
        ask(page, 'coffee')
        until(
            page,
            f'async () => {{ const [names] = await ({kept})(); '
            f'return names.length === 2 && !names.includes({names[0]!r}); }}',
        )
        page.wait_for_timeout(500)
        port = server.server_port
        server.stop()
        page.goto('about:blank')
        page.goto(f'http://127.0.0.1:{port}/sub/#q=coffee')
        page.locator('.hit').first.wait_for()
        assert titles(page)[0] == found[0]
        assert page.title() == '생활 상식'


def test_offline_is_said_and_ends_by_itself(browser, server):
    with opened(browser, server, expected=['ERR_INTERNET_DISCONNECTED']) as page:
        page.wait_for_load_state('networkidle')
        page.context.set_offline(True)
        field(page).fill('여권을 잃어버렸어요')
        page.locator('[data-state=offline]').wait_for()
        assert page.get_by_role('status').inner_text() == '인터넷에 연결되어 있지 않습니다.'
        assert page.get_by_role('button', name='다시 시도').is_visible()
        page.context.set_offline(False)
        page.get_by_role('link', name='재발급').wait_for()


def test_a_failure_is_said_and_can_be_tried_again(browser, server):
    server.broken = True
    with opened(browser, server, expected=['503']) as page:
        field(page).fill('coffee')
        page.locator('[data-state=failed]').wait_for()
        assert page.get_by_role('status').inner_text() == '검색하지 못했습니다.'
        again = page.get_by_role('button', name='다시 시도')
        page.keyboard.press('ArrowDown')
        assert in_focus(page) == '다시 시도'
        server.broken = False
        again.click()
        page.locator('.hit').first.wait_for()
        assert in_focus(page) == 'field' and page.get_by_role('button', name='다시 시도').count() == 0


def test_nothing_found_is_said(browser, server):
    with opened(browser, server) as page:
        field(page).fill('…')
        page.locator('[data-state=empty]').wait_for()
        assert page.get_by_role('status').inner_text() == '‘…’에 맞는 결과가 없습니다.'
        field(page).fill('   ')
        page.locator('[data-state=idle]').wait_for()
        assert page.get_by_role('status').inner_text() == ''


WORDS = {
    'sub/': ('검색', '검색어 지우기', '검색 결과', '결과', '한국어나 영어로 물어보세요'),
    'sub/english.html': ('Search', 'Clear the search', 'Results', 'result', 'Ask in English or Korean'),
}


@pytest.mark.parametrize('path', WORDS)
def test_names_for_screen_readers_in_both_languages(browser, server, path):
    label, clear, results, count, placeholder = WORDS[path]
    with opened(browser, server, path, locale='fr-FR') as page:
        ask(page, 'coffee')
        tree = page.locator('body').aria_snapshot()
        for part in (
            f'searchbox "{label}"',
            f'button "{clear}"',
            f'list "{results}"',
            '- search:',
            '- status:',
        ):
            assert part in tree, tree
        assert 'heading' in tree and 'link "How much is too much"' in tree and count in tree
        assert field(page).get_attribute('placeholder') == placeholder
        link = page.locator('.to').first
        described = link.evaluate(
            "e => e.getRootNode().getElementById(e.getAttribute('aria-describedby')).textContent"
        )
        assert 'coffee' in described.lower()
        names = page.evaluate(
            "() => Array.from(document.querySelector('[data-korean-search]').shadowRoot"
            ".querySelectorAll('[id]'), e => e.id)"
        )
        assert len(names) == len(set(names))


def test_in_a_page_of_somebody_else(browser, server):
    "Whose styles do not reach it, with another language, two results at first, and more on demand."
    with opened(browser, server, 'other.html') as page:
        page.evaluate("window.search.search('coffee, bread dough, a lighthouse and an umbrella')")
        page.locator('.hit').nth(1).wait_for()
        assert page.locator('.hit').count() == 2 and field(page).is_visible()
        page.get_by_role('button', name='More results').click()
        page.locator('.hit').nth(2).wait_for()
        assert in_focus(page) == titles(page)[2] and page.locator('.hit').count() <= 4
        assert page.url.endswith('/other.html')
        page.keyboard.press('Escape')
        assert page.title() == 'closed'


MARKDOWN = {
    'index.md': '# Home\n\nWelcome to the handbook of the island.\n',
    'coffee.md': '# Coffee\n\nAbout a drink.\n\n## How much\n\nTwo cups of coffee a day do no harm.\n',
    'guide/quake.md': '# 지진\n\n## 행동 요령\n\n지진이 나면 탁자 아래로 몸을 피한다.\n',
    'secret.md': '---\nsearch: {exclude: true}\n---\n# Coffee secret\n\nCoffee that nobody may find.\n',
    'draft.md': '# Coffee draft\n\nCoffee that is not ready.\n',
}
KOREAN = {'coffee.ko.md': '# 커피\n\n## 얼마나\n\n커피는 하루 두 잔까지 괜찮다.\n'}
THEMES = {
    'material': ({'name': 'material', 'font': False}, True, True),
    'mkdocs': ({'name': 'mkdocs', 'highlightjs': False}, False, False),
    'readthedocs': ({'name': 'readthedocs', 'highlightjs': False}, True, False),
}


def mkdocs_site(home: Path, theme: str, cache: Path) -> Path:
    "A small site; with Material in two languages."
    import yaml
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    from korean_sparse.web.mkdocs import SearchPlugin

    about, directories, two = THEMES[theme]
    for name, text in {**MARKDOWN, **(KOREAN if two else {})}.items():
        path = home / 'docs' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
    languages = [{'locale': 'en', 'name': 'English', 'default': True}, {'locale': 'ko', 'name': '한국어'}]
    i18n = [{'i18n': {'docs_structure': 'suffix', 'languages': languages}}] if two else []
    config = {'site_name': 'Handbook', 'theme': about, 'use_directory_urls': directories, 'plugins': i18n}
    (home / 'mkdocs.yml').write_text(yaml.safe_dump(config, allow_unicode=True))
    loaded = load_config(str(home / 'mkdocs.yml'), site_dir=str(home / 'out/docs'))
    plugin = SearchPlugin()
    errors, _ = plugin.load_config({'cache': str(cache), 'exclude': ['draft*'], 'k': 5})
    assert errors == []
    loaded.plugins['korean_sparse'] = plugin
    loaded.plugins.on_startup(command='build', dirty=False)
    build(loaded)
    return home / 'out'


@pytest.mark.parametrize('theme', THEMES)
def test_a_mkdocs_site(browser, theme, tmp_path, tmp_path_factory):
    pytest.importorskip('mkdocs')
    if theme == 'material':
        pytest.importorskip('material')
        pytest.importorskip('mkdocs_static_i18n')
    server = Server(mkdocs_site(tmp_path, theme, tmp_path_factory.getbasetemp() / 'rows.sqlite'), policy='')
    start = 'docs/coffee/' if THEMES[theme][1] else 'docs/coffee.html'
    # of Material, which looks for it, and of `mkdocs`, whose script misses the window of the built-in search
    noise = ['sitemap.xml', 'backdrop']
    with opened(browser, server, start, noise, viewport={'width': 1200, 'height': 800}) as page:
        button = page.get_by_role('button', name='Search', exact=True).first
        button.wait_for()
        assert button.is_visible()
        page.keyboard.press('/')
        field(page).fill('지진이 나면 어떻게 하나요')
        page.locator('.hit').first.wait_for()
        assert titles(page)[0] == '행동 요령' and in_focus(page) == 'field'
        page.keyboard.press('ArrowDown')
        page.keyboard.press('Enter')
        page.wait_for_url(re.compile('/guide/quake'))
        assert page.title().startswith('지진')
        there = 'document.getElementById(decodeURIComponent(location.hash.slice(1)))?.textContent'
        assert page.evaluate(there).startswith('행동 요령')
        page.keyboard.press('Control+k')
        field(page).fill('how many cups of coffee are no harm')
        page.get_by_role('link', name='How much').first.wait_for()
        assert not any('secret' in title or 'draft' in title for title in titles(page))
        assert page.locator('.hit').count() <= 5
        page.keyboard.press('Escape')
        assert not page.get_by_role('dialog').is_visible()
        button = page.get_by_role('button', name='Search', exact=True).first
        button.click()
        assert page.get_by_role('dialog').is_visible() and in_focus(page) == 'field'
        page.mouse.click(5, 400)  # beside it
        assert not page.get_by_role('dialog').is_visible()
        page.keyboard.press('Control+k')
        page.get_by_role('button', name='Close', exact=True).click()
        assert not page.get_by_role('dialog').is_visible()
        page.set_viewport_size({'width': 360, 'height': 740})  # where some themes fold their header away
        page.get_by_role('button', name='Search', exact=True).locator('visible=true').last.click()
        assert page.get_by_role('dialog').bounding_box()['width'] == 360
        assert page.evaluate('document.documentElement.scrollWidth') <= 360
        page.get_by_role('button', name='Close', exact=True).click()
        if theme == 'material':
            page.goto(page.url.split('/docs/')[0] + '/docs/ko/coffee/')
            page.get_by_role('button', name='검색', exact=True).click()
            field(page).fill('커피는 하루 몇 잔')
            page.get_by_role('link', name='얼마나').wait_for()
            assert '/docs/ko/coffee/' in page.locator('a.to', has_text='얼마나').get_attribute('href')
    server.stop()


def test_what_mkdocs_says_about_what_cannot_be(tmp_path):
    pytest.importorskip('mkdocs')
    from mkdocs.config import load_config
    from mkdocs.exceptions import PluginError

    from korean_sparse.web.mkdocs import SearchPlugin

    (tmp_path / 'docs').mkdir()
    (tmp_path / 'mkdocs.yml').write_text('site_name: Handbook\n')
    config = load_config(str(tmp_path / 'mkdocs.yml'))
    assert SearchPlugin().load_config({'k': 'many'})[0]
    wrong = [('k', 0), ('folder', '../out'), ('folder', 'a/b'), ('folder', '')]
    for name, value in wrong:
        plugin = SearchPlugin()
        plugin.load_config({name: value})
        with pytest.raises(PluginError, match=f'{name} = {value!r}'):
            plugin.on_config(config)
    plugin = SearchPlugin()
    plugin.load_config({'model': str(tmp_path / 'nowhere')})
    plugin._pages = {'a.md': pages()[0]}
    with pytest.raises(PluginError, match='nowhere'):  # a line of MkDocs's, not a traceback
        plugin.on_post_build(config)


@pytest.mark.parametrize('dirty', (False, True))
def test_mkdocs_builds_again_where_it_has_built(tmp_path, model, dirty):
    "MkDocs cleans the site's folder before a build, or leaves it as it is."
    pytest.importorskip('mkdocs')
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    from korean_sparse.web.mkdocs import SearchPlugin

    (tmp_path / 'docs').mkdir()
    (tmp_path / 'mkdocs.yml').write_text('site_name: Handbook\ntheme: {name: mkdocs, highlightjs: false}\n')
    for text in ('Two cups of coffee.', 'Three cups of tea.'):
        (tmp_path / 'docs/index.md').write_text(f'# Handbook\n\n{text}\n')
        config = load_config(str(tmp_path / 'mkdocs.yml'))
        config.plugins['korean_sparse'] = plugin = SearchPlugin()
        plugin.load_config({})
        plugin._model = model._model
        build(config, dirty=dirty)
    (shown,) = read_built(tmp_path / 'site/korean-search').shown
    assert shown.text == 'Three cups of tea.'
    (tmp_path / 'site/korean-search/page.js').write_text('mine')
    (tmp_path / 'docs/index.md').write_text('# Handbook\n\nAgain.\n')
    config = load_config(str(tmp_path / 'mkdocs.yml'))
    config.plugins['korean_sparse'] = plugin
    if dirty:
        with pytest.raises(Abort):
            build(config, dirty=True)
        assert (tmp_path / 'site/korean-search/page.js').read_text() == 'mine'
    else:
        build(config)
