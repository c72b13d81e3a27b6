"""What a store has acknowledged is there, and what it has not is there as a whole or not at all: after a
process ended at any of its operations on files, at any statement of its database, or at any moment."""

import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from korean_sparse.runtime.model import SparseEncoder
from korean_sparse.store import disk
from korean_sparse.store.disk import Store

WORDS = '지진 커피 우산 여름 기차 학교 병원 coffee umbrella train school hospital'.split()
ASKED = ('지진', '커피 우산', 'coffee train', '여름 기차 학교')
OPERATIONS = ('open', 'os.', 'shutil.', 'sqlite3.', 'korean_sparse.')


class Quick:
    "A model whose document side is its query side: a text is the terms that it holds."

    def __init__(self, model: SparseEncoder):
        self.vocab, self.tokenizer, self.query = model.vocab, model.tokenizer, model.query

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        return self.query.matrix(texts)


@pytest.fixture(scope='module')
def model() -> Quick:
    return Quick(SparseEncoder.load())


@pytest.fixture
def small(monkeypatch) -> None:
    "Segments and joins after a handful of texts."
    monkeypatch.setattr(disk, '_PENDING', 5)


def some_texts(count: int, seed: int) -> dict[str, str]:
    rng = random.Random(seed)
    return {f'{seed}-{n}': ' '.join(rng.choices(WORDS, k=3)) + f' {n}' for n in range(count)}


def contents(store: Store) -> tuple:
    "All that one can learn of a store."
    documents = {i: (d.text, d.metadata) for i, d in store.items()}
    assert len(store) == len(documents)
    hits = [[(h.id, h.score, h.terms, h.text) for h in store(asked, 100)] for asked in ASKED]
    filtered = [h.id for h in store('지진 커피 우산', 100, {'year': {'gte': 2000}})]
    return documents, hits, filtered


def counted_statements(path, read_only):
    "A connection that reports its statements, of a run of like ones the first, as Python reports operations."
    db, last = OPEN(path, read_only), ''

    def report(statement: str) -> None:
        nonlocal last
        if statement[:20] != last:
            sys.audit('korean_sparse.sql', statement)
        last = statement[:20]

    db.set_trace_callback(report)
    return db


OPEN = disk.open_database


def ended_at(step: int, act, how: str) -> tuple[bool, bool]:
    """Run `act` in a child that ends right before its `step`-th operation: on a file, or of the database.

    Whether it ended there, and whether `act` had returned before."""
    begin, end = os.pipe()
    child = os.fork()
    if child == 0:
        done = 0

        def count(event: str, _: tuple) -> None:
            nonlocal done
            if event.startswith(OPERATIONS):
                done += 1
                if done == step:
                    os.kill(os.getpid(), signal.SIGKILL) if how == 'killed' else os._exit(9)

        try:
            disk.open_database = counted_statements
            sys.addaudithook(count)
            act(lambda: os.write(end, b'.'))
            os._exit(0)
        except BaseException as e:
            os.write(2, f'{type(e).__name__}: {e}\n'.encode())
            os._exit(1)
    os.close(end)
    _, status = os.waitpid(child, 0)
    acknowledged = os.read(begin, 1) == b'.'
    os.close(begin)
    ended = os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 9
    assert ended or status == 0, 'the child failed: see its message above'
    return ended, acknowledged


def nothing_left_over(folder: Path) -> None:
    "Only what the database names is there."
    with sqlite3.connect(folder / 'store.sqlite') as db:
        named = {name for (name,) in db.execute('SELECT name FROM segments')}
    db.close()
    assert {path.name for path in (folder / 'segments').iterdir()} == named
    assert {path.name for path in folder.iterdir()} == {'store.sqlite', 'segments', 'lock'}


CHANGES = {
    'a few': lambda store: store.add(some_texts(2, 7), {'7-0': {'year': 2001}}),
    'a segment': lambda store: store.add(some_texts(8, 7), {'7-0': {'year': 2001}}),
    'a join': lambda store: store.add(some_texts(30, 7)),
    'an update': lambda store: store.update({'0-3': '지진 여름', '2-0': 'coffee 우산'}),
    'a deletion': lambda store: store.delete(['0-3', '1-1', '2-0']),
    'a deletion that clears': lambda store: store.delete([f'0-{n}' for n in range(30)]),
    'metadata': lambda store: store.upsert({'0-3': some_texts(70, 0)['0-3']}, {'0-3': {'year': 2020}}),
}


@pytest.fixture
def stood(model, small, tmp_path) -> Path:
    "A store of two segments, texts that wait, and some that are gone."
    folder = tmp_path / 'stood'
    with Store(folder, model) as store:
        store.add(some_texts(70, 0), [{'year': 1990 + n} for n in range(70)])
        store.add(some_texts(7, 1)).add(some_texts(2, 2))
        store.delete(['0-5', '1-2'])
        assert len(store._state.files) == 2
    return folder


