"The finished sample run, made once for all tests that need it."

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
