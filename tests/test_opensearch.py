"""A real node: what it is given, what it says, and what happens when it is down, slow, full or not the one it
should be."""

import json
import logging
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from proxy import Proxy
from scipy.sparse import csr_matrix, vstack
from tokenizers import Tokenizer

from korean_sparse.core.rows import DataError
from korean_sparse.encoder.made import splade
from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.encoder.start import load_start, tiny_checkpoint
from korean_sparse.opensearch.artifacts import node_tokenizer, term_keys, write_query
from korean_sparse.opensearch.client import ClusterError, call, connect
from korean_sparse.opensearch.cluster import (
    bulk_index,
    create_index,
    delete_model,
    deploy,
    drop_index,
    models,
    predict,
    register,
    search,
    undeploy,
)
from korean_sparse.opensearch.documents import run_onnx, run_script, weight_gap, write_document
from korean_sparse.opensearch.node import cache, start, stop
from korean_sparse.opensearch.refresh import live_model, refresh_from_index
from korean_sparse.opensearch.shards import encode_rows
from korean_sparse.retrieval.query import SparseIndex
from korean_sparse.runtime.model import SparseEncoder as LightEncoder

TEXTS = """당뇨병 환자는 식사 전후에 혈당을 잰다.
고혈압은 소금을 적게 먹으면 나아질 수 있다.
지진이 나면 책상 아래로 들어가 머리를 보호한다.
전세 계약이 끝나기 전에 집주인에게 알려야 한다.
근로 계약서에는 임금과 근무 시간을 적는다.
손해배상을 청구하려면 손해를 증명해야 한다.
인공지능이 번역한 문장을 사람이 고친다.
서울특별시에서 부산광역시까지 고속철도로 두 시간 반이 걸린다.
김치는 배추를 소금에 절여 고춧가루와 버무린다.
태풍이 지나간 뒤에는 끊어진 전선에 손대지 않는다.
전기차 배터리는 추운 날에 빨리 닳는다.
도서관은 월요일에 쉰다.
세종대왕은 훈민정음을 만들었다.
콩을 삶아 메주를 띄우면 된장이 된다.
임신부는 보건소에서 엽산을 받을 수 있다.
휴대전화를 잃어버리면 먼저 분실 신고를 한다.
3.5kg짜리 LG 배터리 2개를 샀다.
2024년 7월 3일에 열린 회의
ㅋㅋㅋ 진짜요?
띄어쓰기를하지않은문장도읽어야한다
反省하는 사람 人工知能
이메일 help@example.org 로 물어보세요!
①②③ ½ ㎏ ㈜한국
가
딥러닝 GPU 서버의 CUDA 버전
A patient with diabetes measures blood sugar before and after meals.
Less salt helps against high blood pressure.
Hide under a desk when an earthquake begins.
Tell the landlord before the lease ends.
A contract of employment states wages and hours.
To claim damages you have to prove the loss.
People correct what a machine has translated.
The train from Seoul to Busan takes two and a half hours.
Kimchi is made of salted cabbage and chili powder.
Do not touch broken power lines after a typhoon.
The battery of an electric car drains faster on cold days.
The library is closed on Mondays.
King Sejong made the Korean alphabet.
Fermented soy beans become doenjang.
Expectant mothers can get folic acid at the health centre.
Report a lost mobile phone first.
Two LG batteries of 3.5 kg each
a meeting held on 3 July 2024
lol, really?
awordwithoutanyspacesatall
naïve café Zürich
write to help@example.org!
(1) [2] {3} <4>
a
GPU servers and their CUDA version""".splitlines()


@pytest.fixture(scope='session')
def node():
    "A node of the tests' own; its absence is a failure."
    stop('tests')
    shutil.rmtree(cache() / 'nodes' / 'tests', ignore_errors=True)
    found = start('tests')
    yield found
    stop('tests')


