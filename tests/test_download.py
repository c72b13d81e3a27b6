"""Downloads against a server of our own that does what servers do: breaks off, lies, refuses, asks for
patience and passwords, sends on, trickles, cannot resume."""

import base64
import bz2
import hashlib
import json
import logging
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from korean_sparse.core.files import write_text
from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.rows import DataError
from korean_sparse.core.safe_writes import killed_at
from korean_sparse.wiki.download import Patience, download_dump, download_file, find_dump, needed_files
from korean_sparse.wiki.dumps import iter_pages

QUICK = Patience(timeout=5, tries=3, pause=0.01, longest=0.05)


def basic(login: str) -> str:
    return 'Basic ' + base64.b64encode(login.encode()).decode()


class Server(ThreadingHTTPServer):
    "`files`: path -> bytes; `faults`: path -> list of faults, each used up by one request."

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.faults = {}, {}
        self.requests, self.asked = Counter(), []
        self.ranges = True  # whether it serves parts of a file
        self.login = ''  # `user:password`, if it wants one
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that has gone

    @property
    def url(self):
        return f'http://127.0.0.1:{self.server_port}'


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        s.requests[self.path] += 1
        s.asked.append((self.path, self.headers.get('Range')))
        fault = s.faults[self.path].pop(0) if s.faults.get(self.path) else None
        data = s.files.get(self.path)
        if callable(fault):
            self.close_connection = True
            return fault(self)
        if s.login and self.headers.get('Authorization') != basic(s.login):
            fault = (401, {})
        if isinstance(fault, tuple) or data is None:
            code, headers = fault or (404, {})
            self.send_response(code)
            for k, v in {'Content-Length': '0', **headers}.items():
                self.send_header(k, v)
            return self.end_headers()
        etag, first, last, code = f'"{hashlib.md5(data).hexdigest()}"', 0, len(data) - 1, 200
        asked = self.headers.get('Range')
        if asked and s.ranges and self.headers.get('If-Range', etag) == etag:
            a, _, b = asked.removeprefix('bytes=').partition('-')
            first, last, code = int(a), min(int(b or last), last), 206
            if first > last:
                self.send_response(416)
                self.send_header('Content-Range', f'bytes */{len(data)}')
                self.send_header('Content-Length', '0')
                return self.end_headers()
        body = data[first : last + 1]
        length = len(body)
        if fault == 'break':
            body = body[: length // 2]
        if fault == 'nothing':
            body = b''
        if fault == 'short':
            length -= 7
            body = body[:length]  # a wrong length that looks right
        if fault == 'spoil':
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(code)
        self.send_header('Content-Length', str(length))
        self.send_header('ETag', etag)
        self.end_headers()
        self.wfile.write(body)
        if len(body) < length:
            self.close_connection = True


@pytest.fixture
def server():
    s = Server()
    yield s
    s.shutdown()
    s.server_close()


DATA = bytes(i * i % 251 for i in range(300_000))
SHA1 = hashlib.sha1(DATA).hexdigest()


@pytest.mark.parametrize(
    'faults, requests',
    [
        ([], 1),
        (['break'], 2),
        (['break', 'break', 'break', 'break', 'break'], 6),
        (['nothing', 'nothing'], 3),
        ([(503, {'Retry-After': '0'})], 2),
        ([(429, {})], 2),
        ([(500, {}), 'break', (502, {})], 4),
        (['short'], 2),
        (['spoil'], 2),
        (['break', 'spoil'], 3),
    ],
)
def test_a_file_comes_whole(server, tmp_path, faults, requests):
    server.files['/a'], server.faults['/a'] = DATA, list(faults)
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK) is True
    assert (tmp_path / 'a').read_bytes() == DATA
    assert [p.name for p in tmp_path.iterdir()] == ['a']
    assert server.requests['/a'] == requests
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK) is False  # there already
    assert server.requests['/a'] == requests


