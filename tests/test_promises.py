"""What docs/promises.md promises is kept by tests that exist; `make fuzz` counts what it should."""

import ast
import re
from pathlib import Path

import fuzz_campaign
import pytest
from conftest import ROOT

PAGES = ('docs/promises.md', 'docs/promises.ko.md')
NAMED = re.compile(r'`((?:tests|nbs)/[\w/]+\.(?:py|ipynb))(?:::(\w+))?`')


def rows(page: str) -> list[str]:
    "The table's lines, without its head."
    text = (ROOT / page).read_text(encoding='utf-8')
    return [line for line in text.splitlines() if line.startswith('| ')][1:]


def functions_of(path: Path) -> set[str]:
    return {n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize('page', PAGES)
def test_each_promise_names_tests_that_exist(page):
    assert len(rows(page)) > 8
    for row in rows(page):
        named = NAMED.findall(row)
        assert named, f'{page}: no test is named: {row}'
        for file, test in named:
            assert (ROOT / file).is_file(), f'{page}: {file} is not there'
            assert file.endswith('.ipynb') or test in functions_of(ROOT / file), f'{page}: {file}::{test}'


def test_both_languages_name_the_same_tests():
    english, korean = ([NAMED.findall(row) for row in rows(page)] for page in PAGES)
    assert english == korean


def test_every_file_of_spoilt_inputs_was_in_the_last_campaign():
    text = fuzz_campaign.PAGE.read_text(encoding='utf-8')
    missing = [p.name for p in fuzz_campaign.suite() if f'`tests/{p.name}::' not in text]
    assert missing == [], 'run `make fuzz`'


def test_the_tests_that_spoil_in_their_own_way_are_there():
    there = {test for tests in fuzz_campaign.suite().values() for test in tests}
    assert set(fuzz_campaign.OWN) <= there


SPOILING = """
import os
from pathlib import Path
from mutate import MUTATIONS, survive
from korean_sparse.core import DataError, LeftOut

def read(path):
    data = path.read_bytes()
    assert b'{' not in data
    if b'A' not in data:
        raise DataError(f'{path}: no A')
    if b'B' not in data:
        LeftOut().add('no B', path)
    if b'C' not in data:
        raise KeyError('C')

def test_survives(tmp_path):
    survive(lambda path: path.read_bytes(), b'ABC' * 20, tmp_path / 'a.txt', count=50)

def test_reads(tmp_path):
    survive(read, b'ABCABC', tmp_path / 'b.txt')

def test_dies():
    assert MUTATIONS
    os.abort()

def test_looks_itself():
    assert MUTATIONS == 300

def test_something_else():
    pass
"""


def test_a_campaign_counts_every_end(tmp_path):
    path = tmp_path / 'test_spoiling.py'
    path.write_text(SPOILING)
    tests = fuzz_campaign.spoiling_tests(path)
    assert tests == ['test_survives', 'test_reads', 'test_dies', 'test_looks_itself']
    found = fuzz_campaign.collect(path, tests, tmp_path)
    of_test, failed = fuzz_campaign.tally(
        fuzz_campaign.run_file(path, found, 300, 1, tmp_path / 'record.jsonl'), 300
    )
    counts = {name.rpartition('::')[2]: +of for name, of in of_test.items()}
    assert counts['test_survives'] == {'value': 50}
    assert counts['test_looks_itself'] == {'checked': 300}
    assert counts['test_dies'] == {'crash': 1}
    reads = counts['test_reads']
    assert reads.total() == 300 and reads['checked'] == reads['timeout'] == 0
    kinds = ('value', 'counted', 'named error', 'unnamed exception', 'nonsense accepted')
    assert all(reads[kind] for kind in kinds)
    assert [name.rpartition('::')[2] for name in failed] == ['test_reads']
    page = fuzz_campaign.page(of_test, failed, commit='abc', seed=1, number=300)
    bad = reads['unnamed exception'] + reads['nonsense accepted'] + 1
    assert f'651 inputs, {bad} of them' in page and '| all | 651 |' in page
