"""Spoilt collections of each format, and thousands of strange dates: a value, a count, or an error
that names the file."""

import json
import random
import re
import time
import unicodedata
from datetime import date, datetime, timedelta, timezone

import pytest
from mutate import MUTATIONS, survive

from korean_sparse.core import DataError
from korean_sparse.text.dates import date_fault, parse_date
from korean_sparse.timeline.dated import DatedTally, read_dated

ROWS = [
    ('0', '2024-03-05 23:30:00 UTC', '첫눈', '서울에 첫눈이 왔다.'),
    ('1', '20240306', '비', '비가, "많이" 왔다.'),
    ('2', '입력 2024.03.07. 오후 11:30', '바람', '바람이 분다.'),
    ('3', '2024년 3월 8일', '더위', '더위가 왔다 ㅎㅎ'),
    ('4', '1709942400', '안개', '안개가 짙다.'),
    ('5', '3일 전', '서리', '서리가 내렸다.'),
]
NAMES = ('번호', '작성일', '제목', '내용')


def collection(ending: str) -> bytes:
    "The same six rows in each format."
    if ending == 'csv':
        rows = [NAMES, *([f.replace('"', '""') for f in row] for row in ROWS)]
        return '\n'.join(','.join(f'"{f}"' for f in row) for row in rows).encode('utf-8-sig')
    if ending == 'tsv':
        return '\n'.join('\t'.join(row) for row in [NAMES, *ROWS]).encode()
    objects = [dict(zip(NAMES, row)) for row in ROWS]
    objects[1]['내용'] = ['비가 왔다.', {'text': '많이 왔다.'}]
    objects[2]['번호'] = 7
    if ending == 'json':
        return json.dumps(objects, ensure_ascii=False).encode()
    return '\n'.join(json.dumps(row, ensure_ascii=False) for row in objects).encode()


@pytest.mark.parametrize('ending', ['csv', 'tsv', 'jsonl', 'json'])
def test_a_spoilt_collection_is_read_counted_or_named(ending, tmp_path):
    most = 0

    def read(path):
        nonlocal most
        tally = DatedTally()
        items = list(read_dated(path, tally=tally, until=date(2026, 1, 1)))
        assert len({item.id for item in items}) == len(items) == tally.kept
        assert all('1000-01-01' <= item.date <= '2026-01-01' for item in items)
        assert not any('\ud800' <= c <= '\udfff' for item in items for c in item.title + item.text + item.id)
        most = max(most, tally.kept)

    fine, refused = survive(read, collection(ending), tmp_path / f'spoilt.{ending}')
    assert fine + refused == MUTATIONS and most >= 5
    assert fine >= MUTATIONS // 20  # one spoilt byte can break a document of JSON


PIECES = (
    '2024 24 03 3 05 5 12 13 23 30 00 59 '
    '1709650200 20240305 202403051230 年 년 월 일 시 분 초 . . - - / : : T Z '
    'UTC GMT KST +0900 -05:00 [Asia/Seoul] '
    '(화) 화요일 오전 오후 am PM Mar March Tue ~ 입력 수정 등록 전 ago 어제 '
    "yesterday days '24 ’24 서기 단기 4357 0000 9999 99 "
    "31 30 29 02 2월 , ( ) [ ] '' \u200b \ufeff \u3000 ２０２４ ９ ㆍ · 1e9 "
    '0x7 -1 NaN null \ud83d \x00'
).split(' ')
FORMS = (
    '2024-03-05 23:30:00 UTC',
    '입력 2024.03.05. 오후 11:30 수정 2024.03.06. 오전 9:00',
    '2024년 3월 5일 (화) 오후 11시 30분',
    'Tue Mar 05 23:30:00 KST 2024',
    'Tue, 05 Mar 2024 23:30:00 +0900',
    '20240305T123000+0900',
    '2024.03.05 ~ 03.07',
    '’24. 3. 5. 23:30',
    '1709650200000',
    '12/25/2024 11:30 PM',
    '3일 전',
    '어제 23:30',
)
SOME_DAY = date(2024, 3, 6)


def strange_dates(count: int, seed: int = 0):
    rng = random.Random(seed)
    for n in range(count):
        if n % 2:
            yield rng.choice(['', ' ']).join(rng.choices(PIECES, k=rng.randint(1, 9)))
            continue
        text = list(rng.choice(FORMS))
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(text) + 1)
            text[place : place + rng.randint(0, 2)] = rng.choice(
                ['', rng.choice(PIECES), rng.choice('0123456789')]
            )
        yield ''.join(text)