def test_it_goes_on_where_it_broke_off(server, tmp_path):
    server.files['/a'], server.faults['/a'] = DATA, ['break', (403, {})]
    with pytest.raises(DataError, match='the server answers 403'):
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    assert not (tmp_path / 'a').exists()
    assert (tmp_path / 'a.part').stat().st_size == 150_000
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    assert server.asked[-1] == ('/a', 'bytes=150000-')
    assert (tmp_path / 'a').read_bytes() == DATA


def test_a_file_that_changed_on_the_server_is_not_glued_to_the_old(server, tmp_path):
    server.files['/a'], server.faults['/a'] = DATA[::-1], ['break', (403, {})]
    with pytest.raises(DataError):
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    server.files['/a'] = DATA
    assert (
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
        and (tmp_path / 'a').read_bytes() == DATA
    )


def test_a_shorter_file_on_the_server(server, tmp_path):
    (tmp_path / 'a.part').write_bytes(DATA + b'more')
    server.files['/a'] = DATA
    assert (
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
        and (tmp_path / 'a').read_bytes() == DATA
    )


def test_a_server_that_cannot_resume(server, tmp_path):
    server.files['/a'], server.faults['/a'], server.ranges = DATA, ['break', 'break'], False
    assert (
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
        and (tmp_path / 'a').read_bytes() == DATA
    )


@pytest.mark.parametrize(
    'faults, says',
    [
        ([(404, {})], 'the server answers 404 .*is the name or the date right'),
        ([(503, {})] * 9, 'answers 503 .*gave up after 3 tries without progress'),
        (['nothing'] * 9, 'gave up after 3 tries'),
        (['spoil'] * 2, f'published is {SHA1}, twice'),
    ],
)
def test_what_cannot_be_had_is_named(server, tmp_path, faults, says):
    server.files['/a'], server.faults['/a'] = DATA, list(faults)
    with pytest.raises(DataError, match=says):
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    assert not (tmp_path / 'a').exists()


def page(n):
    revision = f'<timestamp>2024-01-01T00:00:00Z</timestamp><text>본문 {n}이다.</text>'
    return f'<page><title>글 {n}</title><ns>0</ns><id>{n}</id><revision>{revision}</revision></page>\n'


def publish(server, date, n_pages=60, leave_out=()):
    "A multistream dump of ten pages a stream, as dumps.wikimedia.org lays it out."
    stem, home = f'kowiki-{date}', f'/kowiki/{date}'
    whole = bz2.compress('<mediawiki xml:lang="ko"><siteinfo><dbname>kowiki</dbname></siteinfo>\n'.encode())
    index = ''
    for i in range(0, n_pages, 10):
        index += ''.join(f'{len(whole)}:{n}:글 {n}\n' for n in range(i + 1, i + 11))
        whole += bz2.compress(''.join(page(n) for n in range(i + 1, i + 11)).encode())
    whole += bz2.compress(b'</mediawiki>\n')
    files = {n: f'{kind} of {date}'.encode() for kind, n in needed_files('kowiki', date).items()}
    files[f'{stem}-pages-articles-multistream.xml.bz2'] = whole
    files[f'{stem}-pages-articles-multistream-index.txt.bz2'] = bz2.compress(index.encode())
    server.files |= {f'{home}/{n}': data for n, data in files.items()}
    sums = ''
    for name, data in files.items():
        if not name.endswith(tuple(leave_out) or '\0'):
            sums += f'{hashlib.sha1(data).hexdigest()}  {name}\n'
    server.files[f'{home}/{stem}-sha1sums.txt'] = sums.encode()
    dates = sorted({p.split('/')[2] for p in server.files if p.count('/') == 3})
    server.files['/kowiki/'] = ''.join(f'<a href="{d}/">{d}/</a>\n' for d in [*dates, 'latest']).encode()


