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


ALIKE = {
    '내과ㆍ안과': ['내과', '안과'],
    '세종\u119e충남 비': ['세종', '충남', '비'],
    '맛집 #제주여행 추천': ['맛집', '제주', '여행', '추천'],
    'C#의 장점, C++은 어렵다': ['c', '장점', 'c', '어렵'],
    '보고서 제목\x00 혈당 관리': ['보고서', '제목', '혈당', '관리'],
    '오늘ㅎㅎ날씨': ['오늘', '날씨'],
    'ㅇㅇ맞아': ['맞'],
    'ㅋㅋㅋ 재밌닼ㅋㅋ 영화': ['재밌', '영화'],
    '한국ㅣ미국 환율': ['한국', '미국', '환율'],
    'ㅂ 받침': ['ㅂ', '받침'],
    '메일 abc@example.com': ['메일', 'abc', 'example', 'com'],
    'https://example.com/서울?q=1': ['https', 'example', 'com', '서울', 'q', '1'],
    '전화 010-0000-1234': ['전화', '010', '0000', '1234'],
    '①10명, 3½컵': ['1', '10', '명', '3', '1', '2', '컵'],
    'русский αβ 人工知能': ['русский', 'αβ', '人工知能'],
    '50%의 및 API 를': ['50', 'api'],
    '나랏말ᄊᆞ미': ['나랏말ᄊᆞ미'],
    '잘 \ud83d 받았다': ['잘', '받'],
}


@pytest.mark.parametrize('name', ['kiwi', 'mecab'])
def test_all_that_is_no_korean_is_read_alike(name):
    if name == 'mecab' and not importlib.util.find_spec('mecab'):
        pytest.skip('mecab is not installed')
    by = get_analyzer(name)
    for text, terms in ALIKE.items():
        assert content_terms(text, by) == terms, ascii(text)


@pytest.mark.parametrize('name', ['kiwi', 'mecab'])
def test_morphs_of_any_string(name):
    "What C would end at, and what it cannot take, is read by `morphs` itself."
    if name == 'mecab' and not importlib.util.find_spec('mecab'):
        pytest.skip('mecab is not installed')
    by = get_analyzer(name)
    assert by.morphs('') == by.morphs('\x00') == []
    assert ('환율', 'NNG') in by.morphs('미국\x00 \ud83d 환율')


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


def test_konlpy_reads_the_same_signs():
    if not importlib.util.find_spec('konlpy'):
        pytest.skip('konlpy is not installed')
    code = (
        'from korean_sparse.text import content_terms, get_analyzer; by = get_analyzer("konlpy:Okt"); '
        'print(*content_terms("내과ㆍ안과 ㅋㅋ #제주 \\x00 \\ud83d C#", by))'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.split() == ['내과', '안과', '제주', 'c'], done.stdout
