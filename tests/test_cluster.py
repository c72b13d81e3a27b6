"""Three nodes on loopback: one is killed while documents come in, people search and the query model is
replaced; all are restarted in turn; their disks are full."""

import itertools
import json
import shutil
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from korean_sparse.opensearch.artifacts import write_query
from korean_sparse.opensearch.client import ClusterError, call, connect
from korean_sparse.opensearch.cluster import bulk_index, create_index, deploy, drop_index, register, search
from korean_sparse.opensearch.node import cache, running, start_cluster, stop_cluster
from korean_sparse.opensearch.refresh import live_model, refresh_query
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vocabulary import train_vocabulary

DOCUMENTS = 20_000
WORDS = (
    '혈당 당뇨병 환자 치료 식사 운동 지진 대피 책상 머리 두부 콩 된장 발효 전세 계약 집주인 보증금 태풍 창문 '
    '독감 접종 가을 어린이 도서관 월요일 김치 배추 소금 고춧가루'
).split()


@pytest.fixture(scope='module')
def nodes():
    "A cluster of the tests' own; its absence is a failure."
    stop_cluster('tests-cluster')
    for p in (cache() / 'nodes').glob('tests-cluster-*'):
        shutil.rmtree(p)
    started = start_cluster(3, 'tests-cluster')
    # how often a cluster looks at its disks; what is set now holds when the last test needs it
    interval = {'persistent': {'cluster.info.update.interval': '10s'}}
    call(connect(started[0].url), 'PUT', '/_cluster/settings', interval)
    yield started
    stop_cluster('tests-cluster')
    for p in (cache() / 'nodes').glob('tests-cluster-*'):
        shutil.rmtree(p)


@pytest.fixture(scope='module')
def client(nodes):
    return connect(','.join(n.url for n in nodes), timeout=30)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('query')
    vocab = train_vocabulary(
        [' '.join(WORDS[i:] + WORDS[:i]) for i in range(len(WORDS))], get_analyzer('kiwi'), size=300
    )
    write_query(
        vocab.tokenizer, np.full(len(vocab), 2.0, dtype=np.float32), folder / 'query.zip', 'cluster-query'
    )
    return folder


@pytest.fixture(scope='module')
def model(client, folder):
    return deploy(client, register(client, folder / 'query.zip', progress=False), progress=False)


class Searchers:
    "Threads that search without a pause and write down when, how long, and what came."

    def __init__(self, ask, threads=2):
        self.ask, self.threads, self.going, self.seen = ask, threads, threading.Event(), []

    def _run(self):
        while self.going.is_set():
            begin = time.time()
            try:
                said = self.ask()
            except ClusterError as e:
                said = e
            self.seen.append((begin, time.time() - begin, said))

    def __enter__(self):
        self.going.set()
        self.pool = ThreadPoolExecutor(self.threads)
        for _ in range(self.threads):
            self.pool.submit(self._run)
        return self

    def __exit__(self, *args):
        self.going.clear()
        self.pool.shutdown()


def rows(numbers=range(DOCUMENTS)):
    rng = np.random.default_rng(0)
    for i in numbers:
        words = rng.choice(WORDS, 12, replace=False)
        yield {
            'id': f'd{i}',
            'text': ' '.join(words),
            'sparse': {
                **{w: round(float(x), 3) for w, x in zip(words, rng.uniform(0.2, 3, 12))},
                f'only{i}': 1.0,
            },
        }


def wait_for_green(client, wait=120):
    "Until every shard has its copy; says which have none if that takes more than `wait` seconds."
    end = time.time() + wait
    while True:
        try:
            health = '/_cluster/health?wait_for_status=green&wait_for_nodes=3&timeout=25s'
            return call(client, 'GET', health, tries=20)
        except ClusterError as e:  # 408: not yet
            if ' 408' not in str(e) or time.time() > end:
                shards = call(client, 'GET', '/_cat/shards', params={'format': 'json'})
                raise AssertionError([s for s in shards if s['state'] != 'STARTED']) from e


def all_there(client, index, documents=DOCUMENTS):
    "Every document by its id, and what is counted."
    lost = []
    for i in range(0, documents, 2000):
        found = call(
            client,
            'POST',
            f'/{index}/_mget',
            {'ids': [f'd{n}' for n in range(i, min(i + 2000, documents))]},
            params={'_source': 'false'},
        )
        lost += [d['_id'] for d in found['docs'] if not d.get('found')]
    return lost, call(client, 'GET', f'/{index}/_count')['count']