def test_latest_is_the_newest_complete_date(server, tmp_path):
    publish(server, '20240501')
    publish(server, '20240601')
    publish(server, '20240620', leave_out=['langlinks.sql.gz'])
    assert find_dump('kowiki', mirror=server.url, patience=QUICK).date == '20240601'
    with pytest.raises(DataError, match='20240620 has no checksum yet of kowiki-20240620-langlinks.sql.gz'):
        find_dump('kowiki', '20240620', server.url, QUICK)
    with pytest.raises(DataError, match='404'):
        find_dump('kowiki', '20200101', server.url, QUICK)
    path = download_dump('kowiki', folder=tmp_path, mirror=server.url, patience=QUICK)
    assert path.name == 'kowiki-20240601-pages-articles-multistream.xml.bz2'
    assert len(list(iter_pages(path, 'ko'))) == 60
    record = json.loads((tmp_path / 'kowiki-20240601.json').read_text())
    assert record['date'] == '20240601'
    assert set(record['sha1']) == set(needed_files('kowiki', '20240601').values())
    asked = len(server.asked)
    assert download_dump('kowiki', '20240601', tmp_path, server.url, patience=QUICK) == path
    assert len(server.asked) == asked  # not even asked for
    assert not list(tmp_path.glob('*.part*'))


def test_a_subset_is_a_dump_of_its_own(server, tmp_path):
    publish(server, '20240601')
    server.faults['/kowiki/20240601/kowiki-20240601-pages-articles-multistream.xml.bz2'] = [
        'break',
        (503, {'Retry-After': '0'}),
    ]
    path = download_dump('kowiki', '20240601', tmp_path, server.url, subset=30, patience=QUICK)
    problems = LeftOut()
    pages = list(iter_pages(path, 'ko', problems))
    assert [p.id for p in pages] == [*range(1, 11), *range(21, 31), *range(51, 61)]
    assert not problems
    assert path.name == 'kowiki-20240601-pages-articles-multistream.xml-subset30.bz2'
    assert (tmp_path / 'kowiki-20240601-pages-articles-multistream-index.txt-subset30.bz2').exists()
    asked = len(server.asked)
    assert download_dump('kowiki', '20240601', tmp_path, server.url, subset=30, patience=QUICK) == path
    assert len(server.asked) == asked
    one = download_dump('kowiki', '20240601', tmp_path, server.url, subset=10, patience=QUICK)
    assert [p.id for p in iter_pages(one, 'ko')] == list(range(1, 11))


def test_a_subset_needs_a_server_that_serves_parts(server, tmp_path):
    publish(server, '20240601')
    server.ranges = False
    with pytest.raises(DataError, match='does not serve parts of a file'):
        download_dump('kowiki', '20240601', tmp_path, server.url, subset=30, patience=QUICK)
    assert not list(tmp_path.glob('*subset*'))


def test_a_mirror_with_another_file(server, tmp_path):
    publish(server, '20240601')
    server.files['/kowiki/20240601/kowiki-20240601-page.sql.gz'] = b'something else'
    with pytest.raises(DataError, match='the mirror holds another file'):
        download_dump('kowiki', '20240601', tmp_path, server.url, patience=QUICK)
    assert not (tmp_path / 'kowiki-20240601.json').exists()


HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n'


def trickle(handler, head=b'', of=b'x', pause=0.05, seconds=20):
    "Sends `head` at once, then so many bytes again and again, until nobody listens any more."
    handler.wfile.write(head)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        handler.wfile.write(of)
        handler.wfile.flush()
        time.sleep(pause)