@pytest.fixture(scope='session')
def client(node):
    return connect(node.url)


@pytest.fixture(scope='session')
def folder(sample_run) -> Path:
    return sample_run / '06_export' / 'korean-sparse-sample'


@pytest.fixture(scope='session')
def deployed(client, folder) -> dict[str, str]:
    return {
        kind: deploy(
            client, register(client, folder / f'opensearch/{kind}.zip', progress=False), progress=False
        )
        for kind in ('document', 'query')
    }


@pytest.fixture(scope='session')
def authority(tmp_path_factory) -> tuple[Path, ssl.SSLContext]:
    trustme = pytest.importorskip('trustme')
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert('localhost').configure_cert(context)
    path = tmp_path_factory.mktemp('ca') / 'ca.pem'
    ca.cert_pem.write_to_path(path)
    return path, context


# what it says


def test_torch_torchscript_onnx_and_the_node_say_the_same(client, deployed, folder, tmp_path):
    model = SparseEncoder.load(folder)
    texts = [*TEXTS, '혈당을 재는 방법. ' * 500, '']
    assert len(TEXTS) == 50
    with zipfile.ZipFile(folder / 'opensearch/document.zip') as z:
        z.extractall(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / 'tokenizer.json'))
    keys, want = term_keys(tokenizer), model.encode(texts)
    place = {k: i for i, k in enumerate(keys)}

    def row(said):
        return csr_matrix(
            ([*said.values()], ([0] * len(said), [place[k] for k in said])), shape=(1, len(keys))
        )

    said = vstack([row(predict(client, deployed['document'], [t])[0] if t else {}) for t in texts])
    sides = {
        'TorchScript': run_script(torch.jit.load(tmp_path / 'model.pt'), tokenizer, texts),
        'ONNX': run_onnx(folder / 'onnx/model.onnx', model, texts),
        'node': said,
    }
    assert want.nnz > 20 * len(TEXTS)  # enough weights to compare
    for name, got in sides.items():
        for n, text in enumerate(texts):
            assert weight_gap(want[n], got[n]) < 1e-4, (name, text[:40])
    assert want[-1].nnz == 0


def test_queries_are_read_as_in_python(client, deployed, folder):
    query = SparseEncoder.load(folder).query
    keys = [query.tokenizer.id_to_token(i) for i in range(len(query.idf))]
    for text in TEXTS:
        here = {keys[i]: float(query.idf[i]) for i in query(text)}
        said = predict(client, deployed['query'], [text])[0]
        assert set(said) == set(here) and all(abs(said[k] - here[k]) <= 1e-4 * here[k] for k in here), text


@pytest.mark.parametrize('kind', ['bert', 'xlm-roberta', 'modernbert'])
def test_vocabularies_of_other_kinds_keep_their_terms_apart(kind, client, tmp_path):
    "WordPiece, Unigram with word marks, byte-level BPE; tiny random masked language models, splade head."
    texts = TEXTS[:12] + TEXTS[-12:]
    model = splade(load_start(tiny_checkpoint(tmp_path / 'start', texts, kind)), max_length=64, top_k=40)
    written = [
        write_document(model, tmp_path / 'document.zip', f'{kind}-document'),
        write_query(model.tokenizer, model.query.idf, tmp_path / 'query.zip', f'{kind}-query'),
    ]
    document, query = (deploy(client, register(client, a, progress=False), progress=False) for a in written)
    keys = term_keys(node_tokenizer(model.tokenizer))
    assert len({k for k in keys if k}) == len([k for k in keys if k])
    for text, row in zip(texts, model.encode(texts)):
        said = predict(client, document, [text])[0]
        assert (
            weight_gap(
                row,
                csr_matrix(
                    ([*said.values()], ([0] * len(said), [keys.index(k) for k in said])), shape=row.shape
                ),
            )
            < 1e-4
        ), text
        assert set(predict(client, query, [text])[0]) == {keys[i] for i in model.query(text)}, text
    for m in (document, query):
        delete_model(client, m)


