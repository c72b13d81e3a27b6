"""A question in one spelling finds a text in another, by the terms that the other spellings of the text
add; and any string at all is read without an error, quickly."""

import random
import time

import pytest
from conftest import ROOT
from tokenizers import Tokenizer

from korean_sparse.text.normal import normalize
from korean_sparse.text.spellings import other_spellings, spelling_spans

# a question | a text that says the same
SAME = [
    line.split('|')
    for line in """
천만원|등록금 ₩10,000,000
₩10,000,000|등록금은 천만원이다
1,000만원|등록금 10,000,000원
10,000,000원|등록금 1천만 원을 냈다
10000000원|등록금 천만 원
1천만원|상금은 1000만원
10 million won|상금은 천만원
천만원|a prize of 10 million won
1천만원|KRW 10,000,000
35,000원|요금은 3만 5천원입니다
35000원|요금 3만5천원
3만5천원|요금 35,000원
3만5000원|요금은 삼만오천원
삼만오천원|요금 ₩35,000
삼만 오천 원|요금이 3만5천원
1억 5000만|보증금 1억5천에
1억 5천만|전세금이 1억5천 정도
5천원|커피 한 잔 5,000원
오천원|커피값 5000원
5,000원|커피값이 오천 원
만원|입장료 10,000원
만 원|입장료가 10,000원
10,000원|입장료는 만원
1만원|입장료 만 원
1억 2천만|예산 120,000,000원
1억2000만원|예산 1억 2천만 원
150만 달러|it cost $1.5 million
$1.5 million|수출 150만 달러
1,500,000달러|raised $1.5M
30억 달러|a deal of US$3bn
2조 3,000억원|매출 2조3천억원
2.3 trillion won|매출 2조 3천억 원
35,000명|관객 3만 5천 명
3만5천명|관객 35,000명
3.5만 명|관객 35,000명이 왔다
백만 명|관객 1,000,000명
2,000|two thousand people came
2000|two thousand people came
two thousand|2,000 people came
10,000|10k followers
5,000,000|five million people
500만|5 million people
25|twenty-five years
15%|찬성은 15퍼센트였다
15퍼센트|찬성 15%
15 percent|찬성 15%
15프로|찬성 15%
15%|fifteen percent agreed
3.5%p|금리가 3.5%포인트 올랐다
5킬로미터|5km를 걸었다
5km|5킬로미터를 걸었다
10키로|체중이 10kg 줄었다
500밀리리터|우유 500ml
2024년|이천이십사년 봄
15분|십오 분 동안
십년|10년이 걸렸다
20대|이십대 청년
2명|두 명이 다쳤다
두 명|2명이 다쳤다
15살|열다섯 살 소년
15세|열다섯 살 소년
65살|65세 이상
케이티엑스|KTX는 빠르다
KTX|케이티엑스를 탔다
SKT|에스케이티 대리점
에스케이티|SKT 대리점
엘지|LG 냉장고
LG전자|엘지전자 냉장고
KBS|케이비에스 뉴스
케이비에스|KBS 뉴스
유에스비|USB 메모리
USB|유에스비메모리
에이아이|AI 시대
AI|에이아이 시대
와이파이|무료 Wi-Fi
wifi|무료 와이파이
피씨|PC를 고쳤다
PC|피시를 고쳤다
PC방|피시방에서
티비|TV를 켰다
TV|티비를 켰다
디엔에이|DNA 검사
DNA|디엔에이 검사
HIV|에이치아이브이 감염
에이치아이브이|HIV 감염
CCTV|시시티비를 달았다
씨씨티비|CCTV를 달았다
UN|유엔 사무총장
엑스레이|X-ray 사진
X-ray|엑스레이 사진
케이팝|K-pop concert
K팝|케이팝 공연
MP3|엠피쓰리 플레이어
KF94|케이에프94 마스크
GDP|지디피 성장률
USA|made in the U.S.A.
아이폰15|the iPhone 15
iPhone 15|아이폰15 케이스
갤럭시 S24|Galaxy S24 review
Galaxy S24|갤럭시 S24 후기
윈도우 11|Windows 11
PlayStation 5|플레이스테이션 5
""".strip().split('\n')
]