@pytest.mark.parametrize(
    'answer',
    [
        dict(head=b'H', of=b''),  # silence within the head
        dict(head=b'HTTP/1.1 200 OK\r\nX-Long: '),  # a head without end
        dict(of=b'HTTP/1.1 100 Continue\r\n\r\n', pause=0.001),  # nothing but introductions
        dict(head=HEAD),  # a byte now and then
        dict(head=HEAD, of=b''),
        dict(head=b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', of=b'1\r\nx\r\n'),
        dict(head=b'HTTP/1.1 302 Moved\r\nLocation: /a\r\n\r\n'),  # a loop with an answer that never ends
    ],
    ids='silent-head long-head introductions trickle silent-body chunks loop'.split(),
)
def test_a_time_out_is_one(server, tmp_path, answer):
    server.files['/a'], server.faults['/a'] = DATA, [lambda h: trickle(h, **answer)] * 30
    begin, patience = time.monotonic(), Patience(timeout=0.3, tries=2, pause=0.01)
    with pytest.raises(DataError, match='gave up after 2 tries|more than 5 times') as e:
        download_file(f'{server.url}/a', tmp_path / 'a', SHA1, patience)
    assert time.monotonic() - begin < 5, e.value
    begin, sums = time.monotonic(), '/kowiki/20240601/kowiki-20240601-sha1sums.txt'
    server.faults[sums] = [lambda h: trickle(h, **answer)] * 30
    with pytest.raises(DataError):
        find_dump('kowiki', '20240601', server.url, patience)
    assert time.monotonic() - begin < 5


def test_slow_is_not_silent(server, tmp_path):
    "What is slower than the time-out as a whole, but never falls below the least rate, comes."
    rest = [DATA[i : i + 10_000] for i in range(0, len(DATA), 10_000)]

    def slowly(handler):
        handler.wfile.write(HEAD)
        for some in rest:
            handler.wfile.write(some)
            time.sleep(0.03)

    server.files['/a'], server.faults['/a'] = DATA, [slowly]
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, Patience(timeout=0.4, tries=1))
    assert server.requests['/a'] == 1


def test_what_came_slowly_is_kept(server, tmp_path):
    server.files['/a'] = DATA
    server.faults['/a'] = [lambda h: trickle(h, HEAD + DATA[:200_000], b'')]
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, Patience(timeout=0.4, pause=0.01))
    assert server.asked[-1] == ('/a', 'bytes=200000-')


def sent_on(to, **headers):
    return (302, {'Location': to, **headers})


def test_sent_on(server, tmp_path):
    server.files['/a'], server.faults['/b'] = DATA, [sent_on('/a')] * 9
    server.faults['/a'] = ['break']
    assert download_file(f'{server.url}/b', tmp_path / 'a', SHA1, QUICK)
    assert server.asked[-1] == ('/a', 'bytes=150000-')
    server.faults['/c'] = [sent_on('/c')] * 99
    with pytest.raises(DataError, match='sends us on more than 5 times'):
        download_file(f'{server.url}/c', tmp_path / 'c', '', QUICK)
    for to in ('file:///etc/passwd', 'ftp://127.0.0.1/x', 'gopher:x', 'data:,x'):
        server.faults['/d'] = [sent_on(to)]
        with pytest.raises(DataError, match='no address of a server'):
            download_file(f'{server.url}/d', tmp_path / 'd', '', QUICK)


