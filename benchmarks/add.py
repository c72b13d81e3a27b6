"""What one more text costs a `Search` that holds many, and what many additions cost a question.

    python benchmarks/add.py                    at 1,000, 10,000, 100,000 and 200,000 texts
    python benchmarks/add.py --sizes 1000

Nothing is encoded: rows of weights come out of a table (`--terms` terms a text, some common, most rare, over the
vocabulary of the model that comes with the library), so that the index alone counts. At each size: a search
made of all texts at once; `--adds` texts more, one by one; then the same questions to it and to one that was
made of all of these at once, in turn. The last line holds the figures."""

import argparse
import time

import numpy as np
from safetensors.numpy import load_file
from scipy.sparse import csr_matrix

from korean_sparse.encoder.model import installed_model
from korean_sparse.retrieval.query import QueryEncoder, load_tokenizer
from korean_sparse.runtime.weights import PACKED
from korean_sparse.search import Search


class Table:
    "A model whose rows are looked up: the text `17` has row 17, and begins anew at the end of the table."

    def __init__(self, terms: int, rows: int = 20_000, seed: int = 0):
        folder = installed_model()
        self.tokenizer = load_tokenizer(folder)
        self.query = QueryEncoder(self.tokenizer, load_file(folder / PACKED)['idf'])
        self.vocab = range(self.tokenizer.get_vocab_size())
        draw = np.random.default_rng(seed)
        self.order = draw.permutation(len(self.vocab))  # which terms are the common ones
        columns = self.order[draw.zipf(1.2, size=rows * terms) % len(self.vocab)]
        weights = draw.random(rows * terms, dtype=np.float32) + 0.1
        table = csr_matrix((weights, columns, np.arange(0, rows * terms + 1, terms)), (rows, len(self.vocab)))
        table.sum_duplicates()
        self.table = table

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        return self.table[np.array([int(text) % self.table.shape[0] for text in texts])]

    def questions(self, count: int, seed: int = 1) -> list[str]:
        "Of five terms each, the common ones oftener."
        draw, names = np.random.default_rng(seed), []
        while len(names) < 5 * count:
            name = self.tokenizer.id_to_token(int(self.order[draw.zipf(1.2) % len(self.vocab)]))
            if name.isalpha():
                names.append(name)
        return [' '.join(names[n : n + 5]) for n in range(0, len(names), 5)]


def milliseconds(search: Search, asked: list[str]) -> float:
    "A question, the median over all."
    times = []
    for question in asked:
        begin = time.perf_counter()
        search.index.search({'': question}, 10)
        times.append(time.perf_counter() - begin)
    return float(np.median(times)) * 1e3


def at_size(model: Table, size: int, adds: int, asked: list[str], rounds: int) -> dict[str, float]:
    "The figures of one size."
    search = Search(list(map(str, range(size))), model)
    times = []
    for n in range(size, size + adds):
        begin = time.perf_counter()
        search.add([str(n)])
        times.append(time.perf_counter() - begin)
    at_once = Search(list(map(str, range(size + adds))), model)
    for question in asked[:50]:
        assert search(question) == at_once(question)
    pairs = [(milliseconds(search, asked), milliseconds(at_once, asked)) for _ in range(rounds)]
    grown, whole = np.median(np.array(pairs), 0)
    return {
        'add_ms': float(np.mean(times)) * 1e3,
        'longest_ms': max(times) * 1e3,
        'query_ms': float(grown),
        'query_at_once_ms': float(whole),
        'ratio': float(np.median([a / b for a, b in pairs])),
        'parts': len(search.index._parts),
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--sizes', type=int, nargs='+', default=[1_000, 10_000, 100_000, 200_000])
    p.add_argument('--adds', type=int, default=2_000)
    p.add_argument('--questions', type=int, default=200)
    p.add_argument('--rounds', type=int, default=5)
    p.add_argument('--terms', type=int, default=100, help='of a text, at most')
    a = p.parse_args()
    model, figures = Table(a.terms), []
    print(
        f'{model.table.nnz / model.table.shape[0]:.0f} terms a text, {len(model.vocab):,} in the vocabulary'
    )
    asked = model.questions(a.questions)
    for size in a.sizes:
        found = at_size(model, size, a.adds, asked, a.rounds)
        print(
            f'{size:8,} texts: add {found["add_ms"]:.2f} ms a text (longest {found["longest_ms"]:.0f}), '
            f'a question {found["query_ms"]:.2f} ms in {found["parts"]} parts, '
            f'{found["query_at_once_ms"]:.2f} ms made at once',
            flush=True,
        )
        figures += [f'add_ms_{size}={found["add_ms"]:.2f}', f'query_ratio_{size}={found["ratio"]:.2f}']
    print(' '.join(figures))


if __name__ == '__main__':
    main()
