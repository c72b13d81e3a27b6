"""Analysers are interchangeable where they are installed; konlpy runs in a process of its own, since it starts
a Java machine."""

import importlib.util
import subprocess
import sys

import pytest

from korean_sparse.text.analysers import content_terms, get_analyzer


@pytest.mark.parametrize('name', ['kiwi', 'mecab'])
def test_particles_fall_away(name):
    if name == 'mecab' and not importlib.util.find_spec('mecab'):
        pytest.skip('mecab is not installed')
    by = get_analyzer(name)
    for text in ('병원에서', '병원으로', '병원을', '병원까지'):
        assert content_terms(text, by) == ['병원']


@pytest.mark.parametrize('tagger', ['Okt', 'Komoran', 'Hannanum', 'Kkma'])
def test_konlpy(tagger):
    if not importlib.util.find_spec('konlpy'):
        pytest.skip('konlpy is not installed')
    code = (
        'from korean_sparse.text import content_terms, get_analyzer; print(*content_terms("환자는 병원에서 치료를 '
        f'받았다", get_analyzer("konlpy:{tagger}")))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.split()[:3] == ['환자', '병원', '치료'], done.stdout
