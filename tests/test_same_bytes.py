"""The same checkpoint and the same pairs become the same bytes in any process.

Whatever the process traced before, whatever the seed of its hashes, with one thread or two. Only each stage's
manifest may differ (times, memory, threads)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODEL = """
from korean_sparse.encoder.made import from_scratch
from korean_sparse.retrieval.query import idf_weights
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vectors import ppmi_vectors
from korean_sparse.text.vocabulary import train_vocabulary
texts = ['자전거 바퀴에 바람을 넣는다', '바퀴가 휘면 바퀴살을 조인다', 'Oil keeps the chain quiet.', 'A wheel has spokes.'] * 2
vocab = train_vocabulary(texts, get_analyzer('kiwi'), size=300)
ids = [vocab.tokenizer.encode(t).ids for t in texts]
vectors = ppmi_vectors([t.split() for t in texts], dim=4, min_count=1)
from_scratch(vocab, idf_weights(ids, vocab), vectors, texts, layers=2, heads=2).save('model')
"""

ZIPS = """
import sys
import torch
from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.opensearch.artifacts import write_document, write_query
for _ in range(int(sys.argv[1])):  # names that torch gives once in a process
    torch.jit.trace(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2)), torch.ones(1, 2))
model = SparseEncoder.load('model')
if int(sys.argv[1]):
    write_document(model, sys.argv[2] + '/first.zip', 'a')
    model.encode(['바퀴'])
print(write_document(model, sys.argv[2] + '/document.zip', 'a').sha256)
print(write_query(model.tokenizer, model.query.idf, sys.argv[2] + '/query.zip', 'a').sha256)
"""

PICTURES = """
import sys
import numpy as np
from korean_sparse.core.pictures import axes, draw_map, project, save_picture
from korean_sparse.text.vectors import ppmi_vectors
words = [f'낱말{n}' for n in range(40)]
chosen = np.random.default_rng(0)
documents = [[words[i] for i in chosen.integers(0, 40, 12)] for _ in range(60)]
tv = ppmi_vectors(documents, dim=16)
for method in ('umap', 'tsne', 'pca'):
    fig, ax = axes(6, 5)
    xy = project(tv.vectors, method)
    draw_map(ax, xy, [*tv.terms[:-1], '$a_{<b>}$'], ['#2f6db3'] * len(xy))
    save_picture(fig, f'{sys.argv[1]}/{method}.png')
"""


def in_processes(code: str, home: Path, runs: list[tuple[str, str, list[str]]]) -> list[str]:
    "What each of several new processes printed: (seed of hashes, threads, arguments)."
    printed = []
    for seed, threads, arguments in runs:
        variables = {'PYTHONHASHSEED': seed, 'OMP_NUM_THREADS': threads, 'OPENBLAS_NUM_THREADS': threads}
        command = [sys.executable, '-c', code, *arguments]
        environment = os.environ | variables
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        printed.append(done.stdout)
    return printed


def different(one: Path, other: Path) -> list[str]:
    "The names of files, in folders too, that are not below both with the same bytes."
    names = {str(p.relative_to(f)) for f in (one, other) for p in f.rglob('*') if p.is_file()}
    read = lambda folder, name: (folder / name).read_bytes() if (folder / name).exists() else None
    return sorted(n for n in names if read(one, n) != read(other, n))


def test_zips_of_one_checkpoint(tmp_path):
    in_processes(MODEL, tmp_path, [('0', '1', [])])
    folders = [str(tmp_path / name) for name in 'ab']
    for folder in folders:
        os.mkdir(folder)
    printed = in_processes(ZIPS, tmp_path, [('1', '1', ['0', folders[0]]), ('2', '2', ['3', folders[1]])])
    assert printed[0] == printed[1]
    (tmp_path / 'b/first.zip').unlink()
    (tmp_path / 'b/first.json').unlink()
    assert different(*map(Path, folders)) == []


def test_maps_of_words(tmp_path):
    for name in 'ab':
        (tmp_path / name).mkdir()
    in_processes(PICTURES, tmp_path, [('1', '1', ['a']), ('2', '2', ['b'])])
    assert different(tmp_path / 'a', tmp_path / 'b') == []


@pytest.mark.parametrize('stage', ['02_synonyms', '06_export'])
def test_a_whole_stage(stage, sample_run, tmp_path):
    "All that 02 and 06 write, pictures too, made twice: only manifests (times, threads) may differ."
    code = """
import os, sys
os.environ['KOREAN_SPARSE_OUTPUTS'] = sys.argv[1]
source = sys.argv[3]
if sys.argv[2] == '02_synonyms':
    from korean_sparse.synonyms import SynonymConfig as Config, build
    config = Config(run='same', wikipedia=source + '/01_wikipedia')
else:
    from korean_sparse.export import ExportConfig as Config, build
    config = Config(run='same', pretraining=source + '/04_pretraining', evaluation=source + '/05_evaluation')
build(config)
"""
    root = Path(__file__).resolve().parents[1]
    arguments = [stage, str(Path(sample_run).resolve())]
    runs = [('1', '1', [str(tmp_path / 'a'), *arguments]), ('2', '2', [str(tmp_path / 'b'), *arguments])]
    in_processes(code, root, runs)
    one, other = (tmp_path / name / 'same' / stage for name in 'ab')
    assert [n for n in different(one, other) if n != 'manifest.json'] == []
