"""The server of a store, over real connections: load, bad input, limits, tokens, a stop, its page in a browser."""

import asyncio
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator
from urllib.parse import quote, urlencode

import pytest
from conftest import ROOT

pytest.importorskip('fastapi')
pytest.importorskip('uvicorn')
from korean_sparse.server import Guard, Limits, app  # noqa: E402
from korean_sparse.store.disk import Store  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
TOKEN = 'a-token-of-24-characters'
SEEDS = ('지진 대피', '커피 한 잔', '여권 분실', 'health insurance', '고양이', 'moving house')
ODD = ('two\nlines', 'end\n', '/begins', 'a//b', '../up', 'q?x=1#y', '100%')  # ids
EVIL = '<script>alert(1)</script><img src=x onerror=alert(2)> 커피'


@pytest.fixture(scope='module')
def folder(tmp_path_factory) -> Path:
    "A store of some dozens of documents, one of them hostile."
    path = tmp_path_factory.mktemp('served') / 'my <store>'
    rng = random.Random(1)
    words = '지진 대피 탁자 커피 여권 분실 신고 health insurance moving house 고양이 민원실 구청'.split()
    texts = {f'docs/{n}.md': ' '.join(rng.choices(words, k=12)) + '.' for n in range(60)}
    texts |= {'evil "id"/<b>': EVIL, '한글/문서': '비가 온다. 우산을 챙긴다.'}
    texts |= {i: '이름이 이상한 글.' for i in ODD}
    metadata = {
        i: {'n': n, 'title': f'{EVIL} {n}', 'lang': 'ko' if n % 2 else 'en'} for n, i in enumerate(texts)
    }
    with Store(path) as store:
        store.add(texts, metadata)
    return path


@contextmanager
def served(folder: Path, *arguments: str, **environment: str) -> Iterator[tuple[str, int, subprocess.Popen]]:
    "The command `serve` as a process: its host, its port, itself."
    env = os.environ | {'PYTHONPATH': str(ROOT), 'LC_ALL': 'C.UTF-8'} | environment
    command = [sys.executable, '-m', 'korean_sparse', 'serve', str(folder), '--port', '0', *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env, cwd=folder.parent)
    try:
        line = process.stderr.readline()
        found = re.search(r'http://([\d.]+):(\d+)/', line)
        assert found, line + process.stderr.read()
        yield found[1], int(found[2]), process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope='module')
def open_server(folder):
    with served(folder, '--rate', '1000000') as (host, port, _):
        yield host, port


def ask(
    host: str, port: int, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict, bytes]:
    "Status, headers and body of an answer."
    connection = http.client.HTTPConnection(host, port, timeout=20)
    try:
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        connection.request('GET' if body is None else 'POST', path, body, named)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def searched(**parameters) -> str:
    return '/search?' + urlencode(parameters)


def as_answered(hits: list[dict], texts: bool) -> list[dict]:
    "Hits of a store as the server gives them."
    return hits if texts else [{k: v for k, v in hit.items() if k != 'text'} for hit in hits]


def bad_requests(rng: random.Random) -> tuple[str, bytes | None, dict[str, str]]:
    "A request that is wrong in some way."
    js = {'content_type': 'application/json'}
    filters = (
        '{',
        '[1]',
        'x',
        '{"n": {"near": 1}}',
        '{"not":' * 300 + '1' + '}' * 300,
        '{"n": {"in": %s}}' % ([1] * 200),
    )
    return rng.choice(
        (
            ('/search', None, {}),
            (searched(q=''), None, {}),
            (searched(q=' \t'), None, {}),
            (searched(q='가' * 1001), None, {}),
            (searched(q=EVIL, k=rng.choice(('0', '-1', '101', 'x', '1e3', '9' * 50))), None, {}),
            (searched(q='a', offset=rng.choice(('-1', '1001', '999', '<b>'))) + '&k=100', None, {}),
            (searched(q='커피', filter=rng.choice(filters)), None, {}),
            ('/search?q=%ff%fe&k=x', None, {}),
            ('/documents/' + quote('no/such/' + EVIL), None, {}),
            ('/documents/%00', None, {}),
            ('/' + quote(EVIL), None, {}),
            ('/../../etc/passwd', None, {}),
            ('/search', b'{', js),
            ('/search', b'', js),
            ('/search', b'[' * 9000, js),
            ('/search', b'{"q": "\\ud800", "k": 0}', js),
            ('/search', b'{"q": 7, "unknown": 1}', js),
            ('/search', b'{"q": "a", "k": 1e999}', js),
            ('/search', b'{"q": "a", "k": ' + b'9' * 5000 + b'}', js),
            ('/search', b'\xff\xfe\x00', js),
            ('/search', b'{"q": "a"}' + b' ' * 20_000, js),
            ('/search', b'q=a', {'content_type': 'application/x-www-form-urlencoded'}),
            ('/health', b'{}', js),
        )
    )


