"The one-file demo: its tokenizer by import, everything else as a reader runs it."

import importlib.util
import math
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / 'scripts/demo_idf_korean.py'
TREND = re.compile(r'^  (\S+) +\d+ +[\d.]+% +[\d.]+% +([\d.]+) -> ([\d.]+)  (lifted|kept)$', re.M)
HIT = re.compile(r'^  (\d+)\. +([\d.]+)  (\d{4}-\d\d-\d\d)  (.+)$', re.M)


def run(*args):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *args],
        capture_output=True,
        encoding='utf-8',
        timeout=30,
        env={**os.environ, 'PYTHONUTF8': '1'},
    )


@pytest.fixture(scope='module')
def demo():
    spec = importlib.util.spec_from_file_location('demo_idf_korean', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def output():
    done = run()
    assert done.returncode == 0 and done.stderr == ''
    return done.stdout


@pytest.mark.parametrize(
    'word, stem',
    [
        ('보건소에서는', '보건소'),
        ('혈당을', '혈당'),
        ('환자들이', '환자'),
        ('주민센터에서', '주민센터'),
        ('서버로', '서버'),
        ('교실로', '교실'),
        ('방법으로는', '방법'),
        ('신청하나요', '신청'),
        ('관리한다', '관리'),
        ('발표됐다', '발표'),
        ('제도이다', '제도'),
        ('온디바이스', '온디바이스'),
    ],
)
def test_endings_come_off(demo, word, stem):
    assert demo.strip_endings(word) == stem


@pytest.mark.parametrize('word', ['물이', '비가', '역할', '전문가', '진료과', '아들', '계약', ''])
def test_words_that_stay(demo, word):
    "A stem keeps two syllables, and 가 or 과 on the wrong side of a final consonant is no particle."
    assert demo.strip_endings(word) == word


def test_a_noun_and_its_forms_agree(demo):
    forms = ['고속도로', '고속도로를', '고속도로에서', '고속도로는', '고속도로가']
    assert len({demo.strip_endings(f) for f in forms}) == 1


def test_runs_are_split(demo):
    assert demo.tokenize('AI는 10분만에 GPT-4를!') == ['ai', '10', '분만', 'gpt', '4']
    assert demo.tokenize('  \n…') == demo.tokenize('수 있는') == []
    assert demo.tokenize(unicodedata.normalize('NFD', '혈당을')) == demo.tokenize('혈당') == ['혈당']


def test_stemming_is_stable(demo):
    stems = {t for line in demo.SENTENCES.split('\n') for t in demo.tokenize(line)}
    assert {demo.strip_endings(t) for t in stems} == stems


def test_sentences(demo):
    days = [line.split(' ', 1)[0] for line in demo.SENTENCES.strip().split('\n')]
    assert 36 <= len(days) <= 48 and days == sorted(days) and days[0] >= '2023' and days[-1] < '2026'


def test_weights_are_bounded(demo):
    assert demo.bounded(0) > 0 and demo.bounded(1e9) == 64 and demo.bounded(3.5) == 3.5
    idf = demo.idf_weights({'드문': 1, '흔한': 40}, 40)
    assert math.isclose(idf['드문'], math.log(1 + 39.5 / 1.5)) and 0 < idf['흔한'] < idf['드문'] <= 64


def test_hangul_fills_two_columns(demo):
    assert demo.pad('장마', 6) == '장마  ' and demo.pad('ai', 6) == 'ai    '


def test_only_emerging_terms_are_lifted(output):
    trends = {term: (float(old), float(new), what) for term, old, new, what in TREND.findall(output)}
    for term in ('온디바이스', '통합돌봄', '저속노화'):
        old, new, what = trends[term]
        assert what == 'lifted' and old + 0.2 < new <= 64
    for term in ('신청', '계약', '미세먼지'):
        old, new, what = trends[term]
        assert what == 'kept' and old == new


def test_output_is_the_same_every_time(output):
    assert run().stdout == output


def test_built_in_queries(output):
    first = [text for rank, _, _, text in HIT.findall(output) if rank == '1']
    assert len(first) == 3
    for text, words in zip(first, (('혈당', '관리', '방법'), ('통합돌봄', '신청'), ('온디바이스', '번역'))):
        assert all(w in text for w in words)


def test_own_query_and_top():
    done = run('장마', '비가', '--top', '2')
    hits = HIT.findall(done.stdout)
    assert (
        done.returncode == 0
        and len(hits) == 2
        and '장마' in hits[0][3]
        and float(hits[0][1]) >= float(hits[1][1])
    )
    blocks = HIT.split(done.stdout)[5::5]  # what stands under each hit
    for (_, score, *_), block in zip(hits, blocks):
        parts = [float(p) for p in re.findall(r'([\d.]+) = idf', block)]
        assert math.isclose(sum(parts), float(score), abs_tol=0.02)


def test_half_life_decides_the_lift():
    trends = TREND.findall(run('--half-life', '100000', '장마').stdout)
    assert trends and all(what == 'kept' for *_, what in trends)


def test_nothing_found():
    done = run('zebra')
    assert done.returncode == 0 and 'in no sentence' in done.stdout and not HIT.search(done.stdout)


@pytest.mark.parametrize(
    'args, named',
    [
        ([''], 'query'),
        (['?!'], 'query'),
        (['--half-life', '0'], '--half-life'),
        (['--half-life', '-3'], '--half-life'),
        (['--half-life', 'nan'], '--half-life'),
        (['--half-life', 'soon'], '--half-life'),
        (['--top', '0'], '--top'),
    ],
)
def test_errors_are_one_line(args, named):
    done = run(*args)
    assert (
        done.returncode == 2
        and done.stdout == ''
        and done.stderr.count('\n') == 1
        and named in done.stderr
        and repr(args[-1]) in done.stderr
    )
