"""The model in the box by onnxruntime (what `Search` uses) against the same by PyTorch in float32: documents
a second, the rows, and the ranking on retrieval sets.

Speed: the same texts of about 80 and 400 tokens, both sides alternating in one process, the median of the
ratios of neighbouring runs. Ranking: each set of `--sets` (BEIR folders; A:B are the queries and qrels of A
on the documents of B): the judged documents of `--queries` and others up to `--documents`, and all queries
whose judged documents are among them.

python benchmarks/encode_box.py                                   speed alone (three minutes on two cores)
python benchmarks/encode_box.py --sets data/sample/retrieval      and the ranking
"""

import argparse
import json
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from korean_sparse.core.matrices import SparseRows
from korean_sparse.encoder import SparseEncoder as Trainable
from korean_sparse.retrieval import SparseIndex, averages, load_retrieval, measure, sample_retrieval
from korean_sparse.runtime import SparseEncoder

HERE = Path(__file__).resolve().parents[1]


def texts_of(model, tokens: int, n: int) -> list[str]:
    "Texts of the bundled sample, Korean and English, put together to about so many tokens each."
    lines = (HERE / 'data/sample/retrieval/corpus.jsonl').read_text(encoding='utf-8').splitlines()
    words = ' '.join(json.loads(line)['text'] for line in lines).split()
    found, at = [], 0
    while len(found) < n:
        size = 1
        while len(model.tokenizer.encode(' '.join(words[at : at + size])).ids) < tokens:
            size += 4
        found.append(' '.join(words[at : at + size]))
        at = (at + size) % (len(words) - 400)
    return found


def speeds(models: dict, texts: list[str], runs: int) -> dict[str, list[float]]:
    "Documents a second of each model in each run, one after the other within a run."
    found = {name: [] for name in models}
    for run in range(runs + 1):
        for name, model in models.items():
            begin = time.perf_counter()
            model.encode(texts)
            if run:  # the first warms up
                found[name].append(len(texts) / (time.perf_counter() - begin))
    return found


def retrieval_set(entry: str, queries: int, documents: int):
    """A set of a folder, or of the questions of one on the documents of another: a sample of its documents,
    and all questions whose judged documents are among them."""
    asked, _, read = entry.partition(':')
    whole = load_retrieval(asked, documents=read)
    part = sample_retrieval(whole, queries or len(whole.queries), documents or len(whole.corpus), 0)
    right = {q: {d for d, grade in found.items() if grade > 0} for q, found in whole.qrels.items()}
    known = [q for q, found in right.items() if q in whole.queries and found and found <= set(part.corpus)]
    return replace(
        part, queries={q: whole.queries[q] for q in known}, qrels={q: whole.qrels[q] for q in known}
    )


def encoded(model, texts: dict[str, str], known: dict[str, SparseRows]) -> SparseRows:
    "The rows of texts, in which a text that was encoded before is not encoded again."
    new = [text for text in dict.fromkeys(texts.values()) if text not in known]
    rows = SparseRows.of(model.encode(new, progress=True))
    known |= {text: rows[n] for n, text in enumerate(new)}
    return SparseRows.stacked([known[text] for text in texts.values()], rows.shape[1])


def ranking(models: dict, sets: list[str], queries: int, documents: int) -> dict[str, float]:
    "nDCG@10 of each model on each set, and how alike the rows are; printed, and as figures."
    known, figures = {name: {} for name in models}, {}
    for entry in sets:
        rs = retrieval_set(entry, queries, documents)
        name, scores, rows = ' on '.join(Path(p).name for p in entry.split(':')), {}, {}
        for kind, model in models.items():
            rows[kind] = encoded(model, rs.corpus, known[kind])
            run = SparseIndex(list(rs.corpus), rows[kind], model.query).search(rs.queries, 10)
            scores[kind] = averages(measure(rs.qrels, run, ('nDCG@10',)))['nDCG@10']
        first = rows['torch'].scipy()
        for kind in [k for k in models if k != 'torch']:
            other = rows[kind].scipy()
            products = [
                np.asarray(x.multiply(y).sum(1)) for x, y in ((first, other), (first, first), (other, other))
            ]
            alike = np.median(products[0] / np.maximum(np.sqrt(products[1] * products[2]), 1e-9))
            off = scores[kind] - scores['torch']
            size = f'{len(rs.queries)} queries, {len(rs.corpus)} documents'
            said = f'torch {scores["torch"]:.4f}, {kind} {scores[kind]:.4f} ({off:+.4f})'
            print(f'{name}: {size}: {said}, cosine of rows {alike:.4f}', flush=True)
            figures[f'{kind}_off_{name.replace(" ", "_")}'] = round(scores[kind] - scores['torch'], 4)
    return figures


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--runs', type=int, default=3)
    p.add_argument('--texts', type=int, default=64, help='of 80 tokens; a fourth of that of 400')
    p.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument('--sets', nargs='*', default=[])
    p.add_argument('--queries', type=int, default=0)
    p.add_argument('--documents', type=int, default=0)
    p.add_argument('--only', default='torch,float32,int8', help='of these, by comma')
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    make = {'torch': Trainable.load}
    make |= {
        kind: lambda kind=kind: SparseEncoder.load(None, kind, a.threads) for kind in ('float32', 'int8')
    }
    models, figures = {kind: make[kind]() for kind in a.only.split(',')}, {}
    for tokens, n in ((80, a.texts), (400, a.texts // 4)) if a.runs else ():
        found = speeds(models, texts_of(models['torch'], tokens, n), a.runs)
        for kind, rates in found.items():
            ratio = statistics.median(x / y for x, y in zip(rates, found['torch']))
            print(
                f'{tokens} tokens, {kind}: {statistics.median(rates):.1f} documents/s, {ratio:.2f}x',
                flush=True,
            )
            figures[f'{kind}_{tokens}'] = round(ratio, 2)
    if a.sets:
        figures |= ranking(models, a.sets, a.queries, a.documents)
    print(' '.join(f'{name}={value}' for name, value in figures.items()))


if __name__ == '__main__':
    main()