@pytest.mark.parametrize('victim', ['manager', 'other'])
def test_kill_9_of_a_node_while_indexing_loses_no_acknowledged_document_and_no_search(
    victim, nodes, client, model, tmp_path
):
    nodes = start_cluster(3, 'tests-cluster')  # whoever an earlier test killed comes back
    wait_for_green(client)
    index, journal = f'killed-{victim}', tmp_path / 'journal.jsonl'
    create_index(client, index, model, shards=3, replicas=1)
    wait_for_green(client)
    manager = call(client, 'GET', '/_cat/cluster_manager', params={'format': 'json'})[0]['node']
    dying = next(n for n in nodes if (n.name == manager) == (victim == 'manager'))
    acknowledged = lambda: journal.read_text().count('"done"') * 200 if journal.exists() else 0
    with (
        ThreadPoolExecutor(1) as pool,
        Searchers(lambda: len(search(client, index, '당뇨병 환자의 혈당'))) as model_side,
        Searchers(lambda: len(search(client, index, '당뇨병 혈당', way='bm25')), 1) as bm25_side,
    ):
        done = pool.submit(
            bulk_index,
            client,
            index,
            rows(),
            encoded=True,
            batch=200,
            workers=3,
            journal=journal,
            tries=12,
            progress=False,
        )
        while acknowledged() < 5000:
            assert not done.done()
            time.sleep(0.02)
        dying.stop(kill=True)
        died = time.time()
        before = acknowledged()
        report = done.result(timeout=400)
        ended = time.time()
    assert not dying.alive and 5000 <= before < DOCUMENTS, 'the node died while documents came in'
    assert (report.indexed, report.rejected) == (DOCUMENTS, [])
    assert all_there(client, index) == ([], DOCUMENTS)
    for n in (0, 4999, before, DOCUMENTS - 1):
        assert [h.id for h in search(client, index, tokens={f'only{n}': 1.0})] == [f'd{n}']
    for side in (model_side.seen, bm25_side.seen):
        errors = [s for _, _, s in side if isinstance(s, ClusterError)]
        after = [(b, d) for b, d, s in side if b + d > died]
        assert not errors, errors[:3]
        longest = max(d for _, d in after)
        assert len(after) > 20 and longest < 30, (len(after), longest)
        print(
            f'{victim}: {len(side)} searches, {len(after)} answered after the node died, '
            f'the longest took {longest:.2f} s; '
            f'{DOCUMENTS - before} documents to go took {ended - died:.1f} s'
        )
    again = start_cluster(3, 'tests-cluster')
    assert next(n for n in again if n.name == dying.name).alive
    wait_for_green(client)
    assert all_there(client, index) == ([], DOCUMENTS)
    drop_index(client, index)


def test_a_model_is_replaced_on_all_nodes_and_no_search_is_lost(nodes, client, model, folder):
    start_cluster(3, 'tests-cluster')
    wait_for_green(client)
    create_index(client, 'replaced', model, shards=2, replicas=1)
    bulk_index(
        client,
        'replaced',
        [
            {'id': 'sick', 'text': '혈당 환자', 'sparse': {'혈당': 1.0}},
            {'id': 'shaken', 'text': '지진', 'sparse': {'지진': 1.0}},
        ],
        encoded=True,
        progress=False,
    )
    with zipfile.ZipFile(folder / 'query.zip') as z:
        calm = json.loads(z.read('idf.json'))
    shaken = calm | {'지진': 9.0}

    def ask():
        return tuple((h.id, round(h.score)) for h in search(client, 'replaced', '혈당 지진'))

    with Searchers(ask, 4) as side:
        for table in (shaken, calm, shaken):
            assert refresh_query(client, 'replaced', folder, table, grace=2.0).pipelines == ['replaced']
    wanted = {(('shaken', 9), ('sick', 2)), (('shaken', 2), ('sick', 2)), (('sick', 2), ('shaken', 2))}
    assert {s for _, _, s in side.seen} <= wanted and len({s for _, _, s in side.seen}) >= 2, {
        str(s) for _, _, s in side.seen
    }
    print(f'{len(side.seen)} searches while the model was replaced three times')
    live = live_model(client, 'replaced')
    for wrong in (shaken | {'지진': 0}, shaken | {'모르는말': 1.0}, {'other': 1.0}):
        with pytest.raises(ValueError):
            refresh_query(client, 'replaced', folder, wrong)
    assert live_model(client, 'replaced') == live and ask() == (('shaken', 9), ('sick', 2))
    drop_index(client, 'replaced')


