"What several tests need and is made once: the finished sample run, the wheel."

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def sample_run() -> Path:
    "outputs/sample, run first if it is not there (stages that are current are skipped)."
    subprocess.run(
        [sys.executable, ROOT / 'scripts/run.py', ROOT / 'runs/sample.yaml'],
        check=True,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
    )
    return Path(os.environ.get('KOREAN_SPARSE_OUTPUTS') or ROOT / 'outputs') / 'sample'


@pytest.fixture(scope='session')
def wheel(tmp_path_factory) -> Path:
    "The wheel of the library."
    folder = tmp_path_factory.mktemp('wheel')
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check', 'wheel', '--no-deps']
    subprocess.run(
        [*pip, '--no-build-isolation', '--wheel-dir', folder, ROOT], check=True, stdin=subprocess.DEVNULL
    )
    return next(folder.glob('*.whl'))