@pytest.mark.parametrize('name', CHANGES)
def test_a_change_that_ends_at_any_operation_is_whole_or_nothing(model, stood, tmp_path, name):
    def copied(name: str) -> Path:
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        return Path(shutil.copytree(stood, tmp_path / name))

    with Store(stood, model, read_only=True) as store:
        before = contents(store)
    with Store(copied('after'), model) as store:
        CHANGES[name](store)
        after = contents(store)
    assert before != after
    seen, step = [], 1
    while True:
        folder = copied('killed')

        def act(acknowledge):
            with Store(folder, model) as store:
                CHANGES[name](store)
                acknowledge()

        ended, acknowledged = ended_at(step, act, ('killed', 'left')[len(seen) % 2])
        with Store(folder, model, read_only=True) as reader:  # beside what is left over
            found = contents(reader)
        assert found in (before, after), f'neither old nor new after operation {step}'
        assert found == after or not acknowledged, f'acknowledged and lost, at operation {step}'
        seen.append(found == after)
        if len(seen) % 5 == 0 or seen[-2:] == [False, True]:
            with Store(folder, model) as store:
                store.verify()
                store.add({'later': '지진'})
                assert store.get('later').text == '지진' and len(store) == len(found[0]) + 1
            nothing_left_over(folder)
        if not ended:
            break
        step += 1 if name in ('a few', 'a segment', 'an update') else 2
    assert acknowledged and seen == sorted(seen) and seen.count(False) > 10 and seen.count(True) > 1, seen


def test_a_store_that_is_made_is_there_or_can_be_made(model, tmp_path):
    step, ended = 1, True
    while ended:
        folder = tmp_path / f'store{step}'

        def act(acknowledge):
            Store(folder, model).close()
            acknowledge()

        ended, acknowledged = ended_at(step, act, 'killed')
        if acknowledged:
            Store(folder, model, read_only=True).close()
        with Store(folder, model) as store:
            assert len(store.add(['지진'])) == 1
        step += 1
    assert step > 10


def test_a_writer_that_is_killed_at_any_moment_loses_nothing_it_acknowledged(model, small, tmp_path):
    rng, folder = random.Random(0), tmp_path / 'store'
    Store(folder, model).close()
    expected: dict[str, str] = {}
    for round_ in range(12):
        begin, end = os.pipe()
        child = os.fork()
        if child == 0:
            with Store(folder, model) as store:
                for n in range(10_000):
                    store.add(some_texts(3, 1000 * round_ + n))
                    os.write(end, f'{1000 * round_ + n}\n'.encode())
        os.close(end)
        select.select([begin], [], [], 30)
        time.sleep(rng.random() * 0.3)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(begin) as pipe:
            acknowledged = [int(line) for line in pipe if line.endswith('\n')]
        for seed in acknowledged:
            expected |= some_texts(3, seed)
        with Store(folder, model) as store:
            found = {i: d.text for i, d in store.items()}
            one_more = some_texts(3, acknowledged[-1] + 1)  # durable, and killed before it said so
            assert found in (expected, expected | one_more)
            expected = found
            store.verify()
            hits = store('지진', 10**6)
            assert {h.id for h in hits} == {i for i, text in found.items() if '지진' in text}
        nothing_left_over(folder)
    assert len(expected) > 100


def test_a_segment_is_on_the_disk_before_the_database_names_it(model, small, tmp_path, monkeypatch):
    "What a kill cannot show: the order in which things are forced out, for when the power goes off."
    events: list[str] = []
    force = os.fsync

    def fsync(descriptor: int) -> None:
        force(descriptor)
        events.append(os.readlink(f'/proc/self/fd/{descriptor}') if Path('/proc/self/fd').exists() else '')

    def traced(path, read_only):
        db = OPEN(path, read_only)
        db.set_trace_callback(lambda statement: events.append(statement))
        return db

    monkeypatch.setattr(os, 'fsync', fsync)
    monkeypatch.setattr(disk, 'open_database', traced)
    with Store(tmp_path / 'store', model) as store:
        events.clear()
        store.add(some_texts(9, 0))
        committed, named = events.index('COMMIT'), str(store.path / 'segments')
        if any(events[:committed]) and Path('/proc/self/fd').exists():
            forced = [event for event in events[:committed] if event.startswith(named)]
            assert forced[-1] == named and any(event.endswith('.segment') for event in forced)
        with store._connection() as db:
            assert db.execute('PRAGMA synchronous').fetchone() == (2,)
            assert db.execute('PRAGMA journal_mode').fetchone() == ('wal',)