def test_the_same_artifact_is_uploaded_once_and_an_interrupted_upload_is_made_anew(
    client, deployed, folder, node
):
    sent = lambda seen: [p for _, p, _, _ in seen if 'upload_chunk' in p]
    with Proxy(node.url) as proxy:
        assert register(connect(proxy.url), folder / 'opensearch/query.zip', progress=False) == deployed[
            'query'
        ] and not sent(proxy.seen)
    shutil.copytree(folder / 'opensearch', other := Path(node.folder) / 'other', dirs_exist_ok=True)
    note = json.loads((other / 'document.json').read_text()) | {'name': 'interrupted'}
    (other / 'document.json').write_text(json.dumps(note))
    with (
        Proxy(
            node.url,
            fault=lambda method, path, n: (
                (400, b'{"error": "cut"}') if path.endswith('upload_chunk/0') else None
            ),
        ) as proxy,
        pytest.raises(ClusterError, match='cut'),
    ):
        register(connect(proxy.url), other / 'document.zip', progress=False)
    call(client, 'POST', '/.plugins-ml-model/_refresh')
    assert [
        m['state']
        for m in models(client, model_content_hash_value=note['sha256'])
        if m['name'] == 'interrupted'
    ] == ['REGISTERING']
    model_id = register(client, other / 'document.zip', progress=False)
    call(client, 'POST', '/.plugins-ml-model/_refresh')
    assert [
        m['id'] for m in models(client, model_content_hash_value=note['sha256']) if m['name'] == 'interrupted'
    ] == [model_id]
    deploy(client, model_id, progress=False)
    undeploy(client, model_id)
    delete_model(client, model_id)


def test_a_deployment_that_crosses_others_is_begun_again(client, deployed):
    "Eight at once, right after the model was taken out of memory: all but one conflict, and all succeed."
    model_id = deployed['query']
    for _ in range(3):
        undeploy(client, model_id)
        with ThreadPoolExecutor(8) as pool:
            assert (
                list(pool.map(lambda _: deploy(client, model_id, progress=False), range(8))) == [model_id] * 8
            )
        assert predict(client, model_id, ['지진'])[0]


