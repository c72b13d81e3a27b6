"What `pip install korean_sparse` brings, and that what is pinned is what is asked for."

import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser

from conftest import ROOT

CFG = ConfigParser()
CFG.read(ROOT / 'settings.ini', encoding='utf-8')
CFG = CFG['DEFAULT']


def name(requirement: str) -> str:
    return re.split(r'[<>=!~\[; ]', requirement)[0].lower().replace('_', '-')


def test_the_wheel_is_light_and_holds_every_module(wheel):
    archive = zipfile.ZipFile(wheel)
    modules = {n for n in archive.namelist() if n.startswith('korean_sparse/')}
    assert {
        str(p.relative_to(ROOT))
        for kind in ('*.py', '*.pyi', 'py.typed')
        for p in (ROOT / 'korean_sparse').rglob(kind)
    } <= modules
    metadata = next(archive.read(n).decode() for n in archive.namelist() if n.endswith('METADATA'))
    required = {
        name(l.split(': ', 1)[1])
        for l in metadata.splitlines()
        if l.startswith('Requires-Dist') and 'extra ==' not in l
    }
    assert required == {name(r) for r in CFG['requirements'].split()}
    assert not required & {
        'jupyterlab',
        'papermill',
        'matplotlib',
        'konlpy',
        'umap-learn',
        'nbdev',
        'datasets',
    }


def test_everything_asked_for_is_pinned():
    pinned = {
        name(l) for l in (ROOT / 'constraints.txt').read_text().splitlines() if l and not l.startswith('#')
    }
    asked = {name(r) for key in CFG if key.endswith('requirements') for r in CFG[key].split()}
    assert asked <= pinned, asked - pinned


def test_a_base_import_needs_no_extra():
    code = (
        'import sys, korean_sparse.encoder.made, korean_sparse.text.vocabulary, '
        'korean_sparse.retrieval.bm25; print([m for m in ("matplotlib", "sklearn", "umap", "mwxml", '
        '"ir_measures", "IPython", "mecab") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd='/')
    assert done.stdout.strip() == '[]', done.stdout + done.stderr
