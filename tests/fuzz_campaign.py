#!/usr/bin/env python3
"""Every reader and loader on spoilt inputs, 10,000 in all or more, and how they ended, in docs/fuzz.md.

    python tests/fuzz_campaign.py --inputs 10000 --seed 1        or: make fuzz N=10000 SEED=1

The tests are those of `make test` that spoil inputs (tests/mutate.py), with more inputs each and others: the
seed is another one. Each file of tests has a process of its own; one that dies is started again behind the
test that it died in. Ends with 1 if any input ended in another way than as a value, a count or a named
error."""

import argparse
import ast
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from mutate import OUTCOMES, RIGHT

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/fuzz.md'
# tests that spoil in their own way and assert how each ends: how many inputs (schedules, kills) one of them tries
OWN = {
    'test_a_thousand_schedules_lose_no_document': 1000,
    'test_a_thousand_ways_to_spoil_a_saved_search_end_in_an_error_or_the_right_answers': 1000,
    'test_500_mutations_give_a_named_error_or_a_model_that_encodes': 500,
    'test_spoilt_zips_are_named_or_right': 150,
    'test_a_killed_stage_is_old_or_new_and_run_again_the_same': 10,
}
LEAST = 200  # inputs a test: what the tests' own bounds are made for
SECONDS = 3600  # for one file of tests
COLUMNS = (*RIGHT, 'checked', *OUTCOMES[len(RIGHT) :], 'crash')
TESTS = ('begins', 'fails', 'ends', 'test')  # what names a test in a record
ABOUT = """# Spoilt inputs

Every reader and loader of the library is given inputs that somebody else might have made, or damaged: bytes changed, cut, doubled, exchanged, and what files in the wild hold where nobody expects it. `make test` does so with {least} inputs a test; the figures below are of the last `make fuzz`, a longer run with another seed (commit {commit}, seed {seed}, at least {number} inputs a test): **{total:,} inputs, {bad:,} of them with an end that may not be**.

- *value*: read. *counted*: read, with something left out and counted. *named error*: refused by a `DataError` that names the file. These three are right.
- *checked*: the test itself looks at how each of these inputs ends (schedules of a server that misbehaves, kills of a stage, texts without a file), and has passed.
- *unnamed exception*, *nonsense accepted* (a value that the test says cannot be), *timeout*, *crash* (the process died): none of them may be.

"""


