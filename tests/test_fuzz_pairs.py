"Lists of synonyms, spoilt in many ways: pairs, or an error with the file's name."

import json
from collections import Counter
from contextlib import suppress

import pytest
from mutate import MUTATIONS, survive

from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.rows import DataError, SynonymPair
from korean_sparse.pairs.sources import dictionary_evidence
from korean_sparse.pairs.word_lists import read_dictionary

TABLE = '표제어,동의어,뜻,점수\n체인,"사슬, 쇠줄",힘을 옮긴다,0.9\n안장,새들,,90%\n\n튜브,속바퀴,"공기를\n담는다",\n'
SHAPES = {
    'version': 2,
    'groups': [['체인', '사슬', 'chain'], ['안장', '새들', 0.9]],
    'data': {'튜브': ['속바퀴'], '바퀴살': {'synonyms': '스포크, 살', 'english': 'spoke', 'score': '0.8'}},
    '페달': [{'term': '발판', 'score': 80}, ['발걸이', 0.5]],
    'metadata': {'author': '공방', 'tags': ['자전거']},
}
LINES = [
    {'left': '체인', 'right': '사슬', 'left_lang': 'ko', 'right_lang': 'ko', 'source': 'x', 'score': 0.9},
    {'korean': '안장', 'english': 'saddle', 'score': '0.7'},
    {'term': '튜브', 'synonyms': ['속바퀴', 'inner tube']},
]
FILES = {
    'a.csv': TABLE,
    'b.tsv': TABLE.replace(',', '\t').replace('"', ''),
    'c.txt': '# 공방\n체인, 사슬, chain\n새들 => 안장\nc\\#, 씨샵, 0.9\n튜브\t속바퀴\t0.8\n',
    'd.json': json.dumps(SHAPES, ensure_ascii=False),
    'e.json': json.dumps([LINES, ['체인, 사슬', '새들 => 안장']], ensure_ascii=False),
    'f.jsonl': ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in LINES),
    'g.pl': "s(1,1,'체인',n,1,0).\ns(1,2,'사슬',n,1,0).\ns(2,1,'rock ''n'' roll',n,1,0).\n",
}


@pytest.mark.parametrize('name', FILES)
def test_a_spoilt_list_is_read_or_named(name, tmp_path):
    def read(path):
        for left, right, score, where in read_dictionary(path, report=LeftOut()):
            assert left.encode() is not None and right.encode() is not None and where
            assert score is None or 0 <= score <= 100

    fine, refused = survive(read, FILES[name].encode(), tmp_path / name)
    assert fine >= MUTATIONS // 20 and refused > 0


def test_a_spoilt_list_becomes_evidence_or_is_named(tmp_path):
    def read(path):
        for row in dictionary_evidence(path, Counter()):
            SynonymPair(row.left, row.right, row.left_lang, row.right_lang, row.source, row.weight)

    survive(read, FILES['d.json'].encode(), tmp_path / 'd.json')


def test_a_long_line_takes_linear_time(tmp_path):
    path = tmp_path / 'long.txt'
    for text in (
        'a' * 2_000_000 + ', b\n',
        '\\,' * 500_000 + ', b\n',
        ' #' * 500_000 + '\n',
        '(' * 500_000 + ',b\n',
    ):
        path.write_text(text)
        with suppress(DataError):  # a comment alone is no list
            list(read_dictionary(path, report=LeftOut()))