def test_two_processes_make_the_same_zip(folder, tmp_path):
    code = """
import sys
from korean_sparse.opensearch.documents import write_document
from korean_sparse.encoder.model import SparseEncoder
print(write_document(SparseEncoder.load(sys.argv[1]), sys.argv[2], "m").sha256)
"""
    made = [
        subprocess.run(
            [sys.executable, '-c', code, folder, tmp_path / f'{i}.zip'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for i in range(2)
    ]
    assert made[0] == made[1]
    with zipfile.ZipFile(tmp_path / '0.zip') as z:
        assert str(ROOT).encode() not in z.read('model.pt')


# weights of the index's own documents

QUESTIONS = [
    '당뇨병 환자의 혈당',
    '지진이 나면',
    '전세 계약',
    '손해배상을 청구하는 방법',
    '김치와 배추',
    '전기차 배터리',
    '도서관 휴관일',
    '된장과 콩',
    'when is the library closed?',
    'earthquake',
]


def as_kept(rows, terms):
    "Rows with vectors as an index of the cluster keeps them, [N, V]: eight bits of a weight's fraction."
    place = {t: i for i, t in enumerate(terms)}
    kept = np.zeros((len(rows), len(place)), np.float32)
    for row, document in zip(kept, rows):
        row[[place[t] for t in document['sparse']]] = list(document['sparse'].values())
    return csr_matrix((kept.view(np.int32) >> 15 << 15).view(np.float32))


def check_scores(client, index, here):
    "Every document that a question finds has, on the node, the score that it has in Python."
    for question in QUESTIONS:
        want = {i: s for i, s in zip(here.ids, here.scores(question)) if s > 0}
        hits = search(client, index, question, k=100)
        assert {h.id for h in hits} == set(want) and hits, question
        for h in hits:
            assert h.score == pytest.approx(want[h.id], rel=1e-4), (question, h.id)


def test_the_weights_follow_the_documents_of_the_index_as_in_python(client, tmp_path):
    "On three shards; after deletions; a second run changes nothing, however often the weights were changed."
    model = LightEncoder.load()
    zipped = write_query(model.tokenizer, model.query.idf, tmp_path / 'query.zip', 'own-query')
    first = deploy(client, register(client, zipped, progress=False), progress=False)
    rows = list(encode_rows(model, [{'id': f'd{n:02}', 'text': text} for n, text in enumerate(TEXTS)]))
    create_index(client, 'own', first, shards=3)
    assert bulk_index(client, 'own', rows, encoded=True, progress=False).indexed == len(rows)
    terms = [model.tokenizer.id_to_token(i) for i in range(len(model.query.idf))]
    plain = SparseIndex([row['id'] for row in rows], as_kept(rows, terms), model.query)
    check_scores(client, 'own', plain)  # what is compared is compared rightly
    blended = plain.with_query(model.query, blended=True)
    started = time.perf_counter()
    done = refresh_from_index(client, 'own', tmp_path, grace=0)
    print(f'{done.documents} documents, {done.changed} weights: {time.perf_counter() - started:.1f} s')
    assert done.documents == len(rows) and done.now != first and done.pipelines == ['own']
    check_scores(client, 'own', blended)
    again = refresh_from_index(client, 'own', tmp_path, grace=0)
    assert (again.now, again.changed, again.pipelines) == (done.now, 0, [])

    gone = [row['id'] for row in rows[::3]]
    for i in gone:
        call(client, 'DELETE', f'/own/_doc/{i}')
    fewer = refresh_from_index(client, 'own', tmp_path, grace=0)
    assert fewer.documents == len(rows) - len(gone) and fewer.now not in (first, done.now)
    check_scores(client, 'own', blended.without(gone))
    assert bulk_index(client, 'own', rows[::3], encoded=True, progress=False).indexed == len(gone)
    assert refresh_from_index(client, 'own', tmp_path, grace=0).now == done.now == live_model(client, 'own')
    drop_index(client, 'own')
    for m in models(client):
        if m['name'] == 'own-query':
            delete_model(client, m['id'])


# what is refused before anything is sent


def test_a_wrong_artifact_is_refused_before_anything_is_sent(folder, tmp_path):
    "The faults themselves are tested in opensearch/02_artifacts and 10_documents; here nothing may reach the cluster."
    with Proxy() as proxy:
        nowhere = connect(proxy.url)
        for damage in ('cut', 'hash', 'idf'):
            shutil.copytree(folder / 'opensearch', tmp_path / damage)
            path = tmp_path / damage / 'query.zip'
            if damage == 'cut':
                path.write_bytes(path.read_bytes()[:-100])
            elif damage == 'hash':
                (tmp_path / damage / 'query.json').write_text(
                    (tmp_path / damage / 'query.json').read_text().replace('"sha256": "', '"sha256": "0')
                )
            else:
                with zipfile.ZipFile(path) as z:
                    parts = {n: z.read(n) for n in z.namelist()}
                table = json.loads(parts['idf.json'])
                table[next(iter(table))] = 0
                with zipfile.ZipFile(path, 'w') as z:
                    for n, c in {**parts, 'idf.json': json.dumps(table)}.items():
                        z.writestr(n, c)
            with pytest.raises(DataError, match='cannot be sent to OpenSearch'):
                register(nowhere, path)
        assert not proxy.seen


# a node that is down, slow or full


def test_a_cluster_that_is_busy_is_asked_again_and_then_named(node):
    with Proxy(
        node.url, fault=lambda method, path, n: (503, b'{"error": {"reason": "not yet"}}') if n < 2 else None
    ) as proxy:
        assert (
            call(connect(proxy.url), 'GET', '/_cluster/health', pause=0.01)['status'] and len(proxy.seen) == 3
        )
    for status in (429, 503):
        with (
            Proxy(
                node.url, fault=lambda method, path, n: (status, b'{"error": {"reason": "queue is full"}}')
            ) as proxy,
            pytest.raises(ClusterError) as said,
        ):
            call(connect(proxy.url), 'GET', '/_cluster/health', tries=3, pause=0.01)
        assert f'answered {status}: queue is full (3 tries)' in str(said.value) and len(proxy.seen) == 3


def test_a_slow_node_and_one_that_is_down_are_named():
    with (
        Proxy(fault=lambda method, path, n: time.sleep(2) or (200, b'{}')) as proxy,
        pytest.raises(ClusterError, match='no answer at http://localhost:[0-9]+ within the time limit'),
    ):
        call(connect(proxy.url, timeout=0.2), 'GET', '/', tries=2, pause=0.01)
    with pytest.raises(ClusterError, match='nothing answers at http://localhost:1: is it running'):
        call(connect('http://localhost:1'), 'GET', '/', tries=2, pause=0.01)


def test_documents_sent_back_by_a_full_cluster_are_sent_again():
    """The proxy answers in the node's place.

    Every second document of a first sending comes back with 429, one is refused for good."""
    arrived = []

    def fault(method, path, n):
        if '_refresh' in path:
            return 200, b'{}'
        ids = [json.loads(l)['index']['_id'] for l in proxy.seen[-1][3].decode().splitlines()[::2]]
        items = []
        for i in ids:
            if i == 'd3':
                items.append(
                    {
                        'index': {
                            '_id': i,
                            'status': 400,
                            'error': {
                                'reason': 'failed to parse',
                                'caused_by': {'reason': 'weight must be positive'},
                            },
                        }
                    }
                )
            elif n == 0 and int(i[1:]) % 2:
                items.append({'index': {'_id': i, 'status': 429, 'error': {'reason': 'rejected'}}})
            else:
                arrived.append(i)
                items.append({'index': {'_id': i, 'status': 201}})
        return 200, json.dumps({'items': items}).encode()

    with Proxy(fault=fault) as proxy:
        report = bulk_index(
            connect(proxy.url), 'x', [{'id': f'd{i}', 'text': '글'} for i in range(8)], progress=False
        )
    assert sorted(arrived) == [f'd{i}' for i in range(8) if i != 3] and report.indexed == 7
    assert report.rejected == [('d3', 'weight must be positive')]


FEED = """
import sys, time
from korean_sparse.opensearch.cluster import bulk_index
from korean_sparse.opensearch.client import connect
def rows():
    for i in range(400):
        time.sleep(.005)
        yield {"id": f"d{i}", "text": f"문서 {i}", "sparse": {"문서": 1., f"t{i}": 2.}}
client = connect(sys.argv[1])
report = bulk_index(client, "killed", rows(), encoded=True, batch=20, journal=sys.argv[2], progress=False)
print(report.indexed, report.skipped)
"""


def test_kill_9_while_indexing_and_run_again(client, deployed, node, tmp_path):
    drop_index(client, 'killed')
    create_index(client, 'killed', deployed['query'])
    journal, command = (
        tmp_path / 'journal.jsonl',
        [sys.executable, '-c', FEED, node.url, tmp_path / 'journal.jsonl'],
    )
    process = subprocess.Popen(command)
    while not journal.exists() or journal.read_text().count('done') < 4:
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    indexed, skipped = map(
        int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    )
    assert skipped >= 80 and indexed + skipped == 400
    assert call(client, 'GET', '/killed/_count')['count'] == 400
    assert [h.id for h in search(client, 'killed', tokens={'t123': 1.0})] == ['d123']
    drop_index(client, 'killed')
    create_index(client, 'killed', deployed['query'])  # of the same name, and empty
    again = subprocess.run(command, capture_output=True, text=True)
    assert 'DataError' in again.stderr and 'that was deleted' in again.stderr
    drop_index(client, 'killed')


# who we are


def test_tls_is_verified_and_a_password_is_needed(node, authority, monkeypatch, caplog):
    ca, context = authority
    caplog.set_level(logging.DEBUG)
    with Proxy(node.url, context, login='operator:s3cret-Pass') as proxy:
        monkeypatch.setenv('OPENSEARCH_URL', proxy.url)
        with pytest.raises(ClusterError, match='certificate .* could not be verified: give its authority'):
            call(connect(), 'GET', '/', tries=2, pause=0.01)
        monkeypatch.setenv('OPENSEARCH_CA', str(ca))
        monkeypatch.setenv('OPENSEARCH_USER', 'operator')
        monkeypatch.setenv('OPENSEARCH_PASSWORD', 'wrong')
        with pytest.raises(ClusterError, match='who we are was refused .*401.* check OPENSEARCH_USER'):
            call(connect(), 'GET', '/')
        monkeypatch.setenv('OPENSEARCH_PASSWORD', 's3cret-Pass')
        client = connect()
        assert call(client, 'GET', '/')['version']['number'] and 's3cret' not in repr(client)
        with pytest.raises(ClusterError):
            call(client, 'GET', '/no-such-index/_search')
    assert caplog.records and 's3cret' not in caplog.text


def test_requests_to_amazon_are_signed(monkeypatch):
    "The signature is computed again from what arrived, with botocore alone."
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    for name, value in {
        'AWS_ACCESS_KEY_ID': 'AKIDEXAMPLE',
        'AWS_SECRET_ACCESS_KEY': 'very-secret-key',
        'OPENSEARCH_AWS_REGION': 'ap-northeast-2',
    }.items():
        monkeypatch.setenv(name, value)
    with Proxy(fault=lambda method, path, n: (200, b'{}')) as proxy:
        call(connect(proxy.url), 'POST', '/articles/_search', {'query': {'match': {'text': '혈당'}}})
        method, path, headers, body = proxy.seen[0]
    sent = {k.lower(): v for k, v in headers.items()}
    assert (
        sent['authorization'].startswith('AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/')
        and '/ap-northeast-2/es/aws4_request' in sent['authorization']
    )
    signed = sent['authorization'].split('SignedHeaders=')[1].split(',')[0].split(';')
    request = AWSRequest(method, proxy.url + path, headers={k: sent[k] for k in signed}, data=body)
    request.context['timestamp'] = sent['x-amz-date']
    auth = SigV4Auth(Credentials('AKIDEXAMPLE', 'very-secret-key'), 'es', 'ap-northeast-2')
    assert sent['authorization'].endswith(
        'Signature=' + auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    )
    assert 'very-secret-key' not in str(proxy.seen)


def test_the_walk_through_runs_and_keeps_no_secret(sample_run, node, authority, tmp_path):
    ca, context = authority
    with Proxy(node.url, context, login='operator:s3cret-Pass') as proxy:
        env = {
            **os.environ,
            'OPENSEARCH_URL': proxy.url,
            'OPENSEARCH_CA': str(ca),
            'OPENSEARCH_USER': 'operator',
            'OPENSEARCH_PASSWORD': 's3cret-Pass',
        }
        done = subprocess.run(
            [
                sys.executable,
                '-m',
                'papermill',
                ROOT / 'nbs/opensearch/03_cluster.ipynb',
                tmp_path / 'out.ipynb',
                '--no-progress-bar',
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            env=env,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 's3cret' not in (tmp_path / 'out.ipynb').read_text() + done.stdout + done.stderr
    assert '혈당' in (tmp_path / 'out.ipynb').read_text()
