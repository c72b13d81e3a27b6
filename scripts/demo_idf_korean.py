#!/usr/bin/env python3
"""Inference-free sparse retrieval for Korean in one file. Standard library only, Python 3.9 or later.

    python scripts/demo_idf_korean.py                                  three built-in queries
    python scripts/demo_idf_korean.py "혈당 관리 방법"                  a query of your own
    python scripts/demo_idf_korean.py --half-life 90 --top 5 "장마 비"

Documents are weighted when they are indexed (here: the BM25 term-frequency part; in korean_sparse: a trained
encoder). A query runs no model: each of its terms is there or not, and counts as much as its idf. Terms that
emerge late are lifted by date.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import unicodedata
from collections import Counter
from datetime import date

SENTENCES = """
2023-01-12 독감 예방접종은 겨울이 오기 전에 미리 맞는 것이 좋다.
2023-02-08 전세 계약을 맺기 전에는 등기부를 떼어 빚이 있는지 확인해야 한다.
2023-03-16 황사와 미세먼지가 겹친 날에는 창문을 닫고 마스크를 쓴다.
2023-04-25 기초연금은 예순다섯 살 생일이 든 달의 한 달 전부터 주민센터에서 신청할 수 있다.
2023-05-30 번역 프로그램은 대개 문장을 서버로 보내 결과를 받아 온다.
2023-06-26 장마가 시작되어 남부 지방에 많은 비가 내렸다.
2023-07-04 된장찌개는 멸치 국물에 된장을 풀고 두부를 나중에 넣는다.
2023-07-19 임대차 계약이 끝나도 보증금을 못 받으면 임차권 등기를 신청할 수 있다.
2023-08-09 태풍이 오기 전에는 창문을 잠그고 배수구를 치운다.
2023-08-22 스마트폰 배터리는 뜨거운 곳에 두면 수명이 줄어든다.
2023-09-05 혈압은 아침저녁 같은 시각에 앉아서 재야 정확하다.
2023-10-17 장기요양 등급을 받으면 집에서 방문 돌봄을 이용할 수 있다.
2023-11-02 상속을 포기하려면 석 달 안에 가정법원에 신고해야 한다.
2023-11-21 김장 배추는 소금물에 열 시간쯤 절여야 간이 고르다.
2024-01-23 비밀번호는 길게 만들고 누리집마다 다르게 쓰는 것이 안전하다.
2024-02-14 식사 뒤 10분만 걸어도 혈당이 천천히 오른다.
2024-03-05 육아휴직 급여는 고용센터나 누리집에서 신청한다.
2024-03-28 혈당 관리 방법으로는 규칙적인 식사와 꾸준한 운동이 첫손에 꼽힌다.
2024-04-02 미세먼지 농도가 높으면 바깥 운동을 줄여야 한다.
2024-04-16 임금을 받지 못한 노동자는 노동청에 진정을 낼 수 있다.
2024-05-21 전기차 배터리는 추운 날 충전이 느리고 달리는 거리도 짧아진다.
2024-06-27 불면증이 이어지면 낮잠을 줄이고 잠드는 시각을 일정하게 지킨다.
2024-06-29 장마 전선이 북상하여 밤사이 시간당 50mm의 비가 쏟아졌다.
2024-07-23 긴급 생계비 지원은 주민센터에서 상담한 뒤 신청한다.
2024-08-13 폭염이 열흘 넘게 이어져 무더위 쉼터가 밤에도 문을 연다.
2024-09-24 계약 해지를 알릴 때는 내용증명을 보내 두면 증거가 된다.
2024-10-08 온디바이스 AI는 인터넷 없이 스마트폰 안에서 계산을 마친다.
2024-11-12 김장 양념에 새우젓을 넣으면 김치가 시원하게 익는다.
2024-11-19 통합돌봄은 살던 집에서 의료와 요양을 함께 받게 하는 제도이다.
2024-12-17 저속노화 식단은 흰쌀 대신 잡곡과 콩과 채소를 넉넉히 담는다.
2025-01-09 독감 환자가 늘어 보건소가 어르신 예방접종을 서두르고 있다.
2025-01-21 온디바이스 번역은 통화 내용을 서버로 보내지 않아 개인정보를 지킨다.
2025-02-25 가람시가 통합돌봄 창구를 열고 어르신의 퇴원 뒤 생활을 돕는다.
2025-03-11 보건소에서 혈당을 재고 기록하는 요령을 알려 준다.
2025-03-25 봄바람에 미세먼지는 걷혔지만 산불 위험이 커졌다.
2025-04-29 새 노트북에 온디바이스 요약 기능이 들어가 회의록을 바로 정리한다.
2025-05-13 소액 사건은 변호사 없이도 법원에 소장을 낼 수 있다.
2025-05-27 저속노화 식사가 인기를 끌어 잡곡을 찾는 사람이 늘었다.
2025-06-10 통합돌봄 신청은 가까운 주민센터에서 받는다.
2025-06-24 올해 장마는 짧아도 비가 한꺼번에 내려 침수에 대비해야 한다.
2025-08-26 온디바이스 모델은 크기를 줄여도 한국어 문장을 잘 알아듣는다.
2025-09-16 간호사와 복지사가 한 팀이 되어 통합돌봄 대상자를 찾아간다.
2025-09-30 저속노화를 다룬 요리 강좌에서 콩밥과 나물을 만든다.
2025-10-14 전세 계약서에는 확정일자를 받아 두어야 안전하다.
"""
QUERIES = ('혈당 관리 방법', '통합돌봄은 어디에 신청하나요?', '온디바이스로 번역하기')

K1, B = 1.2, 0.75  # BM25: how soon repetition saturates, how much length counts
LOWEST, HIGHEST = 1e-6, 64.0  # every weight lies in (0, 64]
MIN_DOCS, MIN_RATIO, GAIN = (
    3,
    2.0,
    0.5,
)  # a term emerges in 3 documents at least, its share at least doubled; half of the log ratio is added

# Suffixes by what they follow: a final consonant, a vowel, or either
AFTER_CONSONANT = '은 이 을 과 으로 이나 이란 이라 이라고 으로는 으로도 으로서 으로써'
AFTER_VOWEL = '는 가 를 와 로 나 로는 로도 로서 로써'
AFTER_ANY = (
    '에 의 도 에서 에게 께서 한테 까지 부터 보다 처럼 마다 조차 밖에 에는 에도 에서는 에서도 에게는 에게서 까지는 부터는 들 쯤 이다 이고 이며 입니다 인가요 '
    '한 할 하다 한다 했다 하는 하고 하면 하며 하여 해서 해야 하기 하게 하지 하려면 하나요 합니다 했습니다 '
    '된 될 되다 된다 됐다 되는 되고 되면 되며 되어 돼야 되나요 됩니다 됐습니다'
)
SUFFIXES = {
    s: rule
    for rule, group in (('consonant', AFTER_CONSONANT), ('vowel', AFTER_VOWEL), ('any', AFTER_ANY))
    for s in group.split()
}
LONGEST = max(map(len, SUFFIXES))
STOPWORDS = set('수 것 것이 있다 있는 있는지 전에 뒤 때 때는 같은 함께 없이 어디 어떻게 무엇'.split())


def fits(stem: str, suffix: str) -> bool:
    """Whether `suffix` may follow the last syllable of `stem`: 은 after a consonant, 는 after a vowel, 로 after
    ㄹ too."""
    final, rule = (ord(stem[-1]) - 0xAC00) % 28, SUFFIXES.get(suffix)
    if rule == 'vowel':
        return final == 0 or (final == 8 and suffix.startswith('로'))
    return rule == 'any' or (rule == 'consonant' and final > 0)


def strip_endings(word: str) -> str:
    """Take the longest fitting suffix off while a stem of two syllables remains: 보건소에서는 -> 보건소."""
    for n in range(min(LONGEST, len(word) - 2), 0, -1):
        if fits(word[:-n], word[-n:]):
            return strip_endings(word[:-n])
    return word


def tokenize(text: str) -> list[str]:
    """Lower-cased terms: runs of Hangul without endings, of Latin letters, of digits; stopwords and suffixes
    standing alone (AI+는) are dropped."""
    runs = re.findall(r'[가-힣]+|[a-z]+|[0-9]+', unicodedata.normalize('NFKC', text).lower())
    terms = (strip_endings(r) for r in runs if r not in SUFFIXES)
    return [t for t in terms if t not in STOPWORDS]


def bounded(weight: float) -> float:
    """Keep a weight in (0, 64], where an inverted index can store it."""
    return min(max(weight, LOWEST), HIGHEST)


def count_docs(docs: list[list[str]]) -> Counter:
    """Number of documents that each term occurs in."""
    return Counter(t for doc in docs for t in dict.fromkeys(doc))


def idf_weights(df: Counter, n: int) -> dict[str, float]:
    """idf = ln(1 + (N - df + 0.5) / (df + 0.5))."""
    return {t: bounded(math.log(1 + (n - k + 0.5) / (k + 0.5))) for t, k in df.items()}


def shares(docs: list[list[str]], dates: list[date], half_life: float) -> dict[str, tuple[float, float]]:
    """Each term's share of the documents (before, now): now counts a document 2^(-age/half-life), before
    counts the rest of it."""
    recency = [2.0 ** (-(max(dates) - d).days / half_life) for d in dates]
    total, df, fresh = sum(recency), count_docs(docs), Counter()
    for doc, r in zip(docs, recency):
        for t in dict.fromkeys(doc):
            fresh[t] += r
    n = len(docs)  # one imaginary document of the overall share, k/n, keeps both shares above zero
    return {
        t: ((k - fresh[t] + k / n) / (n - total + 1), (fresh[t] + k / n) / (total + 1)) for t, k in df.items()
    }


def lift(idf: dict[str, float], share: dict[str, tuple[float, float]], df: Counter) -> dict[str, float]:
    """Add GAIN * ln(share now / share before) to the idf of the terms that emerge; leave all others alone."""
    emerging = {
        t: now / before
        for t, (before, now) in share.items()
        if df[t] >= MIN_DOCS and now >= MIN_RATIO * before
    }
    return {t: bounded(w + GAIN * math.log(emerging[t])) if t in emerging else w for t, w in idf.items()}


def doc_weights(docs: list[list[str]]) -> list[dict[str, float]]:
    """The BM25 term-frequency part of every document: tf (k1 + 1) / (tf + k1 (1 - b + b length / mean
    length))."""
    mean = sum(map(len, docs)) / len(docs)
    norm = [K1 * (1 - B + B * len(doc) / mean) for doc in docs]
    return [
        {t: bounded(tf * (K1 + 1) / (tf + k)) for t, tf in Counter(doc).items()} for doc, k in zip(docs, norm)
    ]


def search(
    query: str, idf: dict[str, float], vectors: list[dict[str, float]]
) -> list[tuple[float, int, dict[str, float]]]:
    """(score, document number, contribution of each matched term), best first; a query term is present or
    absent."""
    terms, hits = dict.fromkeys(tokenize(query)), []
    for i, vector in enumerate(vectors):
        parts = {t: idf[t] * vector[t] for t in terms if t in vector}
        if parts:
            hits.append((sum(parts.values()), i, parts))
    return sorted(hits, key=lambda h: (-h[0], h[1]))


def pad(text: str, width: int) -> str:
    """`text` filled up to `width` columns, counting Hangul as two."""
    return text + ' ' * (width - sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text))


def print_trends(
    idf: dict[str, float], lifted: dict[str, float], share: dict[str, tuple[float, float]], df: Counter
) -> None:
    """A table of the lifted terms and of the most frequent ones that stay as they are."""
    up = sorted((t for t in idf if lifted[t] > idf[t]), key=lambda t: idf[t] - lifted[t])
    steady = [t for t, k in df.most_common() if k >= MIN_DOCS and t not in up][:5]
    print(f'  {pad("term", 14)}{"docs":>4}{"before":>9}{"now":>8}    idf before -> after')
    for t in up + steady:
        before, now = share[t]
        print(
            (
                f'  {pad(t, 14)}{df[t]:>4}{before:>9.1%}{now:>8.1%}    {idf[t]:>10.2f} -> {lifted[t]:.2f}  '
                f'{"lifted" if t in up else "kept"}'
            )
        )


def print_hits(
    query: str, idf: dict[str, float], vectors: list[dict[str, float]], rows: list[list[str]], top: int
) -> None:
    """The query's terms with their weights, then the best sentences and what each matched term gives."""
    terms = dict.fromkeys(tokenize(query))
    print(
        f'\nQuery: {query}\n  terms: '
        + ', '.join(f'{t} {idf[t]:.2f}' if t in idf else f'{t} (in no sentence)' for t in terms)
    )
    hits = search(query, idf, vectors)
    if not hits:
        print('  no sentence shares a term with it')
    for rank, (score, i, parts) in enumerate(hits[:top], 1):
        print(f'  {rank}. {score:6.2f}  {rows[i][0]}  {rows[i][1]}')
        for t, part in sorted(parts.items(), key=lambda p: -p[1]):
            print(f'{"":13}{pad(t, 14)}{part:5.2f} = idf {idf[t]:.2f} x tf {vectors[i][t]:.2f}')


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line and leaves with exit code 2."""

    def error(self, message: str) -> None:
        self.exit(2, f'{self.prog}: error: {message}\n')


def read_args() -> argparse.Namespace:
    """The command line, checked."""
    parser = OneLineParser(description='Inference-free sparse retrieval for Korean in one file.')
    parser.add_argument('query', nargs='*', help='what to look for (default: three built-in queries)')
    parser.add_argument(
        '--half-life',
        default='180',
        metavar='DAYS',
        help='age at which a sentence counts half as recent (default: 180)',
    )
    parser.add_argument('--top', default='3', metavar='N', help='sentences shown for a query (default: 3)')
    args = parser.parse_args()
    try:
        half_life = float(args.half_life)
    except ValueError:
        half_life = math.nan
    if not (math.isfinite(half_life) and half_life > 0):
        parser.error(f'--half-life must be a positive number of days, got {args.half_life!r}')
    if not (args.top.isdecimal() and int(args.top) > 0):
        parser.error(f'--top must be a whole number of 1 or more, got {args.top!r}')
    query = os.fsencode(' '.join(args.query)).decode('utf-8', 'replace')  # UTF-8 under any locale
    if args.query and not tokenize(query):
        parser.error(f'query has no term to look for, got {query!r}')
    return argparse.Namespace(
        queries=[query] if args.query else QUERIES, half_life=half_life, top=int(args.top)
    )


def main() -> None:
    """Index the sentences, lift the emerging terms, answer the queries."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding='utf-8', errors='backslashreplace')
    args = read_args()
    rows = [line.split(' ', 1) for line in SENTENCES.strip().splitlines()]
    dates, docs = [date.fromisoformat(d) for d, _ in rows], [tokenize(text) for _, text in rows]
    df = count_docs(docs)
    idf, share, vectors = idf_weights(df, len(docs)), shares(docs, dates, args.half_life), doc_weights(docs)
    lifted = lift(idf, share, df)
    print(
        (
            f'{len(docs)} sentences from {min(dates)} to {max(dates)}, {len(df)} terms, '
            f'{sum(map(len, docs)) / len(docs):.1f} terms a sentence'
        )
    )
    print(
        (
            f'\nShare of the sentences, before and now (half-life {args.half_life:g} days, counted back '
            f'from {max(dates)})'
        )
    )
    print_trends(idf, lifted, share, df)
    for query in args.queries:
        print_hits(query, lifted, vectors, rows, args.top)


if __name__ == '__main__':
    try:
        main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader, such as head, has left
