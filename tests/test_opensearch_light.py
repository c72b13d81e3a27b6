"""The way to a cluster with the base install and the extra `opensearch` alone: without torch, transformers,
scipy, kiwipiepy, bm25s. No node: a proxy answers in its place."""

import json
import subprocess
import sys

from conftest import ROOT
from proxy import Proxy

BLOCKED = """
import sys
blocked = 'torch transformers scipy kiwipiepy bm25s sklearn pandas matplotlib'.split()
sys.modules.update(dict.fromkeys(blocked))  # None: an import of it is an ImportError
"""

PATHS = """
import importlib
for name in 'client connection cluster passages refresh relevance shards node artifacts torchscript'.split():
    importlib.import_module(f'korean_sparse.opensearch.{name}')
"""

ARTIFACTS = """
from korean_sparse.opensearch.artifacts import describe, faults, open_artifact, open_query, write_query
from korean_sparse.runtime.model import SparseEncoder
model = SparseEncoder.load()
written = write_query(model.tokenizer, model.query.idf, sys.argv[1], 'light')
assert faults(sys.argv[1], 'query') == []
assert open_artifact(sys.argv[1]) == written
tokenizer, table = open_query(sys.argv[1])
assert tokenizer.get_vocab_size() == len(model.vocab) and table['지진'] > 0
for place in ('korean_sparse.opensearch', 'korean_sparse.opensearch.artifacts', 'korean_sparse.artifacts'):
    try:
        exec(f'from {place} import write_document')
    except ImportError as e:
        print(e)
"""

INDEXING = """
from korean_sparse.opensearch import bulk_index, connect, encode_rows
from korean_sparse.runtime.model import SparseEncoder
texts = {'a': '지진이 나면 탁자 아래로 몸을 피한다.', 'b': 'Tofu is made of soy beans.'}
rows = [{'id': i, 'text': text, 'from': 'me'} for i, text in texts.items()]
report = bulk_index(
    connect(sys.argv[1]), 'x', encode_rows(SparseEncoder.load(), rows), encoded=True, progress=False
)
print(report.indexed)
"""


def without_extras(code: str, *arguments: str) -> list[str]:
    "The lines that a program prints in a process in which nothing of the extras can be imported."
    command = [sys.executable, '-c', BLOCKED + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def test_what_is_on_the_way_to_a_cluster_can_be_imported():
    without_extras(PATHS)


def test_a_query_model_is_written_and_a_document_model_names_its_extra(tmp_path):
    said = without_extras(ARTIFACTS, tmp_path / 'query.zip')
    assert len(said) == 3
    for line in said:
        assert 'write_document' in line and 'torch' in line and "'korean_sparse[train]'" in line


def test_documents_are_encoded_here_and_sent():
    def fault(method, path, n):
        if '_refresh' in path:
            return 200, b'{}'
        ids = [json.loads(line)['index']['_id'] for line in proxy.seen[-1][3].decode().splitlines()[::2]]
        return 200, json.dumps({'items': [{'index': {'_id': i, 'status': 201}} for i in ids]}).encode()

    with Proxy(fault=fault) as proxy:
        assert without_extras(INDEXING, proxy.url) == ['2']
    [body] = [content for method, path, _, content in proxy.seen if '_bulk' in path]
    sent = [json.loads(line) for line in body.decode().splitlines()[1::2]]
    assert [row['from'] for row in sent] == ['me', 'me'] and '지진' not in sent[1]['sparse']
    assert {'지진', 'earthquake'} <= set(sent[0]['sparse'])
