"""Downloads against a server of our own that does what servers do: breaks off, lies, refuses, asks for
patience, cannot resume."""

import bz2
import hashlib
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.rows import DataError
from korean_sparse.wiki.download import Patience, download_dump, download_file, find_dump, needed_files
from korean_sparse.wiki.dumps import iter_pages

QUICK = Patience(timeout=5, tries=3, pause=0.01, longest=0.05)


class Server(ThreadingHTTPServer):
    "`files`: path -> bytes; `faults`: path -> list of faults, each used up by one request."

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.faults = {}, {}
        self.requests, self.asked = Counter(), []
        self.ranges = True  # whether it serves parts of a file
        threading.Thread(target=self.serve_forever, daemon=True).start()

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