class Recorder:
    "Writes down which test begins and how it ends, at once: the process may die."

    def __init__(self, path: str):
        self.path = path

    def write(self, **row: object) -> None:
        with open(self.path, 'a', encoding='utf-8') as f:
            f.write(json.dumps(row, ensure_ascii=False) + '\n')

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.write(begins=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            said = getattr(report.longrepr, 'reprcrash', None)
            self.write(fails=report.nodeid, why=(said.message if said else str(report.longrepr))[:300])
        if report.when == 'teardown':
            self.write(ends=report.nodeid)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.write(collected=[item.nodeid for item in session.items])


def spoiling_tests(path: Path) -> list[str]:
    "The tests of a file that spoil inputs: their code, or that of a function that they use, names mutate's."
    body = ast.parse(path.read_text(encoding='utf-8')).body
    uses = {
        node.name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}  # fixtures
        for node in body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    spoiling = {'survive', 'mutations', 'MUTATIONS'}
    own = set(OWN) & set(uses)
    grown = True
    while grown:
        more = {name for name, used in uses.items() if used & spoiling} - spoiling
        grown = bool(more)
        spoiling |= more
    return [name for name in uses if name.startswith('test_') and name in spoiling | own]


def suite() -> dict[Path, list[str]]:
    "File of tests -> its tests that spoil inputs."
    files = sorted((ROOT / 'tests').glob('test_*.py'))
    return {path: tests for path in files if (tests := spoiling_tests(path))}


def child(record: Path, tests: list[str], number: int, seed: int, *options: str) -> str:
    "Run tests in a process of their own; how it ended: '' (it came to its end), `crash` or `timeout`."
    environment = {
        **os.environ,
        'KOREAN_SPARSE_FUZZ': str(number),
        'KOREAN_SPARSE_FUZZ_SEED': str(seed),
        'KOREAN_SPARSE_FUZZ_RECORD': str(record),
        'OMP_NUM_THREADS': '1',
    }
    command = [sys.executable, __file__, '--child', record, *options, *tests]
    try:
        done = subprocess.run(command, env=environment, cwd=ROOT, timeout=SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return 'timeout'
    return 'crash' if done.returncode < 0 or done.returncode > 5 else ''


def rows_of(record: Path) -> list[dict]:
    "What was recorded, tests without their file's name; a line that a dying process left torn is passed over."
    rows = []
    for line in record.read_text(encoding='utf-8').splitlines() if record.exists() else ():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows.append({k: v.partition('::')[2] if k in TESTS else v for k, v in row.items()})
    return rows


def collect(path: Path, tests: list[str], folder: Path) -> list[str]:
    "The tests of a file, one entry for each of their parameters."
    record = folder / f'{path.stem}.collected'
    child(record, [f'{path}::{test}' for test in tests], LEAST, 0, '--collect-only')
    found = [name.partition('::')[2] for row in rows_of(record) for name in row.get('collected', ())]
    if not found:
        sys.exit(f'{path.name}: its tests cannot be collected')
    return found


def run_file(path: Path, tests: list[str], number: int, seed: int, record: Path) -> list[dict]:
    "The record of tests of a file, past those that kill the process; tests by their whole names."
    todo, killed = tests, []
    while todo:
        end = child(record, [f'{path}::{test}' for test in todo], number, seed)
        rows = rows_of(record)
        begun = [row['begins'] for row in rows if 'begins' in row]
        ended = {row['ends'] for row in rows if 'ends' in row} | {row['test'] for row in killed}
        if not end:
            break
        last = begun[-1] if begun and begun[-1] not in ended else todo[0]
        killed.append({'test': last, 'reader': 'process', end: 1})
        todo = [test for test in todo if test not in ended and test != last]
    rows = rows_of(record) + killed
    ended = {row[kind] for row in rows for kind in ('ends', 'test') if kind in row}
    rows += [{'fails': test, 'why': 'it has not come to its end'} for test in tests if test not in ended]
    whole = f'tests/{path.name}::'
    return [{k: whole + v if k in TESTS else v for k, v in row.items()} for row in rows]


def tally(rows: list[dict], number: int) -> tuple[dict[str, Counter], dict[str, str]]:
    """test (without its parameters) -> inputs by outcome; test -> why it failed.

    A test that has recorded nothing and passes has looked at its inputs itself: as many as `OWN` says, or
    `number`."""
    of_test: dict[str, Counter] = {}
    failed = {row['fails']: row['why'] for row in rows if 'fails' in row}
    recorded = {row['test'] for row in rows if 'test' in row}
    for row in rows:
        if 'test' in row:
            counts = {kind: row.get(kind, 0) for kind in COLUMNS}
            if row['test'] in failed:
                counts['checked'] = 0
            of_test.setdefault(row['test'].partition('[')[0], Counter()).update(counts)
        elif 'ends' in row and row['ends'] not in recorded and row['ends'] not in failed:
            name = row['ends'].partition('[')[0]
            of_test.setdefault(name, Counter())['checked'] += OWN.get(name.partition('::')[2], number)
    return of_test, failed


def page(of_test: dict[str, Counter], failed: dict[str, str], **about: object) -> str:
    "The page, in Markdown."
    total = sum((counts for counts in of_test.values()), Counter())
    bad = sum(total[kind] for kind in COLUMNS if kind not in (*RIGHT, 'checked'))
    lines = [ABOUT.format(least=LEAST, total=total.total(), bad=bad, **about)]
    lines.append(f'| test | inputs | {" | ".join(COLUMNS)} |\n|---|{"---:|" * (len(COLUMNS) + 1)}\n')
    for name, counts in [*sorted(of_test.items()), ('all', total)]:
        figures = [f'{counts[kind]:,}' for kind in COLUMNS]
        shown = f'`{name}`' if '::' in name else name
        lines.append(f'| {shown} | {counts.total():,} | {" | ".join(figures)} |\n')
    if failed:
        lines.append('\n## Tests that failed\n\n')
        lines += [f'- `{name}`: `{" ".join(why.replace("`", "").split())}`\n' for name, why in failed.items()]
    return ''.join(lines)


def commit() -> str:
    "The commit, and whether files differ from it."
    git = ['git', '-C', str(ROOT)]
    short = subprocess.run(
        [*git, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True
    ).stdout.strip()
    changed = subprocess.run([*git, 'status', '--porcelain'], capture_output=True, text=True).stdout.strip()
    return (short or 'unknown') + (' and changes' if changed else '')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--inputs', type=int, default=10_000, help='in all, at least')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only', default='', help='files of tests in whose names this expression is found')
    parser.add_argument('--page', type=Path, default=PAGE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, made = Path(name), commit()
        files = {path: tests for path, tests in suite().items() if re.search(args.only, path.name)}
        tests = {path: collect(path, found, folder) for path, found in files.items()}
        number = max(LEAST, math.ceil(args.inputs / max(1, sum(map(len, tests.values())))))
        rows = []
        for path, found in tests.items():
            rows += run_file(path, found, number, args.seed, folder / f'{path.stem}.jsonl')
    of_test, failed = tally(rows, number)
    text = page(of_test, failed, commit=made, seed=args.seed, number=number)
    args.page.write_text(text, encoding='utf-8')
    print(text)
    wrong = any(counts[k] for counts in of_test.values() for k in COLUMNS if k not in (*RIGHT, 'checked'))
    return int(wrong or bool(failed))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        quiet = ['-q', '--no-header', '-p', 'no:cacheprovider', '--tb=no', f'--rootdir={ROOT}']
        sys.exit(pytest.main([*quiet, *sys.argv[3:]], plugins=[Recorder(sys.argv[2])]))
    sys.exit(main())