@pytest.mark.parametrize(
    'headers',
    [
        {'Content-Range': 'bytes 7-299999/300000'},  # another part than was asked for
        {'Content-Range': 'bytes 150000-299999/7'},
        {'ETag': '"another"'},
    ],
    ids='place length mark'.split(),
)
def test_a_part_that_does_not_belong(server, tmp_path, headers):
    def other(handler):
        rest = bytes(150_000)
        handler.send_response(206)
        for name, value in {'Content-Length': str(len(rest)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(rest)

    server.files['/a'], server.faults['/a'] = DATA, ['break', other]
    assert download_file(f'{server.url}/a', tmp_path / 'a', '', QUICK)  # no checksum tells
    assert (tmp_path / 'a').read_bytes() == DATA


def test_no_more_than_announced(server, tmp_path):
    "More than the length says is not read; more than was asked for is not taken."

    def long(handler):
        handler.wfile.write(HEAD + DATA + b'more')

    server.files['/a'], server.faults['/a'] = DATA, [long]
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    publish(server, '20240601')
    pages = '/kowiki/20240601/kowiki-20240601-pages-articles-multistream.xml.bz2'

    def all_of_it(handler):
        handler.wfile.write(b'HTTP/1.1 206 Partial Content\r\n\r\n' + bytes(10**6))

    server.faults[pages] = [all_of_it]
    with pytest.raises(DataError, match='multistream.xml.bz2: more than [0-9,]+ bytes came'):
        download_dump('kowiki', '20240601', tmp_path, server.url, subset=30, patience=QUICK)
    sums = '/kowiki/20240601/kowiki-20240601-sha1sums.txt'
    server.faults[sums] = [lambda h: trickle(h, b'HTTP/1.1 200 OK\r\n\r\n', bytes(1 << 20), 0)]
    with pytest.raises(DataError, match='sha1sums.txt: more than 67,108,864 bytes came'):
        find_dump('kowiki', '20240601', server.url, QUICK)


@pytest.mark.parametrize('length', ['-5', 'many', '', '9' * 30, '1_0', '٣'])
def test_an_odd_length(server, tmp_path, length):
    head = f'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n'.encode()
    server.files['/a'], server.faults['/a'] = DATA, [lambda h: h.wfile.write(head + DATA)]
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    assert (tmp_path / 'a').read_bytes() == DATA


@pytest.mark.parametrize(
    'note', ['', '{"etag": "x', '[]', 'null', '{"etag": 5}', '{"etag": "a\\nb"}', '{"size": 1}']
)
def test_a_torn_note(server, tmp_path, note):
    (tmp_path / 'a.part').write_bytes(DATA[:1000])
    (tmp_path / 'a.part.json').write_text(note)
    server.files['/a'] = DATA
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    assert (tmp_path / 'a').read_bytes() == DATA


@pytest.mark.parametrize(
    'record', ['', '{"pages": "x"', '[]', '{"pages": "../../x", "bytes": {}}', '{"bytes": 5}']
)
def test_a_torn_record(server, tmp_path, record, caplog):
    publish(server, '20240601')
    path = download_dump('kowiki', '20240601', tmp_path, server.url, patience=QUICK)
    (tmp_path / 'kowiki-20240601.json').write_text(record)
    assert download_dump('kowiki', '20240601', tmp_path, server.url, patience=QUICK) == path
    assert 'kowiki-20240601.json' in caplog.text  # it is named, and made anew
    asked = len(server.asked)
    assert download_dump('kowiki', '20240601', tmp_path, server.url, patience=QUICK) == path
    assert len(server.asked) == asked


@pytest.mark.parametrize('broken', [False, True])
def test_killed_at_any_moment(server, tmp_path, broken):
    "After a kill before any operation on files, the next run brings the file, and leaves nothing lying about."
    server.files['/a'], n, killed = DATA, 0, True
    while killed:
        n += 1
        home = tmp_path / str(n)
        server.faults['/a'] = ['break'] if broken else []
        act = lambda: download_file(f'{server.url}/a', home / 'a', '', QUICK)  # noqa: E731
        killed = killed_at(n, act)
        if (home / 'a').exists():
            assert (home / 'a').read_bytes() == DATA
        act()
        assert (home / 'a').read_bytes() == DATA, n
        write_text(home / 'b', 'whoever writes next takes away what is left')
        assert sorted(p.name for p in home.iterdir()) == ['a', 'b'], n
    assert n > 20


SECRETS = ('secret', base64.b64encode(b'user:secret@word').decode())


@pytest.fixture
def no_secrets(tmp_path, caplog, capfd, monkeypatch):
    "Whatever was logged, shown or written in a test holds no secret; a list takes what else must hold none."
    monkeypatch.setenv('NETRC', str(tmp_path / 'none' / 'netrc'))
    caplog.set_level(logging.DEBUG)
    said = []
    yield said
    seen = [caplog.text, *capfd.readouterr(), *map(str, said), *map(repr, said)]
    seen += [str(path) for path in tmp_path.rglob('*')]
    written = [
        p.read_bytes().decode('latin-1') for p in tmp_path.rglob('*') if p.is_file() and 'netrc' not in p.name
    ]
    for secret in SECRETS:
        assert not [text for text in [*seen, *written] if secret in text]


def with_login(server, login='user:secret%40word'):
    return server.url.replace('://', f'://{login}@')


def test_a_password_in_the_address(server, tmp_path, no_secrets):
    publish(server, '20240601')
    server.login = 'user:secret@word'
    mirror = with_login(server)
    server.faults['/kowiki/20240601/kowiki-20240601-page.sql.gz'] = ['break', (503, {})]
    no_secrets.append(download_dump('kowiki', folder=tmp_path, mirror=mirror, patience=QUICK))
    no_secrets.append(find_dump('kowiki', '20240601', mirror, QUICK))
    assert json.loads((tmp_path / 'kowiki-20240601.json').read_text())['mirror'] == server.url
    with pytest.raises(DataError, match='404') as e:
        find_dump('kowiki', '20200101', mirror, QUICK)
    no_secrets += [e.value, e.value.__cause__, e.value.__context__]
    other = Server()  # to which the first sends us: it gets no password
    try:
        other.files['/a'], other.login = DATA, server.login
        server.faults['/a'] = [sent_on(f'{other.url}/a?token=secret')]
        with pytest.raises(DataError, match='answers 401.*netrc') as e:
            download_file(f'{mirror}/a', tmp_path / 'a', SHA1, QUICK)
        no_secrets += [e.value]
    finally:
        other.shutdown()
        other.server_close()


def test_a_password_of_netrc(server, tmp_path, no_secrets, monkeypatch):
    (tmp_path / 'my.netrc').write_text('machine 127.0.0.1 login user password secret@word\n')
    monkeypatch.setenv('NETRC', str(tmp_path / 'my.netrc'))
    server.files['/a'], server.login = DATA, 'user:secret@word'
    assert download_file(f'{server.url}/a', tmp_path / 'a', SHA1, QUICK)
    (tmp_path / 'my.netrc').write_text('machine 127.0.0.1 secret secret\n')
    with pytest.raises(DataError, match='answers 401') as e:
        download_file(f'{server.url}/a', tmp_path / 'b', SHA1, QUICK)
    no_secrets.append(e.value)


@pytest.mark.parametrize(
    'faults',
    [
        [(403, {})],
        [(503, {})] * 9,
        ['break', (404, {})],
        ['nothing'] * 9,
        ['spoil'] * 2,
        [lambda h: h.send_error(403, 'token=secret')],
        [lambda h: h.wfile.write(b'HTTP/9 secret\r\n\r\n')] * 9,
        [sent_on('https://user:secret@127.0.0.1:9/x?key=secret')] * 9,
        [sent_on('file:///x?key=secret')],
        [sent_on('/a?key=secret')] * 9,
    ],
)
def test_a_key_in_the_address(server, tmp_path, no_secrets, faults):
    query = '?X-Amz-Signature=secret&b=secret%20word#secret'
    path = '/a?X-Amz-Signature=secret&b=secret%20word'
    server.files[path], server.faults[path] = DATA, list(faults)
    server.faults['/a?key=secret'] = list(faults)
    with pytest.raises(DataError) as e:
        download_file(f'{with_login(server)}/a{query}', tmp_path / 'a', SHA1, Patience(0.5, 2, 0.01))
    no_secrets.append(e.value)


@pytest.mark.parametrize(
    'mirror',
    [
        'user:secret@host',
        'https://user:secret@',
        'https://user:sec/secret@host/x',
        'https://user:secret@host:port',
        'http://user:secret@[::1',
        'http://user:secret@127.0.0.1:9',
        'http://127.0.0.1:9/x?token=secret',
        'http://127.0.0.1:9/x#secret',
        'http://user:secret@.a..b',
        'http://user:secret@127.0.0.1:9/\nx',
        'ftp://user:secret@127.0.0.1/x',
    ],
)
def test_an_odd_mirror(tmp_path, no_secrets, mirror):
    with pytest.raises(DataError) as e:
        download_dump('kowiki', '20240601', tmp_path, mirror, patience=Patience(0.2, 1, 0.01))
    no_secrets.append(e.value)
