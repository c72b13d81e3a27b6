"""What a query costs: ours (tokenizer and idf table) against sentence-transformers' query route on the same
folder, and against cutting it into morphemes for BM25.

python benchmarks/query.py                                   the model and the queries of the sample
python benchmarks/query.py --queries ../shared/data/retrieval/msmarco_ko --model FOLDER

Every query is timed on its own, all sides in turn in one run. `first`: the first time its words are seen;
`again`: words seen before are looked up."""

import argparse
import time
from pathlib import Path

import numpy as np

from korean_sparse.core.places import outputs_root, resolve
from korean_sparse.retrieval.query import QueryEncoder
from korean_sparse.retrieval.sets import load_retrieval
from korean_sparse.text.analysers import content_terms, get_analyzer


def micros(f, x):
    begin = time.perf_counter_ns()
    f(x)
    return (time.perf_counter_ns() - begin) / 1e3


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--model', default=str(outputs_root() / 'sample/06_export/korean-sparse-sample'))
    p.add_argument('--queries', default='data/sample/retrieval')
    p.add_argument('--rounds', type=int, default=5)
    a = p.parse_args()
    queries = list(load_retrieval(resolve(a.queries), 'dev').queries.values())
    from sentence_transformers import SparseEncoder

    theirs, by = SparseEncoder(a.model, device='cpu', trust_remote_code=True), get_analyzer('auto')
    ours = QueryEncoder.load(a.model)
    row = theirs.encode_query(queries[0], show_progress_bar=False).to_dense().numpy()
    assert np.allclose(row, ours.matrix(queries[:1]).toarray()[0], atol=1e-5), (
        'the two sides do not give the same vector'
    )
    first = [micros(ours, q) for q in queries]
    sides = {
        'again': ours,
        'morphemes': lambda q: content_terms(q, by),
        'sentence_transformers': lambda q: theirs.encode_query(q, show_progress_bar=False),
    }
    times = {name: [] for name in sides}
    for _ in range(a.rounds):
        for q in queries:
            for name, f in sides.items():
                times[name].append(micros(f, q))
    median = {'first': np.median(first), **{n: np.median(t) for n, t in times.items()}}
    print(
        (
            f'{len(queries)} queries of {np.mean([len(q) for q in queries]):.0f} characters, {a.rounds} '
            f'rounds, model {Path(a.model).name}, {len(ours.idf):,} terms; morphemes by {by.name}'
        )
    )
    for name, value in median.items():
        print(f'  {name:22} {value:9.1f} µs')
    ratio = {
        n: np.median(np.array(times[n]) / np.array(times['again']))
        for n in ('morphemes', 'sentence_transformers')
    }
    print(
        (
            f'query_us={median["again"]:.1f} query_first_us={median["first"]:.1f} '
            f'morphemes_ratio={ratio["morphemes"]:.1f} '
            f'sentence_transformers_ratio={ratio["sentence_transformers"]:.0f}'
        )
    )


if __name__ == '__main__':
    main()
