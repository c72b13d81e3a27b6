"""Search in OpenSearch: the sparse model against BM25 (nori) in one node, the same documents, the same
queries; what pruning, two-phase and hybrid search cost and bring; documents indexed a second.

    python benchmarks/opensearch_search.py --data ../shared/data --checkpoint
    outputs/cpu/04_pretraining/checkpoint --states outputs/cpu/states --small
    outputs/sample/04_pretraining/checkpoint --dense

The documents of all sets in one index, the queries of their dev splits. One node of its own (heap `--heap`),
indices of one segment, warmed up; latencies are what a client on the same machine sees, over kept-alive
connections, ways alternating in rounds. `query_tokens`: the client's own query encoder makes the terms, the
node only searches.
`--rows` keeps the encoded documents (`--states`: hidden states kept by a training run, see
training/06_states), `--vectors` the dense ones. The last line holds the figures."""

import argparse
import contextlib
import http.client
import json
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import torch
import torch.nn.functional as F
from scipy.sparse import load_npz, save_npz

from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.opensearch.artifacts import node_tokenizer, term_keys, write_query
from korean_sparse.opensearch.client import call, connect
from korean_sparse.opensearch.cluster import (
    as_terms,
    bulk_index,
    create_index,
    deploy,
    drop_index,
    query_body,
    register,
    set_pipeline,
)
from korean_sparse.opensearch.documents import write_document
from korean_sparse.opensearch.node import cache, start, stop
from korean_sparse.opensearch.relevance import index_bytes, prune_terms
from korean_sparse.retrieval.query import SparseIndex
from korean_sparse.retrieval.sets import RetrievalSet, averages, load_retrieval, measure
from korean_sparse.training.states import remembered


def joined(folder: Path, names: list[str]) -> RetrievalSet:
    "Several sets as one; ids begin with the set's name."
    corpus, queries, qrels = {}, {}, {}
    for n in names:
        rs = load_retrieval(folder / n, 'dev')
        corpus |= {f'{n}.{i}': t for i, t in rs.corpus.items()}
        queries |= {f'{n}.{q}': t for q, t in rs.queries.items()}
        qrels |= {f'{n}.{q}': {f'{n}.{d}': s for d, s in docs.items()} for q, docs in rs.qrels.items()}
    return RetrievalSet('+'.join(names), corpus, queries, qrels)


