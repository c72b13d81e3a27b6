"""What a stranger may count on: the layers, the door, one meaning a name, lines that fit a page, types, old
imports."""

import ast
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY, NBS = ROOT / 'korean_sparse', ROOT / 'nbs'
BIN = Path(sys.executable).parent
SHIMS = {'query', 'artifacts', 'healing', 'start', 'packed'}
MODULES = [
    p
    for p in sorted(LIBRARY.rglob('*.py'))
    if not p.name.startswith('_') and (p.parent != LIBRARY or p.stem not in SHIMS)
]


def python(code: str, cwd: Path) -> str:
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_the_layers_hold():
    done = subprocess.run([BIN / 'lint-imports'], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


def test_notebooks_and_scripts_are_laid_out():
    places = ['nbs', 'tests', 'scripts', 'benchmarks', 'setup.py']
    for command in (['check'], ['format', '--check']):
        done = subprocess.run([BIN / 'ruff', *command, *places], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_no_line_of_code_needs_scrolling():
    wide = []
    for path in MODULES:
        text = path.read_text()
        exported = next(
            (
                n
                for n in ast.parse(text).body
                if getattr(n, 'targets', None) and getattr(n.targets[0], 'id', '') == '__all__'
            ),
            None,
        )
        generated = range(exported.lineno, exported.end_lineno + 1) if exported else ()
        for number, line in enumerate(text.split('\n'), 1):
            if len(line) > 110 and number not in generated:
                wide.append(f'{path.relative_to(ROOT)}:{number}')
    assert wide == []


def test_functions_and_cells_fit_a_page():
    long = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > 60:
                long.append(f'{path.relative_to(ROOT)}: {node.name}')
    for path in NBS.rglob('*.ipynb'):
        for n, cell in enumerate(json.loads(path.read_text())['cells']):
            # a class that is one idea may stay whole
            if cell['cell_type'] == 'code' and len(cell['source']) > 130:
                long.append(f'{path.relative_to(ROOT)}, cell {n}')
    assert long == []


def test_one_name_means_one_thing():
    homes = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '__all__':
                for name in ast.literal_eval(node.value):
                    homes[name].append(str(path.relative_to(LIBRARY)))
    # each stage builds; a model as it is trained, and as it is used; what an article and a document must be;
    # pages of a dump, and of a folder
    meant = ('build', 'SparseEncoder', 'Filter', 'Page')
    twice = {name: places for name, places in homes.items() if len(places) > 1 and name not in meant}
    assert twice == {}


def test_the_door_is_light_and_opens(tmp_path):
    code = """
import sys, time
start = time.perf_counter()
import korean_sparse
seconds = time.perf_counter() - start
from korean_sparse import SparseIndex
import korean_sparse.search, korean_sparse.retrieval.runs, korean_sparse.text.vocabulary
print([m for m in ("torch", "transformers", "matplotlib", "sklearn") if m in sys.modules], seconds)
print({"Search", "SparseEncoder", "SparseIndex", "text", "encoder"} <= set(dir(korean_sparse)))
"""
    loaded, opens = python(code, tmp_path).splitlines()
    assert loaded.startswith('[]') and opens == 'True'
    assert float(loaded.split()[-1]) < 0.2


@pytest.mark.parametrize('wing', sorted(p.parent.name for p in LIBRARY.glob('*/__init__.pyi')))
def test_what_a_face_names_is_there(wing, tmp_path):
    code = (
        f'import korean_sparse.{wing} as w\nfor n in w.__all__: getattr(w, n)\nprint(len(w.__all__), '
        'bool(w.__doc__))'
    )
    count, documented = python(code, tmp_path).split()
    assert int(count) > 2 and documented == 'True'


def test_imports_of_earlier_cards_and_readmes_work(tmp_path):
    code = """
from korean_sparse.artifacts import write_document, write_query
from korean_sparse.encoder import SparseEncoder, anchored, splade
from korean_sparse.healing import heal
from korean_sparse.opensearch import bulk_index, connect, create_index, deploy, point, register, search
from korean_sparse.packed import installed_model
from korean_sparse.query import QueryEncoder, SparseIndex
from korean_sparse.search import Search
from korean_sparse.sentence_transformers import AnchoredPooling
from korean_sparse.start import load_start, move, term_vectors
print('all')
"""
    assert python(code, tmp_path) == 'all'


def test_types_are_seen_from_outside(wheel, tmp_path):
    "By somebody who has installed the wheel, in an environment of their own."
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', tmp_path / 'venv'], check=True)
    packages = next((tmp_path / 'venv/lib').glob('python*/site-packages'))
    zipfile.ZipFile(wheel).extractall(packages)
    (tmp_path / 'use.py').write_text(
        'from korean_sparse import Search, SparseEncoder\n'
        "search = Search(['글'])\n"
        "hit = search('글')[0]\n"
        'reveal_type(hit.score)\n'
        'reveal_type(SparseEncoder.load())\n'
        'hit.scores\n'
    )
    command = [BIN / 'mypy', '--python-executable', tmp_path / 'venv/bin/python', 'use.py']
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert 'Revealed type is "float"' in done.stdout or 'builtins.float' in done.stdout, done.stdout
    assert 'SparseEncoder"' in done.stdout and '"Hit" has no attribute "scores"' in done.stdout, done.stdout


def test_the_top_folder_shows_the_pipeline_alone():
    on_top = sorted(p.name for p in NBS.glob('*.ipynb'))
    stages = (
        '01_wikipedia 02_synonyms 03_temporal_clustering 04_pretraining 05_evaluation 06_export 07_box index'
    )
    assert on_top == [f'{s}.ipynb' for s in stages.split()]
    for path in NBS.rglob('*.ipynb'):
        cells = json.loads(path.read_text())['cells']
        first = ''.join(cells[0]['source'])
        assert first.startswith('# ') and '\n> ' in first, (
            f'{path}: a title and a one-line subtitle come first'
        )


def test_outputs_are_clean_small_and_current():
    done = subprocess.run(
        [sys.executable, ROOT / 'scripts/notebooks.py', '--check'], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_site_builds_and_names_every_module(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / 'scripts/site.py'], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
