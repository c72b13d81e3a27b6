"""A search in the browser, without a server: the same terms and the same answers as Python, in a real Chromium;
its sizes and times, and what happens when a file is missing or torn."""

import functools
import http.server
import json
import random
import shutil
import threading
import time
import unicodedata
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

from korean_sparse.pages.page import Page, Section
from korean_sparse.retrieval.query import MUTED_WEIGHT, QueryEncoder, SparseIndex
from korean_sparse.runtime.model import SparseEncoder
from korean_sparse.web.build import FIRST_BUDGET, QUERY_BUDGET, build_site, write_site
from korean_sparse.web.shards import read_built

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium here (apt-get install chromium)')
sync_api = pytest.importorskip('playwright.sync_api')

FLAGS = '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync'
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; style-src 'self'"


class Handler(http.server.SimpleHTTPRequestHandler):
    "A file server as anybody has one, but for a strict policy; it packs nothing."

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True  # or else each answer waits 40 ms for nothing

    def end_headers(self):
        self.send_header('Content-Security-Policy', POLICY)
        super().end_headers()

    def log_message(self, *args):
        pass


def serve(folder: Path) -> http.server.ThreadingHTTPServer:
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope='module')
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    "A folder that is served, with an empty page in it; yields it and its address."
    folder = tmp_path_factory.mktemp('served')
    (folder / 'empty.html').write_text('<!doctype html><title>empty</title>')
    server = serve(folder)
    yield folder, f'http://127.0.0.1:{server.server_address[1]}/'
    server.shutdown()


@pytest.fixture
def page(browser, root):
    "An empty page of that address; what it asked for and complained of is noted on it."
    page = browser.new_page()
    page.asked, page.said = [], []
    page.on('request', lambda request: page.asked.append(request.url))
    page.on('console', lambda message: page.said.append(message.text))
    page.on('pageerror', lambda error: page.said.append(str(error)))
    page.goto(root[1] + 'empty.html')
    yield page
    page.close()


OPEN = """async folder => {
    const {Engine} = await import(new URL(`${folder}/engine.js`, location.href).href);
    window.engine = await Engine.open(new URL(`${folder}/`, location.href).href);
    return engine.manifest;
}"""
ASK = """async questions => {
    const answers = [];
    for (const question of questions) answers.push(await engine.search(question));
    return answers;
}"""


@pytest.fixture(scope='module')
def model():
    return SparseEncoder.load()


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]


def general_pages(model) -> tuple[list[Page], list[str]]:
    "Korean and English pages of two sections each, and questions in Korean, English and both."
    records = [
        r for path in sorted((ROOT / 'data/box/general').glob('*.jsonl')) for r in read_lines(path)[:20]
    ]
    records = [r for r in records if 'en' in r][::3][:70]
    pages = []
    for lang in ('ko', 'en'):
        for n, (a, b) in enumerate(zip(records[::2], records[1::2])):
            sections = [Section('', '', a[lang]), Section(b[f'{lang}_q'][1], 'more', b[lang])]
            pages.append(Page(f'{lang}/{n}.md', a[f'{lang}_q'][1], sections, f'{lang}/{n}/', lang))
    asked = [q for r in records for q in (r['ko_q'][0], r['en_q'][2], r['ko_q'][1])]
    asked += [f'{r["ko_q"][2].split()[0]} {r["en_q"][1]}' for r in records]
    return pages, asked[:250]