def client(host: str, port: int, seed: int, until: float, wanted: dict, wrong: list, done: list) -> None:
    "Asks, well and badly, until it is time; notes what is wrong."
    rng = random.Random(seed)
    while time.monotonic() < until:
        try:
            if rng.random() < 0.4:
                path, body, headers = bad_requests(rng)
                status, about, content = ask(host, port, path, body, **headers)
                error = json.loads(content)['error']
                fine = (
                    400 <= status < 500 and error['message'] and about['content-type'] == 'application/json'
                )
                if not fine or b'Traceback' in content or len(content) > 2000:
                    wrong.append((path[:80], body and body[:80], status, content[:300]))
            else:
                key = rng.choice(list(wanted))
                q, k, offset, spec, texts = key
                if rng.random() < 0.5:
                    given = {'filter': spec} if spec else {}
                    path, body = searched(q=q, k=k, offset=offset, texts=texts, **given), None
                else:
                    asked = {
                        'q': q,
                        'k': k,
                        'offset': offset,
                        'filter': json.loads(spec or 'null'),
                        'texts': texts,
                    }
                    path, body = '/search', json.dumps(asked).encode()
                status, _, content = ask(host, port, path, body, Content_Type='application/json')
                if status != 200 or json.loads(content)['hits'] != wanted[key]:
                    wrong.append((key, status, content[:300]))
        except Exception as e:
            wrong.append((type(e).__name__, str(e)))
        done.append(1)