# texts in which nothing is an amount or an abbreviation; what is alone here must stay alone
ALONE = """
만 나이로 센다
만리장성에 올랐다
천사와 백조, 억새와 조선
백화점 천장이 높다
이천시 도자기
구리와 철 사이
천만에요 천만다행이다
만일 만약 만년필 만화
백일장에 나갔다
민법 제3조에 따라
헌법 3조 1항
3조 2교대 근무
3원칙과 5원소
만원 버스를 탔다
(단위: 백만원)
몇 천 원, 수십만 명, 삼사 년
비디오와 오디오
이유와 오이
에이스와 케이블
엔지니어의 아이디어
유지하고 지지한다
02-123-4567
010-1234-5678
2024. 3. 5.
2024년 3월 5일
Python 3.11.2
우편번호 06236
주문 20230001
아이폰을 샀다
The galaxy is old
F-16 and COVID-19
NATO and NASA
it is for us
nineteen eighty-four
in the twenty-first century
they won 3 and lost 2
half a million
""".strip().split('\n')


@pytest.fixture(scope='module')
def tokenizer():
    return Tokenizer.from_file(str(ROOT / 'korean_sparse/model/tokenizer.json'))


def terms(text: str, tokenizer: Tokenizer) -> set[str]:
    "What a text is cut into, without signs and the endings that every text has."
    tokens = tokenizer.encode(text, add_special_tokens=False).tokens
    return {t for t in tokens if any(c.isalnum() for c in t)}


@pytest.mark.parametrize('question, text', SAME, ids=[' = '.join(pair) for pair in SAME])
def test_a_question_meets_the_other_spelling(question, text, tokenizer):
    added = set().union(*(terms(s, tokenizer) for s in [text, *other_spellings(text)]))
    missing = terms(question, tokenizer) - added
    assert not missing, f'{question!r}: {missing} is in none of {other_spellings(text)}'


@pytest.mark.parametrize('text', ALONE)
def test_what_is_no_amount_stays_alone(text):
    assert other_spellings(text) == []


def test_spellings_are_few_new_and_where_they_are_said_to_be():
    for _, text in SAME:
        for start, end, spellings in spelling_spans(text):
            here = normalize(text[start:end]).replace(' ', '')
            looks = [normalize(s).replace(' ', '') for s in spellings]
            assert 0 < len(looks) <= 7 and here not in looks and len(set(looks)) == len(looks), (
                text,
                spellings,
            )


PIECES = (
    '천 만 억 조 원 이 삼 십 백 1 0 , . 000 3.5 ₩ $ % km 여 명 세 두 번째 열 KTX 케이 티 엑스 유엔 이 '
    'AI U. S. one two million hundred and a won - / : ( ) \n \t \x00 \ud83d \u200b １ ㎞ ㍿ ㆍ ᄒᆞᆫ é 가 😀'
).split(' ')


def test_any_string_is_read():
    rng, begin = random.Random(26), time.perf_counter()
    for _ in range(1000):
        pieces = [rng.choice(PIECES) + ' ' * rng.randrange(2) for _ in range(rng.randrange(60))]
        text = ''.join(chr(rng.randrange(0x110000)) if rng.random() < 0.03 else p for p in pieces)
        spans = spelling_spans(text)
        assert spans == spelling_spans(text)
        ends = [0, *(end for _, end, _ in spans)]
        assert all(a <= start < end <= len(text) for a, (start, end, _) in zip(ends, spans)), text
        assert all(isinstance(s, str) and s for s in other_spellings(text))
    assert time.perf_counter() - begin < 20


def test_long_texts_take_their_time_once():
    "Twenty times the text takes about twenty times as long, whatever it repeats."
    for piece in (
        *PIECES,
        '1,',
        '1만 ',
        '천 ',
        'one ',
        '케이',
        'A.',
        '1억 2천',
        '9',
        '만 천',
        'a million and ',
    ):
        times = []
        for n in (2000, 40_000):
            begin = time.process_time()
            other_spellings(piece * n)
            times.append(time.process_time() - begin)
        assert times[1] < 60 * times[0] + 0.3, (piece, times)