def test_a_rolling_restart_loses_no_acknowledged_document_and_no_search(nodes, client, model, tmp_path):
    "Each node in turn is stopped and started, as for an update, while documents come in and people search."
    nodes = start_cluster(3, 'tests-cluster')
    create_index(client, 'rolling', model, shards=3, replicas=1)
    wait_for_green(client)
    begin, over = time.time(), threading.Event()

    def steadily():
        for n in itertools.count():
            if over.is_set():
                return
            time.sleep(0.01)
            yield n

    with (
        ThreadPoolExecutor(1) as pool,
        Searchers(lambda: len(search(client, 'rolling', '당뇨병 환자의 혈당', tries=12)), 1) as model_side,
        Searchers(lambda: len(search(client, 'rolling', '당뇨병 혈당', way='bm25')), 1) as bm25_side,
    ):
        named = {
            'encoded': True,
            'batch': 100,
            'journal': tmp_path / 'journal',
            'tries': 12,
            'progress': False,
        }
        done = pool.submit(bulk_index, client, 'rolling', rows(steadily()), **named)
        try:
            for node in nodes:
                running(node.name).stop()
                start_cluster(3, 'tests-cluster')
                deploy(client, model, progress=False)  # a node that is started has forgotten its models
                wait_for_green(client)
                assert not done.done(), done.exception()
        finally:
            over.set()
        report = done.result(timeout=120)
    assert report.rejected == report.unknown == [] and report.indexed > 500
    assert all_there(client, 'rolling', report.indexed) == ([], report.indexed)
    for side in (model_side.seen, bm25_side.seen):
        assert not [s for _, _, s in side if isinstance(s, ClusterError)][:3]
        print(f'{len(side)} searches, the longest took {max(d for _, d, _ in side):.2f} s')
    print(f'{report.indexed} documents came in during a rolling restart of {time.time() - begin:.0f} s')
    drop_index(client, 'rolling')


DISK = 'cluster.routing.allocation.disk'


def set_disk(client, **values):
    "Settings of the cluster about its disks; None takes one back."
    names = {'enabled': f'{DISK}.threshold_enabled'}
    names |= {level: f'{DISK}.watermark.{level}' for level in ('low', 'high', 'flood_stage')}
    settings = {names[n]: v for n, v in values.items()} | {'cluster.blocks.create_index': None}
    call(client, 'PUT', '/_cluster/settings', {'persistent': settings})


def test_a_full_disk_is_reported_and_the_next_run_loads_what_was_refused(nodes, client, model, tmp_path):
    """Watermarks that no disk reaches: to the cluster all disks are full, and its indices take no documents.

    Some documents are there before, those of the second half are refused, and the third run loads them."""
    start_cluster(3, 'tests-cluster')
    create_index(client, 'full', model, shards=2, replicas=1)
    wait_for_green(client)
    journal, some = tmp_path / 'journal', list(rows(range(1000)))
    named = {'encoded': True, 'batch': 100, 'journal': journal, 'progress': False}
    assert bulk_index(client, 'full', some[:500], **named).indexed == 500

    def is_blocked():
        settings = call(client, 'GET', '/full/_settings')['full']['settings']['index']
        return settings.get('blocks', {}).get('read_only_allow_delete') == 'true'

    try:
        set_disk(client, enabled=True, low='900tb', high='800tb', flood_stage='700tb')
        end = time.time() + 60
        while not is_blocked():
            assert time.time() < end, 'the cluster did not notice that its disks are full'
            time.sleep(0.2)
        begin = time.time()
        report = bulk_index(client, 'full', some, **named)
        assert (report.indexed, report.skipped, report.unknown) == (0, 500, [])
        assert {i for i, _ in report.rejected} == {f'd{n}' for n in range(500, 1000)}
        assert all('make room' in reason and 'flood-stage' in reason for _, reason in report.rejected)
        assert time.time() - begin < 20, 'a full disk is asked once'
        assert len(search(client, 'full', '혈당')) == 10  # people search as before
    finally:
        set_disk(client, enabled=None, low=None, high=None, flood_stage=None)
        call(client, 'PUT', '/_all/_settings', {'index.blocks.read_only_allow_delete': None})
    report = bulk_index(client, 'full', some, **named)
    assert (report.indexed, report.skipped, report.rejected) == (500, 500, [])
    assert all_there(client, 'full', 1000) == ([], 1000)
    drop_index(client, 'full')
