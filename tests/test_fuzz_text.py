"""Any text has a normal form and content terms, by every analyser, whatever it was before."""

import time
import unicodedata

import pytest
from mutate import mutations
from tokenizers import Tokenizer, models

from korean_sparse.core.records import whole
from korean_sparse.text import content_terms, cut, get_analyzer, language, normalize, text_hash, title_term
from korean_sparse.text.normal import tokenizer_normalizer

TEXT = """국립재활원은 내과ㆍ결핵과ㆍ흉부외과를 둔다. 5\u119e18 민주화 운동 (광주)
오늘ㅎㅎ날씨 좋네ㅋㅋㅋ 재밌닼ㅋㅋ ㅠㅠ 한국ㅣ미국 했다ㄳ ㅂ 불규칙
맛집 #서울맛집 #인공지능 #AI C#의 장점과 C++은 @여행자님 hello@example.com https://example.com/서울?q=1
①10명 Ⅲ장 3½컵 10²㎡ ㈜두부™ ﾡﾢ ＡＩ ＫＴＸ 人工知能 русский αβγ ありがとう 👨\u200d👩\u200d👧 1\ufe0f\u20e3
나랏말\u110a\u119e미 \u1112\u119e\u11ab저 옵서예 괞찮은 뷁 1,000원 2024. 3. 5. 010-0000-0000 v1.2.3-beta
보고서\x00제목 혈당\x07관리\x85끝\u2028 이름\u3164없음 \ue001\uf0b7목록
"""
FORMS = (TEXT, unicodedata.normalize('NFD', TEXT), unicodedata.normalize('NFKC', TEXT))


@pytest.fixture(scope='module')
def spoilt():
    "A thousand texts that hold every kind of damage, half of them with half characters."
    texts = []
    for i, form in enumerate(FORMS):
        for j, data in enumerate(mutations(form.encode(), 334, seed=i)):
            texts.append(data.decode('utf-8', 'surrogateescape' if j % 2 else 'replace'))
    return texts[:1000]


def test_normal_form_of_a_normal_form(spoilt):
    for text in spoilt:
        once = normalize(text)
        assert normalize(once) == once, ascii(text)
        assert once == ' '.join(once.split()) and once == whole(once)
        assert language(text) in ('ko', 'en') and len(text_hash(text)) == 24
        assert normalize(title_term(text)) == title_term(text)


@pytest.mark.parametrize('beside', ['가{}나', '{}\u1161', 'ㅋ{}ㅏ', '\u1112{}\u11ab', '1{}2'])
def test_every_character_beside_hangul(beside):
    rare = range(0x20000, 0xE0000, 0x101)  # ideographs, unassigned: a few of them
    points = [*range(0x20000), *rare, *range(0xE0000, 0xE0200), *range(0xF0000, 0x110000, 0x101)]
    for begin in range(0, len(points), 20_000):
        once = normalize('\n'.join(beside.format(chr(c)) for c in points[begin : begin + 20_000]))
        again = normalize(once)
        assert again == once, [(a, b) for a, b in zip(once.split(' '), again.split(' ')) if a != b][:5]


def test_the_same_canonically():
    "What a Mac takes apart is what it was; what NFKC spoilt is as it was typed."
    taken_apart, spoilt_before = map(normalize, FORMS[1:])
    assert taken_apart == normalize(TEXT)
    jamo = 'ㅋㅋㅋ 좋다ㅎㅎ ㅠㅠ슬퍼 ㅇㅇ 한국ㅣ미국 했다ㅡ 세종ㆍ충남'
    assert normalize(unicodedata.normalize('NFKC', jamo)) == normalize(jamo)
    assert 'ㅋㅋㅋ' in spoilt_before and '내과·결핵과' in spoilt_before


def test_a_tokenizer_does_the_same(spoilt):
    tokenizer = Tokenizer(models.WordLevel({'[UNK]': 0}, unk_token='[UNK]'))
    tokenizer.normalizer = tokenizer_normalizer()
    steps = Tokenizer.from_str(tokenizer.to_str()).normalizer
    for form in FORMS[:2]:
        assert ' '.join(steps.normalize_str(form).split()) == normalize(form)
    for text in spoilt:
        once = normalize(text)
        assert steps.normalize_str(once) == once, ascii(text)
        steps.normalize_str(whole(text))  # does not panic


@pytest.mark.parametrize('name', ['kiwi', 'mecab'])
def test_no_letter_is_lost_or_invented(name, spoilt):
    by = pytest.importorskip({'kiwi': 'kiwipiepy', 'mecab': 'mecab'}[name]) and get_analyzer(name)
    for i, text in enumerate(spoilt):
        text = text[i % 300 : i % 300 + 160]
        pieces = [surface for surface, _ in cut(text, by)]
        # code points that Unicode has not given out yet may go: they are no letters
        assert [*filter(str.isalnum, ''.join(pieces))] == [*filter(str.isalnum, normalize(text))], ascii(text)
        if i % 10 == 0:
            assert set(content_terms(text, by)) <= set(pieces)


def test_time_grows_as_the_text_does():
    begin = time.process_time()
    for piece in (
        'ㅋ',
        ' ',
        'ㆍ',
        '\u1112',
        '\u1161',
        '\u11ab',
        '²',
        '1²',
        '①',
        '\x00',
        '\u200b',
        '(',
        '\ue001',
        'Σ',
    ):
        normalize('가' + piece * 50_000 + '나')
        title_term('가' + piece * 50_000 + '나')
    assert time.process_time() - begin < 15  # a quadratic pattern needs minutes
