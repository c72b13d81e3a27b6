"""Loading against a cluster that misbehaves: in whatever order, number and shape its answers come, and
wherever the loading process is killed, each document that was sent is acknowledged by its id or reported."""

import json
import logging
import os
import random
import signal
import socket
import ssl
import threading
import time
import traceback
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mutate import survive

from korean_sparse.core.rows import DataError
from korean_sparse.opensearch import client as client_module
from korean_sparse.opensearch import cluster as cluster_module
from korean_sparse.opensearch.client import ClusterError, call, connect
from korean_sparse.opensearch.cluster import bulk_index, predict, search
from korean_sparse.opensearch.relevance import explain, index_bytes

FULL_DISK = (
    'index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, '
    'index has read-only-allow-delete block];'
)


class Lost(Exception):
    "The server closes the connection without another byte."


class Cluster:
    """A server that answers bulk requests as `moves` say, one move a request, and well when none are left.

    `received` are the ids that came in, `acknowledged` those that a whole answer acknowledged.
    `victim` is a process that is killed at a moment that a move chooses."""

    def __init__(self):
        self.moves, self.rng = [], random.Random(0)
        self.received, self.acknowledged, self.requests = set(), set(), []
        self.victim, self.other, self.uuid = 0, '', ''
        self.lock = threading.Lock()
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True  # an answer is two writes

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.handle_any(cluster.about)

            def do_POST(self):
                self.handle_any(cluster.bulk if '/_bulk' in self.path else cluster.about)

            def handle_any(self, answer):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                with cluster.lock:
                    cluster.requests.append((self.command, self.path, dict(self.headers)))
                    try:
                        status, said, headers, whole, after = answer(body)
                    except Lost:
                        self.close_connection = True
                        return
                    headers = {'Content-Type': 'application/json', 'Content-Length': len(said)} | headers
                    if not whole:
                        said = said[: len(said) // 2]
                        self.close_connection = True
                    lines = ''.join(f'{name}: {value}\r\n' for name, value in headers.items())
                    self.wfile.write(f'HTTP/1.1 {status} x\r\n{lines}\r\n'.encode('latin-1') + said)
                    if after:
                        cluster.kill()

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that is gone
        self.url = f'http://127.0.0.1:{self.server.server_port}'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def forget(self):
        self.received, self.acknowledged, self.requests = set(), set(), []

    def about(self, _):
        said = {'x': {'settings': {'index': {'uuid': self.uuid}}}} if self.uuid else {}
        return 200, json.dumps(said).encode(), {}, True, False

    def bulk(self, body):
        ids = [json.loads(line)['index']['_id'] for line in body.decode().split('\n')[:-1:2]]
        self.received |= set(ids)
        move = self.moves.pop(0) if self.moves else 'well'
        if move == 'kill before':
            self.kill()
            raise Lost
        items = [self.item(i, move) for i in ids]
        status, said, headers, whole = 200, self.shape(items, move), {}, True
        if move in WHOLE:
            status, said, headers, whole = WHOLE[move](said, self)
        if move == 'kill behind':
            self.kill()
            raise Lost
        told = self.told(said, ids) if status == 200 and whole else set()
        self.acknowledged |= told
        return status, said, headers, whole, move == 'kill after'

    def kill(self):
        if self.victim:
            os.kill(self.victim, signal.SIGKILL)

    def item(self, doc_id, move):
        kind = self.rng.choice(ITEMS) if move in ('mixed', 'shuffled', 'short', 'doubled') else move
        said = {'_id': doc_id, 'status': 201} | ITEM.get(kind, {})
        return {'index': {k: v for k, v in said.items() if v is not ...}}

    def shape(self, items, move):
        if move == 'shuffled':
            self.rng.shuffle(items)
        elif move == 'short':
            items = self.rng.sample(items, self.rng.randrange(len(items)))
        elif move == 'doubled':
            items = items + self.rng.choices(items, k=3) + [{'index': {'_id': 'of another', 'status': 201}}]
            self.rng.shuffle(items)
        elif move == 'foreign':
            items = [{'index': {'_id': f'{n}', 'status': 201}} for n in range(len(items))]
        elif move == 'odd items':
            items = [None, 7, [], {}, {'index': None}, {'index': {'_id': None, 'status': 201}}, *items]
        return json.dumps({'took': 1, 'errors': False, 'items': items}).encode()

    def told(self, said, ids):
        "The ids that an answer acknowledges, and says nothing else of; of a single one also without its id."
        try:
            items = json.loads(said)['items']
            if len(ids) == len(items) == 1 and '_id' not in items[0]['index']:
                items[0]['index']['_id'] = ids[0]
            said_of = {}
            for entry in items:
                result = entry.get('index') if isinstance(entry, dict) else None
                if isinstance(result, dict) and isinstance(result.get('_id'), str):
                    good = result.get('status') == 201 and result.get('error') is None
                    said_of.setdefault(result['_id'], set()).add(good)
            return {i for i, good in said_of.items() if good == {True}} & self.received
        except (ValueError, TypeError, LookupError, RecursionError):
            return set()


ITEM = {
    'refused': {'status': 400, 'error': {'reason': 'failed', 'caused_by': {'reason': 'bad weight'}}},
    'busy': {'status': 429, 'error': {'type': 'rejected', 'reason': 'queue is full'}},
    'lacks a node': {'status': 503, 'error': {'reason': 'no shard'}},
    'disk full': {'status': 429, 'error': {'type': 'cluster_block_exception', 'reason': FULL_DISK}},
    'no reason': {'status': 500},
    'no status': {'status': ...},
    'no status but error': {'status': ..., 'error': {'reason': 'bad'}},
    'odd status': {'status': '201'},
    'both': {'error': {'reason': 'bad'}},
    'error is a text': {'status': 400, 'error': 'boom'},
    'error is a list': {'status': 400, 'error': [{'reason': 'boom'}]},
    'no id': {'_id': ...},
}
ITEMS = [*ITEM, *['well'] * 12]


def deep(*_):
    return 200, b'{"items":' + b'[' * 50_000 + b']' * 50_000 + b'}', {}, True


def says(status, body, whole=True, **headers):
    return lambda *_: (status, body, {k.replace('_', '-'): v for k, v in headers.items()}, whole)


def hang_up(*_):
    raise Lost


REASON = b'{"error":{"reason":"not now","root_cause":[]},"status":%d}'
WHOLE = {
    'too many': says(429, REASON % 429),
    'too many, for an odd time': says(429, REASON % 429, Retry_After='a while'),
    'too many, no JSON': says(429, b'<html>slow down</html>', Content_Type='text/html'),
    'away': says(503, b''),
    'gateway': says(502, b'<html>bad gateway</html>', Content_Type='text/html'),
    'fails': says(500, REASON % 500),
    'too large': says(413, b''),
    'a list for an error': says(400, b'[1]'),
    'null for a cause': says(400, b'{"error":{"root_cause":null,"caused_by":7}}'),
    'elsewhere': says(307, b'', Location='http://user:hidden-1@localhost:1/there?key=hidden-2'),
    'an error with 200': says(200, REASON % 500),
    'half JSON': lambda said, _: (200, said[: len(said) // 2], {}, True),
    'half a body': lambda said, _: (200, said, {}, False),
    'hangs up': hang_up,
    'HTML': says(200, b'<html>please log in</html>', Content_Type='text/html'),
    'no type': lambda said, _: (200, said, {'Content-Type': ''}, True),
    'another type': lambda said, _: (200, said, {'Content-Type': 'text/plain; charset=latin-1'}, True),
    'an unknown type': lambda said, _: (200, said, {'Content-Type': 'application/x-thing'}, True),
    'empty': says(200, b''),
    'blank': says(200, b' \n'),
    'a list': says(200, b'[]'),
    'null': says(200, b'null'),
    'a text': says(200, b'"yes"'),
    'items are null': says(200, b'{"items":null}'),
    'items are an object': says(200, b'{"items":{}}'),
    'no items': says(200, b'{"items":[]}'),
    'a name twice': lambda said, _: (200, b'{"items":[],' + said[1:], {}, True),
    'not UTF-8': says(200, b'{"items":[\xff\xfe]}'),
    'UTF-16': lambda said, _: (200, said.decode().encode('utf-16'), {}, True),
    'packed, it says': lambda said, _: (200, said, {'Content-Encoding': 'gzip'}, True),
    'NaN': says(200, b'{"items":[NaN]}'),
    'a long number': says(200, b'{"items":[' + b'9' * 9999 + b']}'),
    'deep': deep,
    'a silly length': lambda said, _: (200, said, {'Content-Length': 'long'}, False),
}
SHAPES = ('mixed', 'shuffled', 'short', 'doubled', 'foreign', 'odd items')
KILLS = ('kill before', 'kill behind', 'kill after')


@pytest.fixture(scope='module')
def cluster():
    with Cluster() as found:
        yield found


@pytest.fixture(autouse=True)
def at_once(monkeypatch, cluster):
    "Nobody waits between two tries, nobody prints the client library's warnings, and every test begins anew."
    for module in (client_module, cluster_module):
        monkeypatch.setattr(module, 'back_off', lambda *_: None)
    levels = {name: logging.getLogger(name).level for name in ('opensearch', 'urllib3')}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    cluster.moves, cluster.uuid, cluster.victim = [], '', 0
    cluster.forget()
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def documents(count):
    return [{'id': f'd{n}', 'text': f'글 {n}'} for n in range(count)]


def load(cluster, rows, **named):
    "The report of a run, and whether it was broken off; only a `ClusterError` may do that."
    named = {'batch': 3, 'workers': 2, 'tries': 2, 'progress': False} | named
    try:
        return bulk_index(connect(cluster.url, timeout=5), 'x', rows, **named), False
    except ClusterError as e:
        assert e.report is not None and str(e)
        return e.report, True


def check_report(cluster, report, rows, broken):
    "All that was sent is acknowledged, by its id, or reported, with a reason; nothing is both."
    reported = [i for i, _ in report.rejected + report.unknown]
    assert all(isinstance(reason, str) and reason for _, reason in report.rejected + report.unknown)
    assert len(set(reported)) == len(reported) and set(reported) <= {row['id'] for row in rows}
    taken = cluster.received - set(reported)
    assert taken <= cluster.acknowledged, ('counted as indexed', taken - cluster.acknowledged)
    assert report.indexed == len(taken), (report, taken)
    if not broken:
        assert report.unknown == []
        assert report.indexed + report.skipped + len(report.rejected) == len(rows)


def schedule(rng):
    names = [*SHAPES * 4, *WHOLE, *ITEM, *['well'] * 6]
    return rng.choices(names, k=rng.randint(1, 6))


def run_killed(cluster, rows, journal, seed, **named):
    "Load in a process of its own, which the cluster kills; True if it did."
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.read(ready, 1)
            load(cluster, rows, journal=journal, **named)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    cluster.victim = pid
    os.write(go, b'.')
    _, status = os.waitpid(pid, 0)
    cluster.victim = 0
    os.close(ready)
    os.close(go)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, seed
    return os.WIFSIGNALED(status)


def run_schedule(cluster, seed, folder) -> str:
    "One random schedule, and runs over the same journal until all is well; how the first run ended."
    rng = random.Random(seed)
    rows, journal = documents(rng.randint(1, 13)), None if rng.random() < 0.2 else folder / f'{seed}.jsonl'
    named = {'batch': rng.randint(1, 5), 'workers': rng.randint(1, 3), 'tries': rng.randint(1, 4)}
    cluster.rng, cluster.moves = rng, schedule(rng)
    cluster.forget()
    ever = set()
    ended = 'whole'
    if journal and rng.random() < 0.05:
        cluster.moves.insert(rng.randrange(len(cluster.moves)), rng.choice(KILLS))
        killed = run_killed(cluster, rows, journal, seed, **named)
        ended, ever = 'killed' if killed else ended, set(cluster.acknowledged)
        if journal.exists() and rng.random() < 0.5:  # what a crash of the machine does to the end of a file
            written = journal.read_bytes()
            journal.write_bytes(written[: rng.randint(0, len(written))])
        cluster.moves = schedule(rng) if rng.random() < 0.5 else []
    for attempt in range(3):
        cluster.forget()
        if attempt == 2:
            cluster.moves = []
        report, broken = load(cluster, rows, journal=journal, **named)
        check_report(cluster, report, rows, broken)
        ever |= cluster.acknowledged
        if attempt == 0 and ended == 'whole':
            ended = 'broken off' if broken else 'refused' if report.rejected else 'whole'
        if not journal or report.indexed + report.skipped == len(rows):
            break
    if journal:  # at last the cluster behaved
        assert (report.rejected, report.unknown, broken) == ([], [], False)
        assert ever == {row['id'] for row in rows}
    return ended


def test_a_thousand_schedules_lose_no_document(cluster, tmp_path):
    begin, ends = time.monotonic(), {}
    for seed in range(int(os.environ.get('KOREAN_SPARSE_SCHEDULES', 1000))):
        try:
            ended = run_schedule(cluster, seed, tmp_path)
        except Exception as e:
            raise AssertionError(f'seed {seed}') from e
        ends[ended] = ends.get(ended, 0) + 1
    print(ends, f'{time.monotonic() - begin:.1f} s')
    assert min(ends[e] for e in ('whole', 'refused', 'broken off')) > 50 and ends['killed'] > 15


@pytest.mark.parametrize('moment', KILLS)
def test_a_kill_at_each_request_loses_no_document(moment, cluster, tmp_path):
    rows = documents(11)
    for number in range(4):
        cluster.forget()
        journal = tmp_path / f'{number}'
        cluster.moves = ['mixed', 'busy', 'refused', 'short'][:number] + [moment]
        assert run_killed(cluster, rows, journal, number, batch=3, workers=1, tries=9)
        before = set(cluster.acknowledged)
        cluster.moves = []
        cluster.forget()
        report, broken = load(cluster, rows, journal=journal, workers=1)
        check_report(cluster, report, rows, broken)
        assert not broken and report.indexed + report.skipped == 11
        assert before | cluster.acknowledged == {row['id'] for row in rows}


@pytest.mark.parametrize('move', [*WHOLE, *ITEM, *SHAPES])
def test_each_way_of_misbehaving_for_ever(move, cluster, tmp_path):
    rows, journal = documents(11), tmp_path / 'journal'
    cluster.moves = [move] * 1000
    report, broken = load(cluster, rows, journal=journal)
    check_report(cluster, report, rows, broken)
    cluster.moves = []
    cluster.forget()
    report, broken = load(cluster, rows, journal=journal)
    check_report(cluster, report, rows, broken)
    assert not broken and report.indexed + report.skipped == 11


# what is said


def test_refused_documents_are_reported_by_the_next_run_too(cluster, tmp_path):
    "A batch with refused documents, then the cluster goes away; without a journal the error has the report."
    rows, journal = documents(9), tmp_path / 'journal'
    cluster.moves = ['refused', *['too many'] * 50]
    report, broken = load(cluster, rows, journal=journal, workers=1)
    assert broken and report.rejected == [(f'd{n}', 'bad weight') for n in range(3)]
    assert {i for i, _ in report.unknown} >= {'d3', 'd4', 'd5'} and 'not now' in report.unknown[0][1]
    cluster.moves = ['refused']
    report, broken = load(cluster, rows, journal=journal, workers=1)
    assert not broken and report.rejected == [(f'd{n}', 'bad weight') for n in range(3)]
    assert (report.indexed, report.skipped) == (6, 0)
    report, _ = load(cluster, rows, journal=journal)
    assert (report.indexed, report.skipped, report.rejected) == (3, 6, [])
    cluster.forget()
    report, _ = load(cluster, rows, journal=journal)
    assert report.skipped == 9 and not cluster.received


def test_a_full_disk_is_reported_with_what_to_do_and_not_asked_again(cluster, tmp_path):
    cluster.moves = ['disk full'] * 9
    report, broken = load(cluster, documents(3), journal=tmp_path / 'journal', tries=9)
    assert not broken and len(report.rejected) == 3 and len(cluster.moves) == 8
    assert 'make room' in report.rejected[0][1] and 'read_only_allow_delete' in report.rejected[0][1]
    cluster.moves = []
    assert load(cluster, documents(3), journal=tmp_path / 'journal')[0].indexed == 3


def test_rows_that_cannot_be_sent_are_named_and_what_was_sent_before_is_kept(cluster, tmp_path, caplog):
    for bad in ({'id': 'x', 'text': ''}, {'id': 'x' * 513, 'text': 'a'}, {'id': '가' * 171, 'text': 'a'}, 7):
        with pytest.raises(DataError, match='row '):
            load(cluster, [*documents(7), bad], batch=2)
    loop = {'id': 'x', 'text': 'a'}
    loop['loop'] = loop
    for bad in ({'id': 'x', 'text': 'a', 'odd': {1, 2}}, {'id': 'x', 'text': 'a', ('a', 1): 2}, loop):
        with pytest.raises(DataError, match="document 'x' cannot be written as JSON"):
            load(cluster, [*documents(7), bad])
    cluster.moves = ['refused', 'well']
    with pytest.raises(DataError, match='row 7'):
        load(cluster, [*documents(6), 7], workers=1)
    assert caplog.text.count('was refused: bad weight') == 3
    journal = tmp_path / 'journal'
    with pytest.raises(DataError, match='row 7'):
        load(cluster, [*documents(6), 7], journal=journal)
    assert load(cluster, documents(7), journal=journal)[0].skipped == 6


def test_the_same_id_twice_keeps_its_order(cluster):
    rows = [{'id': 'a', 'text': '하나'}, {'id': 'b', 'text': '둘'}, {'id': 'a', 'text': '셋'}]
    cluster.moves = ['busy']
    report, _ = load(cluster, rows)
    assert report.indexed == 3 and report.rejected == []
    cluster.moves = ['refused']
    assert [i for i, _ in load(cluster, rows)[0].rejected] == ['a', 'b', 'a']
    odd = [{'id': '반쪽 \ud83d', 'text': '글'}, {'id': 7, 'text': '글'}]
    assert load(cluster, odd)[0].indexed == 2


# the journal


def test_a_journal_torn_anywhere_is_read_up_to_the_tear(cluster, tmp_path):
    rows, journal = documents(11), tmp_path / 'journal'
    cluster.uuid, cluster.moves = 'made-once', ['well', 'refused', 'well', 'well']
    load(cluster, rows, journal=journal, workers=1)
    written = journal.read_bytes()
    head = written.index(b'\n') + 1
    for cut in range(len(written) + 1):
        journal.write_bytes(written[:cut])
        cluster.forget()
        report, broken = load(cluster, rows, journal=journal, workers=1)
        check_report(cluster, report, rows, broken)
        lines = written[head:cut].count(b'\n') if cut > head else 0
        assert report.skipped == [0, 3, 3, 6, 8][lines], cut


def test_a_journal_of_something_else_is_named(cluster, tmp_path):
    rows, journal = documents(11), tmp_path / 'journal'
    cluster.uuid = 'made-once'
    load(cluster, rows, journal=journal)
    written = journal.read_bytes()
    client = connect(cluster.url)
    named = {'journal': journal, 'progress': False}
    for what, do in {
        'is the journal of .*, this is index': lambda: bulk_index(client, 'other', rows, batch=3, **named),
        'in batches of 4': lambda: bulk_index(client, 'x', rows, batch=4, **named),
        'the documents are not the same': lambda: load(cluster, rows[1:], journal=journal),
        'holds other ids or texts': lambda: load(
            cluster, [*rows[:1], *rows[2:3], *rows[1:]], journal=journal
        ),
        'the documents are not': lambda: load(
            cluster, [rows[0], {**rows[1], 'text': '새 글'}], journal=journal
        ),
    }.items():
        with pytest.raises(DataError, match=what):
            do()
        assert journal.read_bytes() == written
    cluster.uuid = 'made again'
    with pytest.raises(DataError, match='that was deleted'):
        load(cluster, rows, journal=journal)
    cluster.uuid = ''
    assert load(cluster, rows, journal=journal)[0].skipped == 11
    own = tmp_path / 'documents.jsonl'
    for text in ('{"id": "d0", "text": "글"}\n', 'a', '\x00' * 99, '{"index": "x", "batch": 40'):
        own.write_text(text, encoding='utf-8')
        with pytest.raises(DataError, match=r'documents.jsonl.*no journal of `bulk_index`'):
            load(cluster, rows, journal=own)
        assert own.read_text(encoding='utf-8') == text


def test_two_processes_do_not_write_one_journal(cluster, tmp_path):
    def rows():
        yield from documents(5)
        with pytest.raises(DataError, match='another process writes'):
            load(cluster, documents(5), journal=tmp_path / 'journal')
        yield {'id': 'last', 'text': '글'}

    assert load(cluster, rows(), journal=tmp_path / 'journal')[0].indexed == 6


def test_a_spoilt_journal_is_read_or_named(cluster, tmp_path):
    rows, journal = documents(11), tmp_path / 'journal'
    cluster.moves = ['well', 'refused']
    load(cluster, rows, journal=journal, workers=1)

    def read(path):
        with_journal = cluster_module._Journal(path, 'x', 3)
        try:
            for number in range(4):
                batch = rows[3 * number : 3 * number + 3]
                rest = with_journal.rest(number, batch)
                assert [row for row in batch if row in rest] == rest
        finally:
            with_journal.close()

    fine, refused = survive(read, journal.read_bytes(), journal)
    assert fine and refused


# time


@contextmanager
def trickling(head: bytes, byte: bytes = b' ', pause: float = 0.05, context: ssl.SSLContext | None = None):
    "A server that says `head`, and then a byte now and then for ever."
    listening = socket.create_server(('127.0.0.1', 0))

    def serve(sock):
        try:
            sock = context.wrap_socket(sock, server_side=True) if context else sock
            sock.recv(1 << 16)
            sock.sendall(head)
            while True:
                sock.sendall(byte)
                time.sleep(pause)
        except OSError:
            pass

    def accept():
        try:
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()
    yield f'{"https" if context else "http"}://localhost:{listening.getsockname()[1]}'
    listening.close()


@pytest.mark.parametrize(
    'head, byte',
    [
        (b'', b'H'),  # not even a status
        (b'HTTP/1.1 200 OK\r\n', b'X-A: b\r\n'),  # headers without end
        (b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"items"', b' '),
        (b'HTTP/1.1 200 OK\r\n\r\n{"items"', b' '),  # a body that ends with the connection
        (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', b'1\r\n \r\n'),
        (b'HTTP/1.1 503 Busy\r\nContent-Length: 100000\r\n\r\n', b' '),
        (b'', b'HTTP/1.1 100 Continue\r\n\r\n'),
    ],
)
def test_a_time_out_is_for_all_of_a_request(head, byte):
    with trickling(head, byte) as url:
        begin = time.monotonic()
        with pytest.raises(ClusterError, match=r'GET /: no answer at .* within the time limit.*\(2 tries\)'):
            call(connect(url, timeout=0.3), 'GET', '/', tries=2)
        assert 0.6 <= time.monotonic() - begin < 0.9


def test_a_time_out_is_for_all_of_an_encrypted_request(tmp_path, monkeypatch):
    "The greeting, what is sent and what comes."
    trustme = pytest.importorskip('trustme')
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert('localhost').configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / 'ca.pem')
    monkeypatch.setenv('OPENSEARCH_CA', str(tmp_path / 'ca.pem'))
    for body, greets in ((b'{}', context), (b'x' * (1 << 25), context), (b'{}', None)):
        with trickling(b'HTTP/1.1 200 OK\r\n\r\n{', context=greets) as url:
            begin = time.monotonic()
            with pytest.raises(ClusterError, match='within the time limit' if greets else 'no encrypted'):
                call(connect(url.replace('http:', 'https:'), timeout=0.4), 'POST', '/', body, tries=1)
            assert time.monotonic() - begin < 0.8


def test_how_long_to_wait_is_heard_within_limits(cluster, monkeypatch):
    monkeypatch.undo()
    slept = []
    monkeypatch.setattr(client_module.time, 'sleep', slept.append)
    for said, low, high in (
        ('3', 3, 3),
        ('0', 0.1, 0.5),
        ('999999', 30, 30),
        ('-5', 0.1, 0.5),
        ('soon', 0.1, 0.5),
        ('١', 0.1, 0.5),
        ('Fri, 31 Dec 2123 23:59:59 GMT', 30, 30),
        ('Thu, 01 Jan 1970 00:00:00 GMT', 0.1, 0.5),
        ('Fri, 99 Foo 2123', 0.1, 0.5),
    ):
        slept.clear()
        said = said.encode().decode('latin-1')
        monkeypatch.setitem(WHOLE, 'too many', says(429, REASON % 429, Retry_After=said))
        cluster.moves = ['too many', 'well']
        assert load(cluster, documents(3), tries=3)[0].indexed == 3
        assert len(slept) == 1 and low <= slept[0] <= high, (said, slept)
    client_module.back_off(5000)  # 2 to the power of that is no number
    assert slept[-1] <= 30


# who we are


def test_a_redirect_is_named_and_not_followed(cluster, monkeypatch):
    monkeypatch.setenv('OPENSEARCH_USER', 'operator')
    monkeypatch.setenv('OPENSEARCH_PASSWORD', 's3cret-Pass')
    with Cluster() as other:
        for status in (301, 302, 303, 307, 308):
            to = f'http://user:hidden-1@127.0.0.1:{other.server.server_port}/there?key=hidden-2#hidden-3'
            monkeypatch.setitem(WHOLE, 'elsewhere', says(status, b'', Location=to))
            cluster.moves = ['elsewhere']
            with pytest.raises(ClusterError, match=f'{status}.* sends us to {other.url}/there') as e:
                bulk_index(connect(cluster.url), 'x', documents(2), progress=False)
            assert 'hidden' not in str(e.value)
        for to in ('', '//', 'http://[', '/relative', 'http://a:b@c:d/', '\xe9'):
            monkeypatch.setitem(WHOLE, 'elsewhere', says(302, b'', Location=to))
            cluster.moves = ['elsewhere']
            with pytest.raises(ClusterError, match='sends us to'):
                bulk_index(connect(cluster.url), 'x', documents(2), progress=False)
        assert not other.requests
    assert all(headers['authorization'].startswith('Basic ') for *_, headers in cluster.requests)


def test_no_secret_is_repeated(cluster, monkeypatch, caplog):
    "Not in a message, a log or a traceback, whatever a server sends back to us."
    monkeypatch.setenv('OPENSEARCH_USER', 'operator')
    monkeypatch.setenv('OPENSEARCH_PASSWORD', 's3cret-Pass')
    logging.getLogger('opensearch').setLevel(logging.INFO)
    caplog.set_level(logging.INFO)
    echo = (
        'you sent Authorization: Basic b3BlcmF0b3I6czNjcmV0LVBhc3M= and s3cret-Pass to https://a:s3cret-2@b/'
    )
    bodies = {
        'error': json.dumps({'error': {'reason': echo}}).encode(),
        'text': echo.encode(),
        'item': json.dumps({'items': [{'index': {'_id': 'd0', 'status': 400, 'error': echo}}]}).encode(),
        'shape': json.dumps({'items': echo}).encode(),
    }
    for name, body in bodies.items():
        for status in (200, 400, 401, 429, 500):
            monkeypatch.setitem(WHOLE, 'elsewhere', says(status, body))
            cluster.moves = ['elsewhere'] * 9
            try:
                said = repr(bulk_index(connect(cluster.url), 'x', documents(1), tries=2, progress=False))
            except ClusterError as e:
                said = ''.join(traceback.format_exception(e)) + repr(e.report)
            assert not any(s in said for s in ('s3cret', 'b3BlcmF0b3I6')), (name, status, said)
    assert caplog.records and 's3cret' not in caplog.text and 'b3BlcmF0b3I6' not in caplog.text
    for url in (
        'https://operator:s3cret-Pass@localhost',
        'https://operator:s3c/ret@localhost',
        'operator:s3cret',
    ):
        with pytest.raises(DataError) as e:
            connect(url)
        assert 's3c' not in ''.join(traceback.format_exception(e.value))


# the other requests


@pytest.mark.parametrize('move', [m for m in WHOLE if m not in ('hangs up', 'too many, for an odd time')])
def test_answers_to_other_requests_are_named_too(move, cluster, monkeypatch):
    monkeypatch.setattr(cluster, 'about', lambda _: (*WHOLE[move](b'{"took": 1}', cluster), False))
    client = connect(cluster.url, timeout=5)
    for ask in (
        lambda: search(client, 'x', '혈당'),
        lambda: predict(client, 'm', ['혈당']),
        lambda: cluster_module.models(client),
        lambda: cluster_module.deploy(client, 'm', progress=False),
        lambda: cluster_module.delete_model(client, 'm'),
        lambda: explain(client, 'x', '혈당', 'd0'),
        lambda: index_bytes(client, 'x', merge=False),
        lambda: cluster_module._upload(client, type('A', (), {'meta': {}})(), False),
    ):
        with pytest.raises(ClusterError):
            ask()


@pytest.mark.parametrize(
    'hits',
    [
        None,
        [None],
        [{}],
        [{'_id': 'a'}],
        [{'_id': None, '_score': 1.0}],
        [{'_id': 'a', '_score': None}],
        [{'_id': 'a', '_score': 'NaN'}],
        [{'_id': 'a', '_score': 1.0, '_source': []}],
        [{'_id': 'a', '_score': 1.0, 'inner_hits': {}}],
        [{'_id': 'a', '_score': 1.0, 'inner_hits': {'chunks': {'hits': {'hits': [{}]}}}}],
    ],
)
def test_hits_that_are_none_are_named(hits, cluster, monkeypatch):
    said = json.dumps({'hits': {'hits': hits}}).encode()
    monkeypatch.setattr(cluster, 'about', lambda _: (200, said, {}, True, False))
    with pytest.raises(ClusterError, match='POST /x/_search: hits'):
        search(connect(cluster.url), 'x', '혈당')


@pytest.mark.parametrize(
    'said',
    [
        {},
        {'description': 7},
        {'description': 'a', 'details': [7]},
        {'description': 'weight(text:a in 1)', 'details': []},
        {'description': 'Linear function on the sparse field for the a feature, computed', 'details': [{}]},
    ],
)
def test_explanations_that_are_none_are_named(said, cluster, monkeypatch):
    said = json.dumps({'hits': {'hits': [{'_explanation': said}]}}).encode()
    monkeypatch.setattr(cluster, 'about', lambda _: (200, said, {}, True, False))
    with pytest.raises(ClusterError, match='POST /x/_search: an explanation that cannot be read'):
        explain(connect(cluster.url), 'x', '혈당', 'd0')


def test_no_file_is_left_open(cluster, tmp_path):
    before = len(list(Path('/proc/self/fd').iterdir())) if Path('/proc/self/fd').exists() else 0
    for n in range(5):
        cluster.moves = ['deep', 'half a body', 'hangs up', 'HTML']
        load(cluster, documents(5), journal=tmp_path / f'{n}')
    if before:
        assert len(list(Path('/proc/self/fd').iterdir())) < before + 60