def sample_pages() -> tuple[list[Page], list[str]]:
    records = read_lines(ROOT / 'data/sample/retrieval/corpus.jsonl')[::2]
    pages = [Page(r['_id'], r['title'], [Section('', '', r['text'])], r['_id'] + '/') for r in records]
    asked = [r['text'] for r in read_lines(ROOT / 'data/sample/retrieval/queries.jsonl')]
    return pages, asked[:: len(asked) // 240][:235] + [f'{a} {b}' for a, b in zip(asked[:15], asked[::-1])]


@pytest.fixture(scope='module')
def sites(root, model):
    "Two collections as sites in that folder: name -> their index in Python, questions, report."
    made = {}
    encode = model.encode

    def kept(texts, **options):  # each text is encoded once, and what the model said of it kept for the tests
        made['rows'] = encode(texts, **options)
        return made['rows']

    found = {}
    for name, (pages, asked) in {'general': general_pages(model), 'sample': sample_pages()}.items():
        model.encode = kept
        report = build_site(pages, root[0] / name, model, title=name)
        del model.encode
        built = read_built(root[0] / name)
        query = QueryEncoder(model.tokenizer, np.where(built.idf > 0, built.idf, model.query.idf))
        ids = [str(n) for n in range(len(built.shown))]
        found[name] = SimpleNamespace(
            index=SparseIndex(ids, built.rows, query),
            exact=SparseIndex(ids, made['rows'], model.query, blended=True),
            built=built,
            asked=asked,
            report=report,
        )
    return found


def best_pages(index: SparseIndex, built, questions: list[str]) -> list[list[tuple[str, str, float]]]:
    "Of each question the ten best pages by their best section: id, address, score."
    run = index.search({str(n): q for n, q in enumerate(questions)}, k=len(index))
    answers = []
    for found in run.values():
        best = {}
        for n, score in found.items():
            shown = built.shown[int(n)]
            best.setdefault(shown.id, (shown.id, shown.url, score, int(n)))
        answers.append(list(best.values())[:10])
    return answers


@pytest.mark.parametrize('name', ['general', 'sample'])
def test_the_same_ten_pages_as_in_python(page, sites, name):
    site = sites[name]
    page.evaluate(OPEN, name)
    answers = page.evaluate(ASK, site.asked)
    expected = best_pages(site.index, site.built, site.asked)
    exact = best_pages(site.exact, site.built, site.asked)
    for question, answer, right in zip(site.asked, answers, expected):
        assert [(h['id'], h['url']) for h in answer['hits']] == [r[:2] for r in right], question
        assert np.allclose([h['score'] for h in answer['hits']], [r[2] for r in right], atol=1e-4, rtol=0)
        assert answer['understood'] == site.index.query.understood(question)
    same = sum([r[0] for r in a] == [r[0] for r in b] for a, b in zip(expected, exact))
    first = sum([r[0] for r in a][:1] == [r[0] for r in b][:1] for a, b in zip(expected, exact))
    print(f'\n{name}: {len(answers)} questions, in bytes as in full: {same} top tens, {first} first answers')
    assert len(answers) == 250 and sum(bool(a['hits']) for a in answers) > 240
    assert first > 0.97 * len(answers)
    assert not page.said


def test_a_hit_says_what_each_term_gave(page, sites):
    site = sites['general']
    page.evaluate(OPEN, 'general')
    asked = site.asked[::10] + ['뷁 쀍 fresco', '㎏ 𝛑 🙂']
    for question, answer in zip(asked, page.evaluate(ASK, asked)):
        for hit, (*_, score, n) in zip(answer['hits'], best_pages(site.index, site.built, [question])[0]):
            terms = [(t['term'], round(t['weight'], 3)) for t in hit['terms']]
            assert dict(terms) == dict(site.index.explain(question, str(n)))
            assert [w for _, w in terms] == sorted((w for _, w in terms), reverse=True)
            assert abs(sum(t['weight'] for t in hit['terms']) - score) < 1e-4


def strange_texts() -> list[str]:
    "All syllables; strings of all kinds of characters, whole, taken apart, cut in halves."
    rng = random.Random(32)
    blocks = [
        [(0xAC00, 0xD7A4)],
        [(0x1100, 0x1200), (0xA960, 0xA97D), (0xD7B0, 0xD7FC)],
        [(0x3130, 0x318F)],
        [(0xFFA0, 0xFFDD)],
        [(0x20, 0x7F)],
        [(0x30, 0x3A), (0xB0, 0xBF), (0x2070, 0x2090), (0x2150, 0x218C), (0x2460, 0x2500), (0x3200, 0x3300)],
        [(0xA0, 0x250)],
        [(0x300, 0x370)],
        [(0x370, 0x1100)],
        [(0x1E00, 0x3000)],
        [(0x3000, 0x3100), (0x4E00, 0x5000)],
        [(0x1F1E6, 0x1F200), (0x1F300, 0x1F700), (0x1F900, 0x1FA00), (0x200D, 0x200E), (0xFE0F, 0xFE10)],
        [(0x0, 0x21), (0x2000, 0x2070), (0x85, 0xA1), (0x3000, 0x3001)],
        [(0xD800, 0xE000)],
        [(0xE000, 0xE100), (0xF900, 0xFB50), (0xFF00, 0xFFA0)],
        [(0x10000, 0x11000), (0x1D400, 0x1D800), (0x20000, 0x20100), (0xE0000, 0xE0080)],
    ]
    pools = [[chr(c) for low, high in block for c in range(low, high)] for block in blocks]
    words = [
        w
        for r in read_lines(ROOT / 'data/box/general/arts.jsonl')[:60]
        for w in f'{r["ko"]} {r["en"]}'.split()
    ]
    texts = [chr(c) for block in blocks[:4] for low, high in block for c in range(low, high)]
    for _ in range(5000):
        some = rng.sample(pools, rng.randint(1, 4)) + [words]
        text = ''.join(
            rng.choice(rng.choice(some)) + rng.choice(('', '', ' ')) for _ in range(rng.randint(1, 10))
        )
        texts.append(rng.choice((str, functools.partial(unicodedata.normalize, 'NFD')))(text))
    texts += [
        '[CLS] 안녕 [SEP][PAD]x[MASK',
        '가' * 3000,
        'abc' * 1000,
        '뷁쀍' * 100,
        '10²',
        'x²³',
        '한글',
        '👨‍👩‍👧‍👦🇰🇷',
    ]
    return [text for text in texts if text.strip()]


def test_every_text_is_cut_as_python_cuts_it(page, root, sites, model):
    texts = strange_texts()
    query = model.query
    expected = [
        [query(text).tolist(), query.letters(text), list(query.labels(text).values())] for text in texts
    ]
    # as a file: halves of characters do not travel otherwise
    (root[0] / 'texts.json').write_text(json.dumps(texts))
    page.evaluate(OPEN, 'general')
    muted = np.flatnonzero(query.idf <= MUTED_WEIGHT).tolist()
    found = page.evaluate(
        """async muted => {
            const silent = new Set(muted);
            const texts = await (await fetch('texts.json')).json();
            return texts.map(text => {
                const {ids, letters, labels} = engine.reader.read(text, id => silent.has(id));
                return JSON.stringify([ids, letters, [...labels.values()]]);
            });
        }""",
        muted,
    )
    found = [json.loads(one) for one in found]
    different = [t for t, a, b in zip(texts, found, expected) if a[:2] != b[:2]]
    assert len(texts) > 10_000 and not different, (len(different), different[:5])
    # a label is the part of the text that a byte is of: of marks in another order than Unicode's it may differ
    assert sum(a[2] != b[2] for a, b in zip(found, expected)) < len(texts) / 1000


def test_a_snippet_shows_where_the_terms_stand(page, sites, root, model, tmp_path):
    text = (
        '머리말은 아무것도 말하지 않는다. 🙂 이모지와 𝛑가 앞에 있다.\n\n'
        '프레스코는 젖은 석회 위에 그린다. '
        + '그 사이에 다른 이야기가 길게 이어진다. ' * 20
        + '벽화는 Fresco라고도 한다.'
    )
    taken_apart = unicodedata.normalize('NFD', '석회 벽화를 그렸다.')
    pages = [
        Page('a.md', '첫째', [Section('기법', 'how', text)], 'a/'),
        Page('b.md', '둘째', [Section('', '', taken_apart)], 'b/'),
        Page('c.md', '셋째', [Section('Lime', '', '그림 그리는 벽이 마르기 전에 칠한다.')], 'c/'),
    ]
    build_site(pages, root[0] / 'small', model)
    page.evaluate(OPEN, 'small')
    answer = page.evaluate(ASK, ['젖은 석회 벽화'])[0]
    hits = {hit['id']: hit for hit in answer['hits']}
    marked = {i: [utf16(h['snippet']['text'], *s) for s in h['snippet']['spans']] for i, h in hits.items()}
    assert '석회' in marked['a.md'] and hits['a.md']['url'] == 'a/#how' and hits['a.md']['section'] == '기법'
    assert {'석회', '벽화'} <= set(marked['b.md'])
    for hit in hits.values():
        assert len(hit['snippet']['text']) < 320
        spans = [n for span in hit['snippet']['spans'] for n in span]
        assert spans == sorted(spans)
        shown = {t['term'] for t in hit['terms'] if t['inText']}
        assert all(t['inText'] or t['term'] not in hit['text'] for t in hit['terms'])
        assert shown or not hit['snippet']['spans']
    added = [t['term'] for h in hits.values() for t in h['terms'] if not t['inText']]
    print('\nadded by the model:', added)


def utf16(text: str, begin: int, end: int) -> str:
    "A part of a text, by places as JavaScript counts them."
    return text.encode('utf-16-le')[2 * begin : 2 * end].decode('utf-16-le')


def many_pages(sites, model, pages: int, sections: int):
    "A large site of the rows and texts that there are, again and again in another order."
    rng = np.random.default_rng(0)
    site = sites['general']
    chosen = rng.integers(0, len(site.built.shown), pages * sections)
    shown = [
        replace(site.built.shown[n], id=f'{i // sections}.md', url=f'{i // sections}/#{i}')
        for i, n in enumerate(chosen.tolist())
    ]
    return shown, site.exact.rows[chosen], model.query, [sections] * pages


def same_order_of_equals(page, folder: Path, model, questions: list[str]) -> None:
    "Where the same text is on many pages, the earlier ones go first, as in Python."
    built = read_built(folder)
    query = QueryEncoder(model.tokenizer, np.where(built.idf > 0, built.idf, model.query.idf))
    index = SparseIndex([str(n) for n in range(len(built.shown))], built.rows, query)
    ties = 0
    for answer, right in zip(page.evaluate(ASK, questions), best_pages(index, built, questions)):
        scores = [hit['score'] for hit in answer['hits']]
        assert scores == [r[2] for r in right] and [h['url'] for h in answer['hits']] == [r[1] for r in right]
        ties += len(scores) - len(set(scores))
    assert ties > 20


@pytest.mark.parametrize('pages, sections', [(1000, 3), (10_000, 1)])
def test_many_pages_keep_the_budgets(page, root, sites, model, pages, sections):
    name = f'many{pages}'
    started = time.perf_counter()
    report = write_site(*many_pages(sites, model, pages, sections), root[0] / name)
    print(f'\nwritten in {time.perf_counter() - started:.1f} s\n{report}')
    firsts, later = [], []  # what they take in time is measured by benchmarks/web.py
    for question in sites['general'].asked[:3]:
        page.goto(page.url)
        firsts.append(
            page.evaluate(
                """async ([folder, question]) => {
                    const start = performance.now();
                    const {Engine} = await import(new URL(`${folder}/engine.js`, location.href).href);
                    window.engine = await Engine.open(new URL(`${folder}/`, location.href).href);
                    const {hits} = await engine.search(question);
                    const bytes = performance.getEntriesByType('resource').reduce((n, e) => n + e.encodedBodySize, 0);
                    return {ms: performance.now() - start, bytes, hits: hits.length};
                }""",
                [name, question],
            )
        )
    for question in sites['general'].asked[3:250:10]:
        later.append(
            page.evaluate(
                """async question => {
                    const start = performance.now();
                    const {hits, bytes} = await engine.search(question);
                    return {ms: performance.now() - start, bytes, hits: hits.length};
                }""",
                question,
            )
        )
    ms = sorted(round(one['ms']) for one in later)
    sizes = sorted(one['bytes'] for one in later)
    print(
        'first answers:',
        [(round(one['ms']), one['bytes']) for one in firsts],
        'later ms:',
        ms,
        'bytes:',
        sizes,
    )
    assert all(one['hits'] == 10 for one in firsts + later)
    if pages == 1000:
        same_order_of_equals(page, root[0] / name, model, sites['general'].asked[::25])
        assert report.fits and max(sizes) <= QUERY_BUDGET
        page_files = ('index.html', 'page.js', 'page.css')
        around = sum(
            (root[0] / name / file).stat().st_size for file in page_files if (root[0] / name / file).exists()
        )
        assert max(one['bytes'] for one in firsts) + around <= FIRST_BUDGET


FAIL = """async folder => {
    try {
        const {Engine} = await import(new URL(`${folder}/engine.js`, location.href).href);
        const engine = await Engine.open(new URL(`${folder}/`, location.href).href);
        await engine.search('프레스코 벽화 fresco');
        return null;
    } catch (error) {
        return [error.code, error.message, error.file];
    }
}"""


def test_what_is_wrong_with_a_file_is_said(page, root, sites):
    good, bad = root[0] / 'general', root[0] / 'bad'
    shutil.copytree(good, bad)
    session = page.context.new_cdp_session(page)
    session.send('Network.enable')
    session.send('Network.setCacheDisabled', {'cacheDisabled': True})
    for kind in ('table', 'index', 'postings', 'texts'):
        for path in (bad / 'data').glob(f'{kind}.*'):
            content = path.read_bytes()
            path.write_bytes(content[:-7])
        code, message, file = page.evaluate(FAIL, 'bad')
        assert code == 'damaged' and f'/bad/data/{kind}.' in file and file in message
        for path in (bad / 'data').glob(f'{kind}.*'):
            path.unlink()
        code, message, file = page.evaluate(FAIL, 'bad')
        assert code == 'missing' and f'/bad/data/{kind}.' in file and '404' in message
        for path in (good / 'data').glob(f'{kind}.*'):
            shutil.copy(path, bad / 'data')
    assert page.evaluate(FAIL, 'bad') is None
    manifest = bad / 'manifest.json'
    whole = manifest.read_text()
    manifest.write_text(whole.replace('"format": 1', '"format": 2'))
    assert page.evaluate(FAIL, 'bad')[0] == 'version'
    manifest.write_text(whole.replace('"index"', '"other"'))
    assert page.evaluate(FAIL, 'bad')[0] == 'damaged'
    manifest.write_text(whole[:50])
    assert page.evaluate(FAIL, 'bad')[0] == 'damaged'
    manifest.unlink()
    assert page.evaluate(FAIL, 'bad')[0] == 'missing'
    shutil.rmtree(bad)


def test_without_a_network_it_says_so_and_goes_on_when_there_is_one(page, sites):
    page.evaluate(OPEN, 'general')
    page.context.set_offline(True)
    code = page.evaluate("engine.search('프레스코').then(() => null, error => error.code)")
    page.context.set_offline(False)
    assert code == 'offline'
    assert page.evaluate(ASK, ['프레스코'])[0]['hits']


def test_a_search_of_before_never_mixes_old_and_new_files(page, root, sites, model):
    pages = [
        Page(f'{n}', f'쪽 {n}', [Section('', '', f'{word} 이야기')])
        for n, word in enumerate('사과 배 감 귤'.split())
    ]
    build_site(pages, root[0] / 'changing', model)
    page.evaluate(OPEN, 'changing')
    build_site(pages[:1] + [Page('9', '쪽', [Section('', '', '포도 이야기')])], root[0] / 'changing', model)
    assert page.evaluate("engine.search('사과 배').then(() => null, error => error.code)") == 'missing'
    page.evaluate(OPEN, 'changing')
    assert page.evaluate(ASK, ['포도'])[0]['hits'][0]['id'] == '9'


def test_searches_share_what_they_fetch_and_can_be_given_up(page, root, sites):
    page.evaluate(OPEN, 'general')
    page.asked.clear()
    hits = page.evaluate("""async () => {
        const all = await Promise.all([1, 2, 3].map(() => engine.search('수채화 물감 watercolour')));
        return all.map(({hits}) => hits.map(hit => hit.id));
    }""")
    assert hits[0] == hits[1] == hits[2] and hits[0]
    assert len(page.asked) == len(set(page.asked)) > 1
    assert all(url.startswith(root[1] + 'general/data/') and '?' not in url for url in page.asked)
    name = page.evaluate("""async () => {
        const giving = new AbortController();
        const found = engine.search('유화 캔버스', {signal: giving.signal});
        giving.abort();
        return found.then(() => null, error => error.name);
    }""")
    assert name == 'AbortError'
    assert page.evaluate(ASK, ['', '   ', '은 는 이', '?!'])[0] == {'hits': [], 'understood': [], 'bytes': 0}
    assert len(page.evaluate("engine.search('그림', {k: 3}).then(({hits}) => hits)")) == 3
    assert page.evaluate("engine.terms('수채화')")[0][1] > 0
    total = sum(size for _, size in page.evaluate('engine.files()'))
    assert total == sum(path.stat().st_size for path in (root[0] / 'general/data').iterdir())
