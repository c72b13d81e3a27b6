"""Spoilt files through the one reader of lines and records, and those that read rows and documents by it."""

import gzip
import json
import logging

import pytest
from mutate import MUTATIONS, mutations, survive

from korean_sparse.core.files import open_text, read_json_lines, read_rows, write_rows
from korean_sparse.core.records import (
    DATED,
    DOCUMENT,
    PAIR,
    Ids,
    as_text,
    read_lines,
    read_records,
    read_text,
    settle,
)
from korean_sparse.core.rows import DataError, NewsItem
from korean_sparse.opensearch.shards import read_documents

ROWS = [
    {'id': 1, '제목': '빈대 비상', 'text': '숙박업소에서 빈대가 나왔다. "정말로?"', 'date': '2023-11-02'},
    {'id': 2, '제목': 'A "quoted" title', 'text': ['첫 문장.', '둘째 문장, 쉼표.'], 'date': '2023-11-03'},
    {'id': 3, '제목': '😀', 'text': '셋째', 'date': None},
]
TABLE = [{k: '\n'.join(v) if isinstance(v, list) else str(v) for k, v in row.items()} for row in ROWS]
LINES = '\n'.join(json.dumps(row, ensure_ascii=n != 1) for n, row in enumerate(ROWS)) + '\n'


def as_csv(delimiter: str) -> str:
    rows = [list(ROWS[0])] + [list(row.values()) for row in TABLE]
    quoted = [['"' + v.replace('"', '""') + '"' if set(v) & set('",;\n') else v for v in row] for row in rows]
    return '\r\n'.join(delimiter.join(row) for row in quoted) + '\r\n'


def as_tsv() -> str:
    rows = [list(ROWS[0])] + [[v.replace('\n', ' ') for v in row.values()] for row in TABLE]
    return '\n'.join('\t'.join(row) for row in rows) + '\n'


FILES = {
    'a.jsonl': LINES.encode(),
    'a.json': json.dumps({'count': 3, 'data': ROWS}, ensure_ascii=False, indent=1).encode(),
    'a.csv': as_csv(',').encode('utf-8-sig'),
    'b.csv': ('sep=;\r\n' + as_csv(';')).encode(),
    'a.tsv': as_tsv().encode(),
    'a.txt': as_tsv().encode('utf-16'),
    'b.jsonl.gz': gzip.compress(LINES.encode(), mtime=0),
}


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.ERROR, 'korean_sparse')


class Report:
    def __init__(self):
        self.places = []

    def drop(self, reason, where):
        assert reason and where
        self.places.append(where)


def use(path, report=None) -> int:
    "What every caller does with records: columns, texts, ids."
    ids, n = Ids(), 0
    for n, (where, row) in enumerate(read_records(path, report=report), 1):
        assert path.name in where and all(isinstance(k, str) for k in row)
        for schema in (DOCUMENT, DATED, PAIR):
            settle(row, schema)
        for name in ('제목', 'text'):
            as_text(row.get(name), where, name).encode()  # nothing that cannot be written
        ids(row.get('id', n), where)
    return n


@pytest.mark.parametrize('name', FILES)
def test_whole_files_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    rows = [row for _, row in read_records(path)]
    assert [as_text(row['text'], '', '').replace('\n', ' ') for row in rows] == [
        row['text'].replace('\n', ' ') for row in TABLE
    ]


@pytest.mark.parametrize('name', FILES)
def test_spoilt_records(tmp_path, name):
    fine, refused = survive(use, FILES[name], tmp_path / name)
    assert fine >= MUTATIONS // 50 and refused >= MUTATIONS // 50


@pytest.mark.parametrize('name', ['a.jsonl', 'a.csv', 'a.tsv'])
def test_spoilt_records_are_counted(tmp_path, name):
    left_out = []

    def count(path):
        report = Report()
        for where, row in read_records(path, report=report):
            as_text(row.get('title'), where, 'title')
        left_out.append(len(report.places))

    survive(count, FILES[name], tmp_path / name)
    assert sum(left_out) >= MUTATIONS // 8


def test_spoilt_lines_and_texts(tmp_path):
    def read(path):
        lines = list(read_lines(path))
        assert [n for n, _ in lines] == list(range(1, len(lines) + 1))
        text = read_text(path).replace('\ufeff', '')
        assert (
            text.split('\n')[: len(lines)] == [line.replace('\ufeff', '') for _, line in lines] or not lines
        )
        with open_text(path) as f:
            f.read()

    def stream(path):
        with open_text(path) as f:
            for _ in f:
                pass

    survive(read, FILES['a.jsonl'], tmp_path / 'a.txt')
    survive(stream, FILES['a.jsonl'], tmp_path / 'a.txt')
    survive(stream, FILES['b.jsonl.gz'], tmp_path / 'a.txt.gz')
    survive(read, FILES['a.txt'], tmp_path / 'a.txt')
    survive(read, FILES['b.jsonl.gz'], tmp_path / 'a.txt.gz')


def test_spoilt_rows(tmp_path):
    items = [NewsItem(str(n), '2024-07-03', '제목', f'본문 {n}') for n in range(4)]
    write_rows(tmp_path / 'whole.jsonl', items)
    data = (tmp_path / 'whole.jsonl').read_bytes()
    survive(lambda path: list(read_rows(path, NewsItem)), data, tmp_path / 'a.jsonl')
    survive(lambda path: list(read_json_lines(path)), data, tmp_path / 'a.jsonl')
    write_rows(tmp_path / 'whole.parquet', items)
    data = (tmp_path / 'whole.parquet').read_bytes()
    survive(lambda path: list(read_rows(path, NewsItem)), data, tmp_path / 'a.parquet')


@pytest.mark.parametrize('name', ['a.jsonl', 'a.csv'])
def test_spoilt_documents(tmp_path, name):
    def read(path):
        for row in read_documents(path):
            assert row['id'] and row['text'].strip() and row['text'].encode()

    survive(read, FILES[name], tmp_path / name)


def test_what_is_written_is_read_again(tmp_path):
    "Rows of spoilt texts, halves of characters among them, through every format that we write."
    texts = [s.decode('utf-8', 'surrogateescape') for s in mutations('빈대 😀 비상'.encode(), 200)]
    rows = [{'id': str(n), 'text': text} for n, text in enumerate(texts)]
    for ending in ('.jsonl', '.jsonl.gz', '.jsonl.zst', '.parquet'):
        path = tmp_path / f'a{ending}'
        assert write_rows(path, rows) == len(rows)
        if ending != '.parquet':
            read = [row for _, row in read_json_lines(path)]
            assert [row['id'] for row in read] == [row['id'] for row in rows]
            assert all('\udc00' not in row['text'] and row['text'].encode() is not None for row in read)


def test_an_error_is_a_data_error_whatever_the_caller_gives(tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_bytes(LINES.encode())
    with pytest.raises(DataError, match='klingon'):
        list(read_lines(path, 'klingon'))
    with pytest.raises(DataError, match='a folder'):
        list(read_lines(tmp_path))