class Asker:
    "Sends prepared searches over connections that stay open, and says how long each took (ms)."

    def __init__(self, url: str):
        self.at = urlsplit(url)

    def one(self, connection: http.client.HTTPConnection, path: str, body: bytes) -> bytes:
        connection.request('POST', path, body, {'Content-Type': 'application/json'})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f'{path}: {answer.status} {said[:300]!r}')
        return said

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=60)

    def times(self, path: str, bodies: list[bytes], clients: int) -> list[float]:
        found, todo, failed = [], iter(bodies), []
        lock = threading.Lock()

        def work():
            connection = self.open()
            try:
                while True:
                    with lock:
                        body = next(todo, None)
                    if body is None:
                        return
                    begin = time.perf_counter()
                    self.one(connection, path, body)
                    found.append((time.perf_counter() - begin) * 1e3)
            except Exception as e:
                failed.append(e)

        threads = [threading.Thread(target=work) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if failed:
            raise failed[0]
        return found

    def run(self, path: str, queries: dict[str, bytes], clients: int = 4) -> dict[str, dict[str, float]]:
        def part(names):
            connection = self.open()
            return {
                q: {
                    h['_id']: h['_score']
                    for h in json.loads(self.one(connection, path, queries[q]))['hits']['hits']
                }
                for q in names
            }

        with ThreadPoolExecutor(clients) as pool:
            return {
                q: found
                for some in pool.map(part, [list(queries)[i::clients] for i in range(clients)])
                for q, found in some.items()
            }


def bodies(
    rs: RetrievalSet, way: str, tokens: dict | None = None, vectors: dict | None = None, k: int = 10
) -> dict[str, bytes]:
    "A prepared search for each query."

    def query(q, text):
        if vectors is not None:
            return {'knn': {'vector': {'vector': vectors[q], 'k': k}}}
        return query_body(tokens=tokens[q]) if tokens else query_body(text, way=way)

    return {
        q: json.dumps({'query': query(q, t), 'size': k, '_source': False, 'track_total_hits': False}).encode()
        for q, t in rs.queries.items()
    }


def index_name(kind: str, ratio: float) -> str:
    return f'sparse-{kind}-{ratio}' if ratio else 'sparse'


def ndcg(rs: RetrievalSet, run: dict) -> float:
    return averages(measure(rs.qrels, run, ('nDCG@10',)))['nDCG@10']


def encoded(a: argparse.Namespace, rs: RetrievalSet, model: SparseEncoder):
    "Rows of all documents, kept in `--rows`."
    if not a.rows.exists():
        a.rows.parent.mkdir(parents=True, exist_ok=True)
        with remembered(model, a.states, bf16=True) if a.states else contextlib.nullcontext():
            save_npz(a.rows, model.encode(list(rs.corpus.values()), batch_size=64, progress=True, bf16=True))
    return load_npz(a.rows)


def fill(client, index: str, rs: RetrievalSet, extra, workers: int = 2) -> float:
    "Send all documents with their `extra(n)` fields; documents a second."
    rows = ({'id': i, 'text': t, **extra(n)} for n, (i, t) in enumerate(rs.corpus.items()))
    report = bulk_index(client, index, rows, encoded=True, batch=250, workers=workers, progress=False)
    assert not report.rejected and report.indexed == len(rs.corpus), report.rejected[:3]
    return report.indexed / report.seconds


def settled_bytes(client, index: str) -> int:
    """Bytes of an index as one segment, without what is kept for recovery only: the whole source of documents
    of which `_source` leaves fields out stays until the shard's lease has moved on (every 30 s) and a merge
    comes after."""
    call(client, 'POST', f'/{index}/_flush', params={'force': 'true', 'wait_if_ongoing': 'true'})
    time.sleep(35)
    return index_bytes(client, index)


def ingestion(
    a, client, rs: RetrievalSet, model: SparseEncoder, query_model: str, tmp: Path
) -> dict[str, float]:
    """Documents a second through the node's pipeline and encoded outside, for the checkpoint and for a
    smaller model."""
    some = RetrievalSet(
        'some', dict(list(rs.corpus.items())[:: max(1, len(rs.corpus) // a.ingest)][: a.ingest]), {}, {}
    )
    found = {}
    for name, m in (('large', model), *((('small', SparseEncoder.load(a.small)),) if a.small else ())):
        begin = time.time()
        m.encode(list(some.corpus.values()), batch_size=32)
        found[f'{name}_outside'] = len(some.corpus) / (time.time() - begin)
        document = deploy(
            client,
            register(client, write_document(m, tmp / f'{name}.zip', f'benchmark-{name}'), progress=False),
            progress=False,
        )
        create_index(client, 'inside', query_model, document)
        report = bulk_index(
            client,
            'inside',
            ({'id': i, 'text': t} for i, t in some.corpus.items()),
            batch=20,
            workers=2,
            progress=False,
        )
        assert not report.rejected, report.rejected[:2]
        found[f'{name}_inside'] = report.indexed / report.seconds
        drop_index(client, 'inside')
        call(client, 'POST', f'/_plugins/_ml/models/{document}/_undeploy')
        print(
            (
                f'{name} model: {found[f"{name}_inside"]:.1f} documents/s through the pipeline in the '
                f'node, {found[f"{name}_outside"]:.1f} encoded outside'
            ),
            flush=True,
        )
    return found


def latencies(
    asker: Asker, ways: dict[str, tuple[str, dict]], a
) -> dict[tuple[str, int], tuple[float, float]]:
    "(way, clients) -> p50, p99 in ms, over rounds in which the ways alternate."
    order = np.random.default_rng(0)
    names = list(next(iter(ways.values()))[1])
    for path, queries in ways.values():
        asker.times(path, [queries[q] for q in order.permutation(names)[: a.warm]], 4)
    found: dict[tuple[str, int], list[float]] = {}
    for clients in a.clients:
        for _ in range(a.rounds):
            asked = order.permutation(names)[: a.queries]
            for name, (path, queries) in ways.items():
                found.setdefault((name, clients), []).extend(
                    asker.times(path, [queries[q] for q in asked], clients)
                )
    return {k: (float(np.percentile(v, 50)), float(np.percentile(v, 99))) for k, v in found.items()}


def pooled(model: SparseEncoder, texts: list[str], bf16: bool = True, batch: int = 64) -> np.ndarray:
    "Unit mean-pooled embeddings by the model's own encoder, [N, D]: what the anchored head expands from."
    out, order = (
        np.zeros((len(texts), model.backbone.config.hidden_size), dtype=np.float32),
        sorted(range(len(texts)), key=lambda i: len(texts[i])),
    )
    for n in range(0, len(order), batch):
        ids, mask = model.tokenize([texts[i] for i in order[n : n + batch]])
        with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16):
            hidden = model.hidden(ids, mask).float()
        out[order[n : n + batch]] = F.normalize(
            (hidden * mask.unsqueeze(2)).sum(1) / mask.sum(1, keepdim=True).clamp_min(1), dim=1
        ).numpy()
    return out


def dense(a, client, rs: RetrievalSet, model: SparseEncoder) -> dict:
    "An HNSW index of dense vectors; the queries' vectors, and what encoding one costs."
    if not a.vectors.exists():
        with remembered(model, a.states, bf16=True) if a.states else contextlib.nullcontext():
            documents = pooled(model, list(rs.corpus.values()))
        np.savez(a.vectors, documents=documents, queries=pooled(model, list(rs.queries.values())))
    v = np.load(a.vectors)
    some, begin = list(rs.queries.values())[:200], time.perf_counter()
    for t in some:
        pooled(model, [t], bf16=False)
    ms = (time.perf_counter() - begin) / len(some) * 1e3
    vector = {
        'type': 'knn_vector',
        'dimension': v['documents'].shape[1],
        'method': {'name': 'hnsw', 'engine': 'lucene', 'space_type': 'innerproduct'},
    }
    call(
        client,
        'PUT',
        '/dense',
        {
            'settings': {'index': {'knn': True, 'number_of_shards': 1, 'number_of_replicas': 0}},
            'mappings': {
                '_source': {'excludes': ['vector']},
                'properties': {'text': {'type': 'text', 'index': False}, 'vector': vector},
            },
        },
    )
    rate = fill(client, 'dense', rs, lambda n: {'vector': v['documents'][n].round(5).tolist()})
    exact = v['queries'] @ v['documents'].T
    ids, best = list(rs.corpus), np.argsort(-exact, axis=1)[:, :10]
    score = ndcg(rs, {q: {ids[j]: float(exact[n, j]) for j in best[n]} for n, q in enumerate(rs.queries)})
    begin = time.perf_counter()
    for n in range(300):
        np.argpartition(-(v['documents'] @ v['queries'][n]), 10)
    return {
        'vectors': {q: x.round(5).tolist() for q, x in zip(rs.queries, v['queries'])},
        'rate': rate,
        'encode_ms': ms,
        'exact': score,
        'exact_ms': (time.perf_counter() - begin) / 300 * 1e3,
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, default=Path('../shared/data'))
    p.add_argument('--checkpoint', type=Path, default=Path('outputs/cpu/04_pretraining/checkpoint'))
    p.add_argument('--sets', default='welfare msmarco_ko boolq msdocs')
    p.add_argument('--states', type=Path)
    p.add_argument('--rows', type=Path, default=Path('outputs/bench/rows.npz'))
    p.add_argument('--small', type=Path, help='a smaller checkpoint, whose ingestion is measured too')
    p.add_argument(
        '--dense', action='store_true', help="dense search beside it: the encoder's mean-pooled vectors"
    )
    p.add_argument(
        '--vectors', type=Path, default=Path('outputs/bench/vectors.npz'), help='where they are kept'
    )
    p.add_argument(
        '--prune',
        nargs='*',
        default=(
            'max_ratio:.1 max_ratio:.15 max_ratio:.2 max_ratio:.3 alpha_mass:.95 alpha_mass:.9 '
            'alpha_mass:.85 alpha_mass:.8'
        ).split(),
        help='prune_type:prune_ratio',
    )
    p.add_argument('--heap', default='1g')
    p.add_argument('--clients', type=int, nargs='*', default=[1, 8])
    p.add_argument('--queries', type=int, default=300, help='of a way in a round')
    p.add_argument('--rounds', type=int, default=4)
    p.add_argument('--warm', type=int, default=1500, help='searches of a way before anything is timed')
    p.add_argument(
        '--ingest', type=int, default=150, help='documents for the rate of the pipeline; 0: not measured'
    )
    a = p.parse_args()
    rs, model, tmp = (
        joined(a.data / 'retrieval', a.sets.split()),
        SparseEncoder.load(a.checkpoint),
        Path(tempfile.mkdtemp()),
    )
    rows, keys = encoded(a, rs, model), term_keys(node_tokenizer(model.tokenizer))
    stop('benchmark')
    shutil.rmtree(cache() / 'nodes' / 'benchmark', ignore_errors=True)
    node = start('benchmark', heap=a.heap)
    client, asker = connect(node.url, timeout=300), Asker(node.url)
    query_model = deploy(
        client,
        register(
            client,
            write_query(model.tokenizer, model.query.idf, tmp / 'query.zip', 'benchmark-query'),
            progress=False,
        ),
        progress=False,
    )
    print(
        f'{len(rs.corpus)} documents of {np.diff(rows.indptr).mean():.1f} terms, {len(rs.queries)} queries',
        flush=True,
    )
    figures = {'documents': len(rs.corpus), 'queries': len(rs.queries)}

    create_index(client, 'bm25', query_model)
    figures['bm25_docs_s'] = fill(client, 'bm25', rs, lambda n: {})
    base = settled_bytes(client, 'bm25')
    exact = ndcg(rs, SparseIndex(list(rs.corpus), rows, model.query).search(rs.queries, 10))
    plain = bodies(rs, 'sparse')
    bm25_score = ndcg(rs, asker.run('/bm25/_search', bodies(rs, 'bm25')))
    print(
        (
            f'{"index":24}{"terms":>8}{"MB":>8}{"x BM25":>8}{"nDCG@10":>9}{"loss":>8}\n'
            f'{"BM25 only":24}{"":8}{base / 1e6:8.1f}{1:8.2f}{bm25_score:9.4f}'
        ),
        flush=True,
    )
    full, cuts = None, [('max_ratio', 0.0), *((c.split(':')[0], float(c.split(':')[1])) for c in a.prune)]
    for kind, ratio in cuts:
        name, terms = index_name(kind, ratio), []

        def vector(n):
            t = prune_terms(as_terms(rows[n], keys), ratio, kind)
            terms.append(len(t))
            return {'sparse': t}

        create_index(client, name, query_model)
        rate = fill(client, name, rs, vector)
        size, score = settled_bytes(client, name), ndcg(rs, asker.run(f'/{name}/_search', plain))
        if full is None:
            full = score
            figures |= {'outside_docs_s': rate, 'cluster_ndcg': score, 'process_ndcg': exact}
        print(
            f'{name:24}{np.mean(terms):8.1f}{size / 1e6:8.1f}{size / base:8.2f}{score:9.4f}{1 - score / full:8.2%}',
            flush=True,
        )
        figures |= {f'bytes_{name}': size / base, f'ndcg_{name}': score}
    best = min(
        (c for c in cuts if figures[f'ndcg_{index_name(*c)}'] >= 0.99 * full),
        key=lambda c: figures[f'bytes_{index_name(*c)}'],
    )  # the smallest that loses at most 1 %
    create_index(client, 'alone', query_model, analyzer='')
    fill(client, 'alone', rs, lambda n: {'sparse': prune_terms(as_terms(rows[n], keys), best[1], best[0])})
    figures |= {'best': index_name(*best), 'alone_bytes': settled_bytes(client, 'alone') / base}
    print(
        f'without BM25 beside it, {index_name(*best)}: {figures["alone_bytes"]:.2f} x the index of BM25 only'
    )
    print(
        (
            f'in process, exact: nDCG@10 {exact:.4f}; sent {figures["outside_docs_s"]:.0f} documents/s '
            f'with vectors, {figures["bm25_docs_s"]:.0f} without'
        ),
        flush=True,
    )

    set_pipeline(client, 'two-phase', query_model, two_phase=True)
    tokens = {q: {keys[i]: float(model.query.idf[i]) for i in model.query(t)} for q, t in rs.queries.items()}
    index = '/sparse/_search'
    ways = {
        'BM25 (nori)': ('/bm25/_search', bodies(rs, 'bm25')),
        'neural_sparse': (index, plain),
        'two-phase': (f'{index}?search_pipeline=two-phase', plain),
        'query_tokens': (index, bodies(rs, '', tokens=tokens)),
        'hybrid': (index, bodies(rs, 'bm25+sparse')),
    }
    if best != cuts[0]:
        ways |= {
            index_name(*best): (f'/{index_name(*best)}/_search', plain),
            f'{index_name(*best)}, two-phase': (
                f'/{index_name(*best)}/_search?search_pipeline=two-phase',
                plain,
            ),
            f'{index_name(*best)}, query_tokens': (
                f'/{index_name(*best)}/_search',
                bodies(rs, '', tokens=tokens),
            ),
        }
    if a.dense:
        d, size = dense(a, client, rs, model), settled_bytes(client, 'dense')
        ways['dense k-NN'] = ('/dense/_search', bodies(rs, '', vectors=d['vectors']))
        print(
            (
                f'dense k-NN: {size / 1e6:.1f} MB, sent {d["rate"]:.0f} documents/s, encoding a query '
                f'{d["encode_ms"]:.1f} ms beside the search; in process, exact: nDCG@10 {d["exact"]:.4f}, '
                f'{d["exact_ms"]:.2f} ms'
            ),
            flush=True,
        )
        figures |= {
            'dense_bytes': size / base,
            'dense_encode_ms': d['encode_ms'],
            'dense_exact_ndcg': d['exact'],
            'dense_exact_ms': d['exact_ms'],
        }
    known = {('/bm25/_search', True): bm25_score} | {
        (f'/{index_name(*c)}/_search', False): figures[f'ndcg_{index_name(*c)}'] for c in cuts
    }
    scores = {
        name: known.get((path, name.startswith('BM25')))
        if queries is plain or name.startswith('BM25')
        else None
        for name, (path, queries) in ways.items()
    }
    scores = {name: ndcg(rs, asker.run(*ways[name])) if s is None else s for name, s in scores.items()}
    for w in (0.1, 0.5):
        set_pipeline(client, 'weighed', query_model, weights=(w, 1 - w))
        figures[f'hybrid_ndcg_{w}'] = ndcg(
            rs, asker.run(f'{index}?search_pipeline=weighed', ways['hybrid'][1])
        )
    print(
        (
            f'hybrid nDCG@10 by the weight of BM25: .1 {figures["hybrid_ndcg_0.1"]:.4f}, .3 (the default) '
            f'{scores["hybrid"]:.4f}, .5 {figures["hybrid_ndcg_0.5"]:.4f}'
        ),
        flush=True,
    )
    found = latencies(asker, ways, a)
    print(
        f'{"way":28}{"nDCG@10":>9}'
        + ''.join(
            f'{f"{c} client{chr(115) * (c > 1)}: p50":>18}{"p99 ms":>9}{"x BM25":>14}' for c in a.clients
        )
    )
    for name in ways:
        line = f'{name:28}{scores[name]:9.4f}'
        for c in a.clients:
            (p50, p99), (b50, b99) = found[name, c], found['BM25 (nori)', c]
            line += f'{p50:18.2f}{p99:9.2f}{f"{p50 / b50:.2f} / {p99 / b99:.2f}":>14}'
        print(line, flush=True)
        figures |= {
            f'{name.replace(" ", "_").replace(",", "")}_{what}_{c}': v
            for c in a.clients
            for what, v in zip(('p50', 'p99'), found[name, c])
        }
    if a.ingest:
        figures |= ingestion(a, client, rs, model, query_model, tmp)
    stop('benchmark')
    shutil.rmtree(cache() / 'nodes' / 'benchmark')
    shutil.rmtree(tmp)
    print(' '.join(f'{k}={v:.4g}' if isinstance(v, float) else f'{k}={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