def stands_in(day: date, text: str) -> bool:
    "Whether the digits of a day, or of one beside it (zones move by one), are in the text."
    text = re.sub('[\u200b\ufeff]', '', unicodedata.normalize('NFKC', text))
    digits = re.sub(r'\D+', ' ', text)
    numbers = {int(n) for n in digits.split()} | {int(n) for n in re.findall(r'(?=(\d\d))', digits)}
    for shift in (-1, 0, 1):
        d = day + timedelta(shift)
        year = {d.year, d.year % 100, d.year + 2333} & numbers or str(d.year) in digits
        month = d.month in numbers or f'{d:%b}'.lower() in text.lower()
        if year and month and d.day in numbers:
            return True
    return bool(re.fullmatch(r'-?\d{9,19}(\.\d+)?', digits.strip().replace(' ', '.')))  # counted from 1970


def test_a_strange_date_is_none_or_the_day_that_stands_in_it():
    read = 0
    begin = time.monotonic()
    for text in strange_dates(20_000):
        day = parse_date(text)
        assert (day is None) == bool(date_fault(text)), text
        if day is not None:
            read += 1
            assert date(1000, 1, 1) <= day <= date(2100, 12, 31) and stands_in(day, text), (text, day)
        again = parse_date(text, reference=SOME_DAY)
        assert day is None or again == day, (text, day, again)  # a reference changes no day that is written
    assert read > 1000
    assert time.monotonic() - begin < 20


def test_no_value_of_any_type_raises():
    rng = random.Random(1)
    values = [0, -1, True, None, b'2024', [], {}, object(), float('nan'), float('inf'), 10**400, -(10**400)]
    values += [datetime.min, datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))), date.max, 1e308, 1j]
    values += [rng.choice((1, -1)) * 10 ** rng.uniform(0, 30) for _ in range(1000)]
    values += [int(10 ** rng.uniform(0, 30)) for _ in range(1000)]
    values += [''.join(map(chr, rng.choices(range(1, 0xD800), k=rng.randint(1, 30)))) for _ in range(1000)]
    values += [sign * 200 for sign in ' .-:/([2~입a\x00'] + ['2' * 5000, '2024-03-05' + ' ' * 100_000 + 'x']
    values += [f'2024-03-05 23:30 +0900 {part * 85}!' for part in ('AA', '수정', '입력', '[]', '~ ', '1:')]
    begin = time.monotonic()
    for value in values:
        day = parse_date(value, reference=SOME_DAY)
        assert day is None or date(1000, 1, 1) <= day <= date(2100, 12, 31), value
    assert time.monotonic() - begin < 5


def test_a_count_since_1970_is_that_day_whatever_its_unit():
    rng = random.Random(2)
    for _ in range(2000):
        moment = datetime.fromtimestamp(rng.uniform(1.0e9, 1.89e9), timezone.utc)
        seconds = int(moment.timestamp())
        day = moment.astimezone(timezone(timedelta(hours=9))).date()
        for unit in (1, 10**3, 10**6, 10**9):
            assert parse_date(seconds * unit) == parse_date(str(seconds * unit)) == day


def test_all_ways_to_write_an_instant_name_one_day():
    rng = random.Random(3)
    forms = (
        '{:%Y-%m-%dT%H:%M:%S}Z',
        '{:%Y-%m-%d %H:%M:%S} UTC',
        '{:%Y-%m-%d %H:%M:%S}.123456789 +0000',
        '{:%Y/%m/%d %H:%M} GMT',
        '{:%Y.%m.%d. %H:%M} (UTC)',
        '{:%Y년 %m월 %d일 %H시 %M분} UTC',
        '{:%Y. %m. %d. %p %I:%M:%S} UTC',
        '{:%a, %d %b %Y %H:%M:%S} GMT',
        '{:%a %b %d %H:%M:%S} UTC {:%Y}',
        '{:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)',
        '{:%Y%m%d%H%M%S}Z',
        '{:%Y%m%dT%H%M}+0000',
        '{:%Y%m%d %H:%M:%S} UTC+0',
        '{:%b %d, %Y %I:%M %p} UTC',
        '{:%d/%b/%Y:%H:%M:%S} +0000',
        '{:%Y-%m-%dT%H:%M:%S}Z[UTC]',
        '입력 {:%Y-%m-%d %H:%M} UTC',
    )
    for _ in range(300):
        moment = datetime.fromtimestamp(rng.uniform(1.0e9, 1.9e9), timezone.utc)
        for zone in ('Asia/Seoul', 'UTC', 'America/New_York'):
            days = {form: parse_date(form.format(moment, moment), zone) for form in forms}
            assert set(days.values()) == {parse_date(moment, zone)}, (moment, zone, days)
        local = {
            parse_date(f'{moment:%Y-%m-%d %H:%M}{end}')
            for end in ('', ' KST', '+09', ' +09:00:00', ' Asia/Seoul')
        }
        assert local == {moment.date()}


def test_the_error_of_a_folder_names_what_is_wrong(tmp_path):
    (tmp_path / 'a.csv').write_text('이름,높이\n서울,86\n', encoding='utf-8')
    (tmp_path / 'b.csv').write_text('이름,나이\n하나,7\n', encoding='utf-8')
    with pytest.raises(DataError, match='a.csv'):
        list(read_dated(tmp_path))
