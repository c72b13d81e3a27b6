"""Every block of code that a reader may copy from the READMEs, the model's card and the guides runs; what
names encoders of the hub runs on tiny ones in their place."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from test_opensearch import client, node  # noqa: F401 (fixtures)

from korean_sparse.core.settings import make_config
from korean_sparse.encoder.model import installed_model
from korean_sparse.encoder.start import tiny_checkpoint
from korean_sparse.pretraining import PretrainConfig

CARD = 'korean_sparse/model/README.md'
PAGES = [
    'README.md',
    'README.ko.md',
    CARD,
    *(str(p.relative_to(ROOT)) for p in sorted((ROOT / 'docs').rglob('*.md'))),
]
PAGES.remove('docs/log.md')  # a diary, not instructions
TEXTS = [
    '당뇨병 환자는 혈당을 매일 잰다.',
    '두부는 콩으로 만든다.',
    'A patient measures blood sugar.',
    'Tofu is made of beans.',
]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf'```{language}\n(.*?)```', (ROOT / page).read_text(encoding='utf-8'), re.DOTALL)


def needs_node(block: str) -> bool:
    return 'connect(' in block


def needs_hub(block: str) -> bool:
    return 'klue/' in block


def run_blocks(found: list[str], cwd: Path, **environment: str) -> None:
    "One after another in one process, as a reader would who types them below each other."
    done = subprocess.run(
        [sys.executable, '-c', '\n'.join(found)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()


def plain_blocks(page: str) -> list[str]:
    "Blocks that need neither a node nor encoders of the hub."
    found = blocks(page, 'python')
    return [] if any(map(needs_hub, found)) else [b for b in found if not needs_node(b)]


@pytest.mark.parametrize('page', [p for p in PAGES if plain_blocks(p)])
def test_blocks_of_python_run(page, tmp_path):
    reader_s = tmp_path / 'my/pages'  # what a reader has
    reader_s.mkdir(parents=True)
    (reader_s / 'coffee.md').write_text('# 커피\n\n하루 두 잔은 해롭지 않다.\n', encoding='utf-8')
    run_blocks(plain_blocks(page), tmp_path)


@pytest.mark.parametrize('page', [p for p in PAGES if any(map(needs_node, blocks(p, 'python')))])
def test_blocks_for_opensearch_run_on_a_node(page, node, client, tmp_path):  # noqa: F811
    client.indices.delete(index='articles', ignore_unavailable=True)
    found = [b for b in blocks(page, 'python') if needs_node(b)]
    run_blocks(found, tmp_path, OPENSEARCH_URL=node.url)
    client.indices.delete(index='articles', ignore_unavailable=True)


@pytest.mark.parametrize('page', [p for p in PAGES if any(map(needs_hub, blocks(p, 'python')))])
def test_blocks_with_encoders_of_the_hub_run_on_tiny_ones(page, tmp_path):
    "The same lines, with folders in place of the names of the hub."
    tiny_checkpoint(tmp_path / 'mlm', TEXTS, 'bert')
    tiny_checkpoint(tmp_path / 'e5', TEXTS, 'xlm-roberta')
    (tmp_path / 'texts.txt').write_text('\n'.join(TEXTS), encoding='utf-8')
    code = '\n'.join(blocks(page, 'python'))
    code = code.replace('klue/bert-base', 'mlm').replace('intfloat/multilingual-e5-small', 'e5')
    code = code.replace('heal(moved, e5, texts)', 'heal(moved, e5, texts, HealConfig(steps=2))')
    code = f'from korean_sparse.encoder import HealConfig\n{code}\nprint(model.encode(texts).shape)'
    run_blocks([code], tmp_path)


@pytest.mark.parametrize('page', [p for p in PAGES if blocks(p, 'yaml')])
def test_recipes_are_taken(page):
    for block in blocks(page, 'yaml'):
        make_config(PretrainConfig, yaml.safe_load(block)['04_pretraining'])


def test_the_papermill_line_of_the_readme_runs(sample_run, tmp_path):
    shutil.copytree(sample_run, tmp_path / 'outputs/sample')
    lines = [
        l
        for page in ('README.md', 'README.ko.md')
        for b in blocks(page, 'sh')
        for l in b.splitlines()
        if 'papermill' in l
    ]
    assert len(lines) == 2 and lines[0] == lines[1]
    program, notebook, out, *rest = shlex.split(lines[0])
    command = [
        sys.executable,
        '-m',
        Path(program).name,
        ROOT / notebook,
        tmp_path / Path(out).name,
        *rest,
        '--no-progress-bar',
    ]
    env = {**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(tmp_path / 'outputs')}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=env, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-2000:]
    manifest = json.loads((tmp_path / 'outputs/sample/04_pretraining/manifest.json').read_text())
    assert manifest['parameters']['epochs'] == 2


def test_papermill_lines_of_all_pages_name_notebooks_and_parameters_that_exist():
    for page in PAGES:
        text = '\n'.join(blocks(page, 'sh')).replace('\\\n', ' ')
        for line in text.splitlines():
            if 'papermill ' not in line:
                continue
            words = shlex.split(line, comments=True)
            notebook = next(w for w in words if w.endswith('.ipynb'))
            cells = json.loads((ROOT / notebook).read_text())['cells']
            parameters = '\n'.join(
                ''.join(c['source']) for c in cells if 'parameters' in c['metadata'].get('tags', ())
            )
            for name in (words[n + 1] for n, w in enumerate(words) if w == '-p'):
                assert re.search(rf'^{name} = ', parameters, re.MULTILINE), (
                    f'{page}: {notebook} has no parameter {name}'
                )


def test_make_targets_that_pages_show_exist():
    targets = set(re.findall(r'^([a-z-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    for page in [*PAGES, 'CONTRIBUTING.md']:
        for name in re.findall(r'^make ([a-z-]+)', '\n'.join(blocks(page, 'sh')), re.MULTILINE):
            assert name in targets, f'{page}: make {name}'


@pytest.mark.parametrize('page', ['README.md', 'README.ko.md'])
def test_the_figures_of_the_readmes_are_those_of_the_model(page):
    text = (ROOT / page).read_text(encoding='utf-8')
    rows = [line for line in text.splitlines() if line.startswith('| ') and '[0.' in line]
    figures = json.loads((installed_model() / 'figures.json').read_text(encoding='utf-8'))
    of_set = {row['set']: row for row in figures['sets']}
    judged = (('welfare', 'nDCG@10'), ('boolq', 'nDCG@10'), ('ko to en', 'R@10'))
    for row, (name, metric) in zip(rows, judged, strict=True):
        values = [of_set[name][f'{system} {metric}'] for system in ('BM25', 'teacher', 'box')]
        shown = [cell.strip() for cell in row.strip('|').split('|')][1:]
        assert shown == [f'{mean:.3f} [{low:.3f}, {high:.3f}]' for mean, low, high in values]
    assert {'boolq', 'ko to en'} <= set(figures['never_trained_on'])
    assert len(text.splitlines()) <= 120