def test_eight_clients_get_the_answers_of_the_store(folder, open_server):
    wanted, wrong, done = {}, [], []
    with Store(folder, read_only=True) as store:
        for n, q in enumerate(SEEDS):
            for spec in ('', '{"lang": "ko"}', '{"n": {"gte": 30}}'):
                k, offset, texts = 5 + n, n % 3, bool(n % 2)
                hits = store.search(q, k, filter=json.loads(spec or 'null'), offset=offset).to_dicts()
                wanted[q, k, offset, spec, texts] = json.loads(json.dumps(as_answered(hits, texts)))
    assert sum(map(bool, wanted.values())) > 12
    until = time.monotonic() + 4
    threads = [
        threading.Thread(target=client, args=(*open_server, seed, until, wanted, wrong, done))
        for seed in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and len(done) > 50, (len(done), wrong[:5])


@pytest.mark.parametrize('seed', range(60))
def test_bad_requests_are_named(open_server, seed):
    path, body, headers = bad_requests(random.Random(seed))
    status, about, content = ask(*open_server, path, body, **headers)
    assert 400 <= status < 500 and set(json.loads(content)['error']) == {'message', 'parameter', 'value'}
    assert (
        about['x-content-type-options'] == 'nosniff'
        and "default-src 'none'" in about['content-security-policy']
    )


def test_errors_name_parameter_and_value(open_server):
    for path, parameter, value in (
        (searched(q='a', k=1000), 'k', '1000'),
        (searched(q='a', offset='x'), 'offset', 'x'),
        (searched(q='a', filter='nothing'), 'filter', 'nothing'),
        (searched(k=1), 'q', None),
        ('/documents/nobody', 'id', 'nobody'),
    ):
        error = json.loads(ask(*open_server, path)[2])['error']
        assert (error['parameter'], error['value']) == (parameter, value)
    long = json.loads(ask(*open_server, searched(q='a', k='x' * 900))[2])['error']['value']
    assert len(long) <= 80


def test_documents_come_by_any_id(folder, open_server):
    with Store(folder, read_only=True) as store:
        for i in ('docs/3.md', 'evil "id"/<b>', '한글/문서', *ODD):
            status, about, content = ask(*open_server, '/documents/' + quote(i, safe=''))
            assert status == 200 and json.loads(content) == store.get(i).to_dict()
            assert about['content-type'] == 'application/json'


def test_head_is_get_without_a_body(open_server):
    for path in ('/health', searched(q='커피'), '/documents/nobody', '/'):
        connection = http.client.HTTPConnection(*open_server, timeout=20)
        connection.request('HEAD', path, headers={'Host': 'localhost'})
        answer = connection.getresponse()
        got = ask(*open_server, path)
        assert answer.status == got[0] and answer.read() == b''
        assert answer.headers['content-length'] == got[1]['content-length']
        connection.close()


@pytest.mark.parametrize(
    'path, body, parameter, word',
    (
        (searched(q='커피', fliter='n=1'), None, 'fliter', 'filter'),
        (searched(query='커피'), None, 'query', 'known are q, k'),
        (searched(q='커피', K=3), None, 'K', 'mean k'),
        (searched(q='커피') + '&q=b', None, 'q', 'twice'),
        ('/search?k=3', b'{"q": "a"}', 'k', 'unknown'),
        ('/documents/docs/3.md?text=1', None, 'text', 'unknown'),
        ('/search', b'{"q": "a", "q": "b"}', 'body', "'q' is there twice"),
        ('/search', b'{"q": "a", "filter": {"n": 1, "n": 2}}', 'body', "'n' is there twice"),
        ('/search', b'{"q": "a", "ofset": 2}', 'ofset', 'mean offset'),
        ('/search', b'{"q": "a", "k": true}', 'k', 'integer'),
        ('/search', b'{"q": "a", "k": "3"}', 'k', 'integer'),
        ('/search', b'{"q": "a", "k": 1.0}', 'k', 'integer'),
        ('/search', b'{"q": "a", "texts": 1}', 'texts', 'boolean'),
        (searched(q='a', filter='n>>5'), None, 'filter', '= != > >= < <='),
    ),
)
def test_what_is_misspelt_is_refused_by_name(open_server, path, body, parameter, word):
    status, _, content = ask(*open_server, path, body, Content_Type='application/json')
    error = json.loads(content)['error']
    assert status == 422 and error['parameter'] == parameter and word in error['message'], error


def test_headers_have_a_bound(open_server):
    host, port = open_server
    with socket.create_connection((host, port), timeout=20) as raw:
        raw.sendall(b'GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ' + b'x' * 40_000 + b'\r\n\r\n')
        assert re.match(rb'HTTP/1.1 4(00|31) ', raw.recv(100))


def test_questions_are_not_written_down(folder):
    with served(folder) as (host, port, process):
        for q in ('을 를', '!!', '비밀스러운 질문'):
            assert ask(host, port, searched(q=q))[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[1].strip() == 'stopped'


def test_what_is_added_meanwhile_is_found(folder, open_server):
    assert json.loads(ask(*open_server, searched(q='해바라기'))[2])['hits'] == []
    with Store(folder) as store:
        store.add({'new': '해바라기가 피었다.'})
        assert [h['id'] for h in json.loads(ask(*open_server, searched(q='해바라기'))[2])['hits']] == ['new']
        store.delete('new')
    assert json.loads(ask(*open_server, searched(q='해바라기'))[2])['hits'] == []


def test_only_this_machine_is_named(open_server):
    host, port = open_server
    for name in (f'localhost:{port}', 'localhost', f'127.0.0.1:{port}', f'[::1]:{port}', 'LOCALHOST'):
        assert ask(host, port, '/health', Host=name)[0] == 200
    for name in (
        'evil.example',
        f'localhost.evil.example:{port}',
        '127.0.0.1.evil.example',
        'localhost@evil',
        '',
    ):
        assert ask(host, port, searched(q='커피'), Host=name)[0] == 421


def test_openapi_describes_every_route_and_answer(open_server):
    about = json.loads(ask(*open_server, '/openapi.json')[2])
    routes = {(path, method) for path, methods in about['paths'].items() for method in methods}
    assert routes == {('/search', 'get'), ('/search', 'post'), ('/documents/{id}', 'get'), ('/health', 'get')}
    shapes = about['components']['schemas']
    answer = json.loads(ask(*open_server, searched(q='커피', texts=True))[2])
    assert set(answer) == set(shapes['Answer']['properties'])
    for hit in answer['hits']:
        assert set(hit) == set(shapes['Hit']['properties'])
        assert set(hit['snippet']) == set(shapes['Snippet']['properties'])
    parameters = {p['name']: p['schema'] for p in about['paths']['/search']['get']['parameters']}
    assert set(parameters) == {'q', 'k', 'offset', 'filter', 'texts'}
    assert (parameters['k']['maximum'], parameters['q']['maxLength']) == (100, 1000)


def test_a_token_is_needed_beyond_this_machine(folder, tmp_path):
    (tmp_path / 'token').write_text(TOKEN + '\n')
    path = searched(q='커피')
    with served(folder, '--host', '0.0.0.0', '--token-file', str(tmp_path / 'token')) as (_, port, _):
        host = '127.0.0.1'
        assert ask(host, port, path, Authorization=f'Bearer {TOKEN}', Host='search.example')[0] == 200
        given = (
            '',
            'Bearer',
            'Bearer ',
            f'Bearer {TOKEN}x',
            f'Bearer {TOKEN[:-1]}',
            f'Basic {TOKEN}',
            TOKEN,
            'Bearer \xff',
        )
        for wrong in given:
            status, about, content = ask(host, port, path, Authorization=wrong)
            assert status == 401 and about['www-authenticate'] == 'Bearer' and TOKEN.encode() not in content
        for closed in ('/documents/docs/1.md', '/nowhere'):
            assert ask(host, port, closed)[0] == 401
        assert json.loads(ask(host, port, '/health')[2]) == {'status': 'ok'}
        schemes = json.loads(ask(host, port, '/openapi.json')[2])['components']['securitySchemes']
        assert [s['scheme'] for s in schemes.values()] == ['bearer']


def test_who_asks_too_often_waits(folder):
    with served(folder, '--rate', '2') as (host, port, _):
        answers = [ask(host, port, '/health') for _ in range(12)]
        assert {a[0] for a in answers} == {200, 429}
        refused = next(a for a in answers if a[0] == 429)
        assert (
            int(refused[1]['retry-after']) >= 1
            and 'requests a second' in json.loads(refused[2])['error']['message']
        )
        time.sleep(int(refused[1]['retry-after']))
        assert ask(host, port, '/health')[0] == 200


@pytest.mark.parametrize('how', (signal.SIGTERM, signal.SIGINT))
def test_it_stops_gracefully(folder, how):
    with served(folder) as (host, port, process):
        assert ask(host, port, '/health')[0] == 200
        process.send_signal(how)
        rest = process.communicate(timeout=20)[1]
        assert process.returncode == 0 and 'Traceback' not in rest and 'stopped' in rest, rest


class Broken:
    "A store whose disk has gone."

    def search(self, *_, **__):
        raise OSError('/secret/path is gone')


def test_inner_errors_are_not_told():
    from starlette.testclient import TestClient

    web = TestClient(app(Broken()), base_url='http://localhost', raise_server_exceptions=False)
    answer = web.get('/search?q=a')
    assert answer.status_code == 500 and 'secret' not in answer.text
    assert answer.json()['error']['message'].startswith('the server failed')


def called(guard: Guard, messages: list[dict], method: str = 'POST', headers: tuple = ()) -> list[dict]:
    "What an application sends for these messages; after the last of them nothing more comes."
    sent = []

    async def receive():
        if messages:
            return messages.pop(0)
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    host = (b'host', b'localhost')
    scope = {
        'type': 'http',
        'method': method,
        'path': '/search',
        'headers': [host, *headers],
        'client': ('::1', 1),
    }
    asyncio.run(guard(scope, receive, send))
    return sent


def test_bodies_are_bounded_in_size_and_time():
    async def inner(scope, receive, send):
        raise AssertionError('it was let through')

    guard = Guard(inner, '', True, Limits(body=100, wait=0.2))
    part = {'type': 'http.request', 'body': b'x' * 60, 'more_body': True}
    assert called(guard, [part.copy(), part.copy(), part.copy()])[0]['status'] == 413
    assert called(guard, [], headers=((b'content-length', b'101'),))[0]['status'] == 413
    assert called(guard, [], headers=((b'content-length', b'9' * 400),))[0]['status'] == 413
    begun = time.monotonic()
    assert called(guard, [part.copy()])[0]['status'] == 408
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium here (apt-get install chromium)')
def test_the_page_searches_and_shows_no_markup_of_texts(folder):
    sync_api = pytest.importorskip('playwright.sync_api')
    noted = []
    with (
        served(folder, KOREAN_SPARSE_TOKEN=TOKEN) as (host, port, _),
        sync_api.sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox', '--disable-gpu'])
        page = browser.new_page(locale='ko-KR')
        page.on('pageerror', lambda e: noted.append(str(e)))
        page.on('console', lambda m: noted.append(m.text) if 'ontent' in m.text else None)  # of the policy
        page.on('dialog', lambda d: noted.append(d.message))
        page.goto(f'http://{host}:{port}/')
        assert page.title() == 'my <store>' and page.locator('h1').inner_text() == 'my <store>'
        page.keyboard.type('커피')
        page.locator('#secret').fill(TOKEN)
        page.locator('#token button').click()
        page.locator('li.hit').first.wait_for()
        hit = page.locator('li.hit', has_text='<img src=x').first
        assert '<script>alert(1)' in hit.inner_text() and page.locator('li.hit mark').count() > 0
        assert page.locator('#search img, #search script').count() == 0
        browser.close()
    assert noted == []
