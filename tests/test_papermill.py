"""The stage notebooks as an engineer runs them: by papermill, from any folder, with parameters that may be
wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


def papermill(notebook: str, out: Path, *args, cwd: Path, **env) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, '-m', 'papermill', ROOT / f'nbs/{notebook}.ipynb', out, '--no-progress-bar', *args],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **env},
    )


def test_a_stage_runs_from_another_folder_and_is_skipped_the_second_time(tmp_path):
    outputs = {'KOREAN_SPARSE_OUTPUTS': str(tmp_path / 'outputs')}
    first = papermill('01_wikipedia', tmp_path / '01.ipynb', cwd=tmp_path, **outputs)
    assert first.returncode == 0, first.stderr[-2000:]
    manifest = tmp_path / 'outputs/sample/01_wikipedia/manifest.json'
    finished, rows = (
        json.loads(manifest.read_text())['finished'],
        (manifest.parent / 'articles.jsonl.gz').read_bytes(),
    )
    assert papermill('01_wikipedia', tmp_path / '01.ipynb', cwd=tmp_path, **outputs).returncode == 0
    assert json.loads(manifest.read_text())['finished'] == finished
    assert (
        papermill(
            '01_wikipedia', tmp_path / '01.ipynb', '-p', 'force', 'True', cwd=tmp_path, **outputs
        ).returncode
        == 0
    )
    assert (manifest.parent / 'articles.jsonl.gz').read_bytes() == rows  # forced, and byte-identical


@pytest.mark.parametrize(
    'args, said',
    [
        (('-p', 'epocs', '25'), "unknown parameter 'epocs' for PretrainConfig; did you mean 'epochs'?"),
        (('-p', 'epochs', 'many'), "parameter epochs = 'many' is str, expected int"),
        (('-p', 'retrieval', 'no/such/folder'), 'set the parameter `retrieval`'),
    ],
)
def test_a_wrong_parameter_stops_the_run_and_is_named(sample_run, tmp_path, args, said):
    done = papermill('04_pretraining', tmp_path / '04.ipynb', *args, cwd=tmp_path)
    assert done.returncode == 1 and said in done.stderr, done.stderr[-2000:]


def test_a_named_run_without_its_upstream_says_what_to_run(tmp_path):
    done = papermill(
        '04_pretraining',
        tmp_path / '04.ipynb',
        '-p',
        'run',
        'nothing-here',
        cwd=tmp_path,
        KOREAN_SPARSE_OUTPUTS=str(tmp_path / 'outputs'),
    )
    assert done.returncode == 1 and 'papermill nbs/01_wikipedia.ipynb' in done.stderr
    assert not list((tmp_path / 'outputs').rglob('manifest.json'))


def test_without_an_output_path_the_notebook_goes_to_standard_output(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'papermill',
            ROOT / 'nbs/01_wikipedia.ipynb',
            '-p',
            'min_words',
            '30',
            '--no-progress-bar',
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env={**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(tmp_path / 'outputs')},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)['nbformat'] == 4
