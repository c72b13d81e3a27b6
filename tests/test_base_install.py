"""The wheel with its own dependencies alone, as `pip install korean_sparse` brings it: how large it is, and
that it searches at once, without PyTorch and without a compiler."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

MOST_MB = 200  # of all that is installed beside the wheel itself
MOST_SECONDS = 2  # from a new process to the first answer
MOST_MEMORY = {'int8': 300, 'float32': 350}  # MB, after it

THREE_LINES = """
from korean_sparse import Search

search = Search(['지진이 나면 탁자 아래로 몸을 피한다.', 'Two cups of coffee a day do no harm.', '혈당을 잰다.'])
print(search('커피를 마셔도 되나요')[0])
"""


def pip(*arguments: str) -> None:
    command = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check', *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope='module')
def base(wheel, tmp_path_factory) -> Path:
    "A folder of packages: the wheel and what it asks for, from wheels alone, in the pinned versions."
    folder = tmp_path_factory.mktemp('base')
    with_pins = ['-c', str(ROOT / 'constraints.txt'), '--only-binary', ':all:', '--target', str(folder)]
    pip('install', *with_pins, str(wheel))
    return folder


def run(base: Path, code: str, **environment: str) -> list[str]:
    "What a program prints that sees these packages and no others."
    environment = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')} | environment
    start = f'import sys\nsys.path = [{str(base)!r}, *(p for p in sys.path if "site-packages" not in p)]'
    command = [sys.executable, '-S', '-c', f'{start}\n{code}']
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=base.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def megabytes(folder: Path) -> float:
    return sum(p.lstat().st_size for p in folder.rglob('*') if p.is_file()) / 1e6


def test_what_is_installed_is_small(base):
    sizes = {p.name: megabytes(p) if p.is_dir() else p.stat().st_size / 1e6 for p in base.iterdir()}
    ours = sum(size for name, size in sizes.items() if name.startswith('korean_sparse'))
    whole = sum(sizes.values()) - ours
    print(f'\nbeside the wheel ({ours:.0f} MB): {whole:.0f} MB')
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1]):
        if size >= 0.5:
            print(f'  {size:6.1f} MB  {name}')
    assert whole <= MOST_MB
    absent = ('torch', 'transformers', 'scipy', 'kiwipiepy', 'bm25s', 'sklearn', 'pandas', 'matplotlib')
    assert not [name for name in absent if (base / name).exists()]


def test_three_lines_answer_at_once(base):
    program = f"""
import time
{THREE_LINES}
import json, sys
status = list(open('/proc/self/status')) if sys.platform == 'linux' else ['VmRSS: 0 kB']
kilobytes = next(int(line.split()[1]) for line in status if line.startswith('VmRSS'))
by = search.model.precision
print(json.dumps({{'cpu': time.process_time(), 'rss': kilobytes / 1000, 'by': by}}))
"""
    run(base, program)  # bytecode is written, files are in memory: as every time but the first
    answer, figures = run(base, program)
    figures = json.loads(figures)
    print(f'\n{answer}\n{figures["cpu"]:.2f} s of processor time, {figures["rss"]:.0f} MB')
    assert 'coffee' in answer
    # processor time: what else the machine does while the tests run is not ours
    assert figures['cpu'] <= MOST_SECONDS
    assert figures['rss'] <= MOST_MEMORY[figures['by']]


def test_what_the_readme_shows_of_the_box_works(base, tmp_path):
    lines = run(
        base,
        f"""
from korean_sparse import Search, SparseEncoder, SparseIndex
from korean_sparse.opensearch import write_query
import sys

model = SparseEncoder.load()
texts = ['지진이 나면 탁자 아래로 몸을 피한다.', 'Two cups of coffee a day do no harm.']
search = Search(texts, model)
search.save({str(tmp_path / 'saved')!r})
again = Search.load({str(tmp_path / 'saved')!r})
print([hit.id for hit in again.add({{'new': '커피는 하루 두 잔까지'}})('커피를 마셔도 되나요')])
index = SparseIndex(['a', 'b'], model.encode(texts), model.query)
print(index.explain('지진이 나면', 'a')[0][0], search.understood('커피를 마셔도 되나요'))
print(write_query(model.tokenizer, model.query.idf, {str(tmp_path / 'query.zip')!r}, 'query').kind)
print(SparseEncoder.load(model.save({str(tmp_path / 'copy')!r})).encode(texts).nnz == model.encode(texts).nnz)
print([name for name in ('torch', 'transformers', 'scipy') if name in sys.modules])
""",
    )
    assert lines[0] in ("['new', '1']", "['1', 'new']")
    assert lines[1] == "지진 ['커피', '마셔']"
    assert lines[2:] == ['query', 'True', '[]']


@pytest.mark.parametrize(
    'code, extra',
    [
        ('from korean_sparse.encoder import SparseEncoder', 'train'),
        ('import korean_sparse.pretraining', 'train'),
        ('from korean_sparse.opensearch import write_document', 'train'),
        ("from korean_sparse.text import get_analyzer; get_analyzer('kiwi')", 'korean'),
        ("from korean_sparse.retrieval import BM25; BM25(['a'], ['b'], str.split)", 'stages'),
    ],
)
def test_who_needs_more_is_told_the_extra(base, code, extra):
    said = run(base, f'try:\n    {code}\nexcept ImportError as e:\n    print(e)')
    assert f'korean_sparse[{extra}]' in ' '.join(said)
