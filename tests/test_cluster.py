"""Three nodes on loopback: one is killed while documents come in, people search and the query model is
replaced."""

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
from korean_sparse.opensearch.node import cache, start_cluster, stop_cluster
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
    yield start_cluster(3, 'tests-cluster')
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


def rows():
    rng = np.random.default_rng(0)
    for i in range(DOCUMENTS):
        words = rng.choice(WORDS, 12, replace=False)
        yield {
            'id': f'd{i}',
            'text': ' '.join(words),
            'sparse': {
                **{w: round(float(x), 3) for w, x in zip(words, rng.uniform(0.2, 3, 12))},
                f'only{i}': 1.0,
            },
        }


def wait_for_green(client):
    return call(
        client, 'GET', '/_cluster/health?wait_for_status=green&wait_for_nodes=3&timeout=25s', tries=20
    )


def all_there(client, index):
    "Every document by its id, and what is counted."
    lost = []
    for i in range(0, DOCUMENTS, 2000):
        found = call(
            client,
            'POST',
            f'/{index}/_mget',
            {'ids': [f'd{n}' for n in range(i, i + 2000)]},
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
