"""A search needs none of the large libraries, and whatever does need one says which extra brings it.

They are kept from being imported in processes of their own, as if they were not installed."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

EXTRAS = 'torch transformers scipy kiwipiepy mecab bm25s sklearn umap ir_measures pandas matplotlib'.split()
BLOCK = f'import sys\nsys.modules.update(dict.fromkeys({EXTRAS}))\n'
SAVED = ROOT / 'tests/saved'


def run(code: str, cwd, **environment: str) -> str:
    "What `code` prints in a process of its own."
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=cwd, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


WINGS = 'search retrieval text core judging timeline pairs examples wiki'.split()
TORCH = {'content_hash', 'read_tensors', 'write_tensors'}  # what deals with torch's own tensors


def test_wings_that_need_no_extra_import_without_any(tmp_path):
    code = f"""
import importlib
for name in {WINGS}:
    wing = importlib.import_module('korean_sparse.' + name)
    for face in sorted(set(wing.__all__) - {TORCH}):
        getattr(wing, face)
print(sorted(m for m in sys.modules if sys.modules[m] and m.split('.')[0] in {EXTRAS}))
"""
    assert run(BLOCK + code, tmp_path) == '[]'


def test_with_all_installed_a_search_imports_none_of_it_nor_anything_else_for_nothing(tmp_path):
    unused = 'multiprocessing urllib.request http.client requests yaml importlib.metadata subprocess'.split()
    code = f"""
import sys
from korean_sparse import Search
from korean_sparse.retrieval import BM25, QueryEncoder, SparseIndex, measure
from korean_sparse.text import Vocabulary, get_analyzer, ppmi_vectors
print(sorted(set({unused + EXTRAS}) & set(sys.modules)))
"""
    assert run(code, tmp_path) == '[]'


@pytest.mark.parametrize('names', ['korean_sparse', 'korean_sparse.retrieval'])
def test_the_query_side_imports_in_a_blink(names, tmp_path):
    "In seconds of the processor, since others may be using the machine; numpy is more than half of them."
    face = 'Search' if names == 'korean_sparse' else 'QueryEncoder, SparseIndex'
    code = f'from {names} import {face}\nimport time; print(time.process_time())'
    # as where the library has been used before: with its bytecode
    kept = {'PYTHONPYCACHEPREFIX': str(tmp_path / 'bytecode'), 'PYTHONDONTWRITEBYTECODE': ''}
    assert min(float(run(code, tmp_path, **kept)) for _ in range(5)) < 0.3


SEARCH = f"""
import json
from korean_sparse.retrieval import QueryEncoder
from korean_sparse.search import Search

class Model:
    query = QueryEncoder.load({str(SAVED / 'anchored')!r})
    tokenizer = query.tokenizer
    vocab = range(len(query.idf))

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        return self.query.matrix(texts)

model = Model()
search = Search(['혈당을 매일 재는 환자', '두부와 콩', 'tofu and beans'], model)
search.add({{'new': '두부 환자'}})
again = Search.load(search.save('saved'), model)
hits = [[(h.id, h.score, h.terms) for h in s(q)] for q in ('혈당', 'tofu', '환자 두부') for s in (search, again)]
print(json.dumps(hits))
"""


def test_a_search_is_filled_asked_saved_and_loaded_without_any_extra(tmp_path):
    found = json.loads(run(BLOCK + SEARCH, tmp_path))
    assert found[::2] == found[1::2]
    assert [hits[0][0] for hits in found[::2]] == ['0', '2', 'new']
    assert json.loads(run(SEARCH, tmp_path)) == found  # and the same with all of them


INSTALLED = """
from korean_sparse import Search
search = Search(['지진이 나면 탁자 아래로 몸을 피한다.', 'Two cups of coffee a day do no harm.'])
print(search('커피를 마셔도 되나요')[0].id, search('what to do in an earthquake')[0].id)
"""


def test_the_model_that_comes_along_searches_without_any_extra(tmp_path):
    assert run(BLOCK + INSTALLED, tmp_path) == '1 0'


NEEDS = {
    'import korean_sparse.encoder': ('korean_sparse.encoder', 'torch, transformers, scipy', 'train'),
    'import korean_sparse.training.losses': (
        'korean_sparse.training',
        'torch, transformers, scipy',
        'train',
    ),
    'import korean_sparse.sentence_transformers': (
        'korean_sparse.sentence_transformers',
        'torch',
        'sentence',
    ),
    'from korean_sparse.retrieval import BM25; BM25(["a"], ["b"], str.split)': ('BM25', 'bm25s', 'stages'),
    'from korean_sparse.retrieval import measure; measure({}, {})': ('measure', 'ir_measures', 'stages'),
    'from korean_sparse.text import ppmi_vectors; ppmi_vectors([["a"]] * 2)': (
        'ppmi_vectors',
        'scipy',
        'stages',
    ),
    'from korean_sparse.timeline.trends import _score_of; _score_of(1.0)': ('find_trends', 'scipy', 'stages'),
    'from korean_sparse.pairs.confidence import splits; import numpy; splits(numpy.ones((1, 2)))': (
        'splits',
        'scipy',
        'stages',
    ),
}
ANALYSERS = {'kiwi': 'korean', 'mecab': 'mecab', 'auto': 'korean'}


@pytest.fixture(scope='module')
def said(tmp_path_factory) -> dict[str, str]:
    "The `ImportError` of each, all in one process."
    codes = [
        *NEEDS,
        *(f'from korean_sparse.text import get_analyzer; get_analyzer("{n}")' for n in ANALYSERS),
    ]
    code = f"""
import json
said = {{}}
for code in {codes}:
    try:
        exec(code, {{}})
    except ImportError as error:
        said[code] = str(error)
print(json.dumps(said))
"""
    return json.loads(run(BLOCK + code, tmp_path_factory.mktemp('bare')))


@pytest.mark.parametrize('code', NEEDS)
def test_who_needs_an_extra_says_which(code, said):
    who, what, extra = NEEDS[code]
    assert said[code] == f"{who} needs {what}: pip install 'korean_sparse[{extra}]'"


@pytest.mark.parametrize('name', ANALYSERS)
def test_an_analyser_that_is_missing_is_named_with_its_extra(name, said):
    message = next(text for code, text in said.items() if f'get_analyzer("{name}")' in code)
    assert f'pip install "korean_sparse[{ANALYSERS[name]}]"' in message and f'"{name}"' in message.replace(
        "'", '"'
    )
