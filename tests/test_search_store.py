"""A saved search is there as a whole or not at all, and never another one; a search in use is whole at every
moment, for many who ask and add."""

import json
import os
import random
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from mutate import mutations
from safetensors.numpy import load_file, save_file

from korean_sparse.core import DataError
from korean_sparse.core.safe_writes import killed_at
from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.retrieval import query as query_module
from korean_sparse.retrieval.query import SparseIndex
from korean_sparse.search import Search

FILES = ('texts.jsonl', 'rows.safetensors', 'search.json')
WORDS = '당뇨병 환자 혈당 매일 두부 콩 diabetes patient blood tofu beans 삵'.split()
ASKED = ('혈당', '환자 두부', 'tofu beans', '삵')


class Quick:
    "A model whose document side is its query side: a text is the terms that it holds."

    def __init__(self, model: SparseEncoder):
        self.vocab, self.tokenizer, self.query = model.vocab, model.tokenizer, model.query

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        return self.query.matrix(texts)


@pytest.fixture(scope='module')
def model() -> Quick:
    return Quick(SparseEncoder.load(ROOT / 'tests/saved/anchored'))


def some_texts(count: int, seed: int) -> dict[str, str]:
    rng = random.Random(seed)
    return {f'{seed}-{n}': ' '.join(rng.choices(WORDS, k=3)) + f' {seed} {n}' for n in range(count)}


def answers(search: Search) -> tuple:
    "All that one can learn of a search."
    return tuple(search.texts.items()), [[(h, h.terms) for h in search(q)] for q in ASKED]


def in_a_child(act) -> None:
    "Run `act` in a process of its own; fails if it raises, or dies."
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            os.write(2, f'{type(error).__name__}: {error}\n'.encode())
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert status == 0, f'the child ended with {status}: see its message above'


def test_a_save_that_is_killed_at_any_step_leaves_the_old_or_the_new_one(model, tmp_path):
    old, new, folder = Search(some_texts(7, 0), model), Search(some_texts(7, 1), model), tmp_path / 'search'
    old.save(folder)
    (folder / 'notes').mkdir()
    (folder / 'notes/ours.txt').write_text('ours')
    known, seen, step = {'old': answers(old), 'new': answers(new)}, [], 1
    while killed_at(step, lambda: new.save(folder)):
        found = answers(Search.load(folder, model))
        seen += [name for name, right in known.items() if found == right]
        assert len(seen) == step, f'neither the old nor the new one after operation {step}'
        assert (folder / 'notes/ours.txt').read_text() == 'ours'
        if seen[-1] == 'new':
            old.save(folder)
        step += 1
    assert set(seen) == {'old', 'new'} and seen == sorted(seen, reverse=True), seen
    assert answers(Search.load(folder, model)) == known['new']
    assert [p.name for p in tmp_path.iterdir()] == ['search']
    assert sorted(p.name for p in folder.iterdir()) == sorted([*FILES, 'notes'])


def test_the_first_save_is_there_as_a_whole_or_not_at_all(model, tmp_path):
    new, folder, step = Search(some_texts(3, 1), model), tmp_path / 'deep/search', 1
    while killed_at(step, lambda: new.save(folder)):
        if folder.exists():
            assert answers(Search.load(folder, model)) == answers(new)
            shutil.rmtree(folder)
        else:
            with pytest.raises(FileNotFoundError, match='no saved search'):
                Search.load(folder, model)
        step += 1
    assert step > 10 and answers(Search.load(folder, model)) == answers(new)


def test_files_can_be_read_by_whom_the_umask_lets(model, tmp_path):
    before = os.umask(0o027)
    try:
        folder = Search(some_texts(3, 1), model).save(tmp_path / 'search')
    finally:
        os.umask(before)
    assert {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()} == dict.fromkeys(FILES, 0o640)


def test_what_else_is_in_the_folder_stays_and_what_cannot_is_named(model, tmp_path):
    old, new, folder = Search(some_texts(3, 0), model), Search(some_texts(3, 1), model), tmp_path / 'search'
    (folder / 'deep/er').mkdir(parents=True)
    (folder / 'deep/er/data').write_text('ours')
    (folder / 'link').symlink_to('deep/er/data')
    (folder / 'nowhere').symlink_to('/nowhere/at/all')
    old.save(folder)
    number = (folder / 'deep/er/data').stat().st_ino
    new.save(folder)
    assert (folder / 'deep/er/data').stat().st_ino == number  # the same file, not a copy
    assert (folder / 'link').read_text() == 'ours' and (folder / 'nowhere').is_symlink()
    os.mkfifo(folder / 'deep/pipe')
    with pytest.raises(DataError, match='deep/pipe is no file'):
        old.save(folder)
    assert answers(Search.load(folder, model)) == answers(new)
    (tmp_path / 'other name').symlink_to('search')
    (folder / 'deep/pipe').unlink()
    old.save(tmp_path / 'other name')
    assert answers(Search.load(folder, model)) == answers(old) and (tmp_path / 'other name').is_symlink()


def test_the_folder_that_one_works_in_is_not_exchanged(model, tmp_path, monkeypatch):
    search = Search(some_texts(3, 0), model)
    folder = search.save(tmp_path / 'search')
    monkeypatch.chdir(folder)
    for name in ('.', '..', folder, tmp_path, f'../{folder.name}'):
        with pytest.raises(DataError, match='the working folder, or above it'):
            search.save(name)
    assert answers(Search.load('.', model)) == answers(Search.load(search.save('below'), model))


def test_every_text_comes_back_as_it_was(model, tmp_path):
    odd = [
        '\u2028 혈당',
        '혈당\x85\x0b\x0c\x1c',
        '혈당\r\n\r',
        '\ufeff혈당',
        '혈당 \x00',
        '혈당 😀 "\\" \ud83d',
        '\u318d',
    ]
    for texts in (odd, {text: text for text in odd}, ['혈당 ' * 20_000], []):
        search = Search(texts, model)
        assert answers(Search.load(search.save(tmp_path / 'search'), model)) == answers(search)


VALUES = [None, True, 7, -1, 1.5, 10**30, '', 'x', '7', [], [1], {}, {'a': 1}]


def spoilt_json(text: str, rng: random.Random) -> str:
    "A JSON object with one value of another type, one name less, or one more."
    value = json.loads(text)
    inner = value['sha256'] if 'sha256' in value and rng.random() < 0.4 else value
    name = rng.choice(list(inner))
    way = rng.randrange(3)
    if way == 0:
        inner[name] = rng.choice([v for v in VALUES if v != inner[name]])
    else:
        inner[rng.choice(['other', '', name.upper()])] = inner.pop(name) if way == 1 else rng.choice(VALUES)
    return json.dumps(value)


def spoil(folder: Path, other: Path, spoilt: dict[str, list[bytes]], rng: random.Random) -> str:
    "Spoil one file of a saved search in some way; which one."
    name, way = rng.choice(FILES), rng.randrange(10)
    path = folder / name
    if way < 6:
        path.write_bytes(spoilt[name].pop())
    elif way == 6:
        path.write_bytes((other / name).read_bytes())
    elif way == 7:
        path.write_bytes((folder / rng.choice(FILES)).read_bytes())
    elif way == 8:
        path.unlink()
        if rng.random() < 0.5:
            path.mkdir()
    else:
        name, path = 'search.json', folder / 'search.json'
        path.write_text(spoilt_json(path.read_text(), rng))
    return name


def test_a_thousand_ways_to_spoil_a_saved_search_end_in_an_error_or_the_right_answers(model, tmp_path):
    search = Search(some_texts(12, 0), model)
    good, other = search.save(tmp_path / 'good'), Search(some_texts(12, 1), model).save(tmp_path / 'other')
    right, folder, rng = answers(search), tmp_path / 'search', random.Random(0)
    spoilt = {name: list(mutations((good / name).read_bytes(), 600)) for name in FILES}

    def try_all():
        counts, begin = Counter(), time.monotonic()
        for number in range(1000):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(good, folder)
            name = spoil(folder, other, spoilt, rng)
            try:
                found = answers(Search.load(folder, model))
                assert found == right, f'{number}: {name} is spoilt, and other answers are given'
                counts['right'] += 1
            except (DataError, FileNotFoundError) as error:
                assert str(folder) in str(error), f'{number}: {error}'
                counts[type(error).__name__] += 1
        assert counts['DataError'] > 600 and counts['right'] < 200, counts
        assert time.monotonic() - begin < 120

    in_a_child(try_all)


def spoilt_rows(arrays: dict, columns: int, rng: random.Random) -> dict:
    "The arrays of a sparse matrix with something wrong in one of them."
    name = rng.choice(list(arrays))
    array = arrays[name].copy()
    way, place = rng.randrange(6), rng.randrange(len(array))
    if way == 0:
        array[place] = rng.choice([-1, -5, columns, 2**30, -(2**31), 2**31 - 1])
    elif way == 1 and name == 'data':
        array[place] = rng.choice([np.nan, np.inf, -np.inf, -0.5])
    elif way == 2:
        array = array[: rng.randrange(len(array))]
    elif way == 3:
        array = array.astype(rng.choice(['float64', 'float16', 'int64', 'uint8', 'bool']))
    elif way == 4:
        array = array.reshape(1, -1) if rng.random() < 0.5 else array[::-1].copy()
    else:
        array = np.concatenate([array, array[: rng.randint(1, 5)]])
    return arrays | {name: array}


def test_rows_of_an_earlier_release_that_are_no_matrix_never_kill_the_process(model, tmp_path):
    "Their folders have no sums: a right matrix of other weights cannot be told, anything else is refused."
    folder, rng = Search(some_texts(12, 0), model).save(tmp_path / 'search'), random.Random(1)
    about = json.loads((folder / 'search.json').read_text())
    about.pop('sha256')
    (folder / 'search.json').write_text(json.dumps(about))
    arrays = load_file(folder / 'rows.safetensors')

    def try_all():
        refused = 0
        for _ in range(500):
            save_file(spoilt_rows(arrays, len(model.vocab), rng), folder / 'rows.safetensors')
            try:
                search = Search.load(folder, model)
                assert answers(search) and search._rows.data.dtype == np.float32
            except DataError as error:
                assert 'rows.safetensors' in str(error) or 'a file is torn' in str(error), error
                refused += 1
        assert refused > 300, refused

    in_a_child(try_all)


def test_a_line_of_texts_that_is_not_one_is_named(model, tmp_path):
    folder = Search(some_texts(3, 0), model).save(tmp_path / 'search')
    first, second, third = (folder / 'texts.jsonl').read_text().splitlines()
    for wrong, message in {
        first: 'line 2: the id .* is there already',
        '{"id": 7, "text": "a"}': 'line 2: id: 7, where a text is needed',
        '{"id": "a", "text": null}': 'line 2: text: null, where a text is needed',
        '{"id": "a"}': 'line 2: lacks `text`',
        '{"id": "", "text": "a"}': 'line 2: id is',
        '["a", "b"]': 'line 2: expected an object',
        '': '2 texts, 3 rows, 3 in search.json',
    }.items():
        (folder / 'texts.jsonl').write_text('\n'.join([first, wrong, third]) + '\n')
        with pytest.raises(DataError, match=message):
            Search.load(folder, model)


@pytest.mark.parametrize(
    'wrong', ['raises', 'interrupted', 'too few rows', 'other columns', 'known id', 'no text']
)
def test_after_an_error_in_add_nothing_has_changed(model, monkeypatch, wrong):
    search = Search(some_texts(9, 0), Quick(model))
    before, more = (answers(search), len(search), str(search.left_out)), {'a': '혈당', 'b': '두부'}

    def encode(texts, *_, left_out, **__):
        left_out.add('lost', 'a text')
        if wrong == 'raises':
            raise RuntimeError
        if wrong == 'interrupted':
            raise KeyboardInterrupt
        rows = model.query.matrix(texts)
        return rows[:1] if wrong == 'too few rows' else rows.scipy()[:, :-1]

    if wrong in ('known id', 'no text'):
        more['0-3' if wrong == 'known id' else 'c'] = '혈당' if wrong == 'known id' else None
    else:
        monkeypatch.setattr(search.model, 'encode', encode)
    with pytest.raises((DataError, RuntimeError, KeyboardInterrupt)):
        search.add(more)
    assert (answers(search), len(search), str(search.left_out)) == before
    monkeypatch.undo()
    assert len(search.add({'a': '혈당', 'b': '두부'})) == 11  # and the next one may


def test_who_asks_while_others_add_sees_a_whole_state(model):
    search, done, wrong, asked = Search(some_texts(50, 0), model), threading.Event(), [], Counter()

    def ask(seed):
        rng, longest = random.Random(seed), 0
        while not done.is_set():
            index, texts = search.index, search.texts
            if (
                len(texts) < longest
                or len(list(texts)) != len(texts)
                or len(index.ids) != index.rows.shape[0]
            ):
                wrong.append(('sizes', len(texts), longest))
            longest = len(texts)
            question = rng.choice(WORDS)
            for hit in search(question, 5):
                fits = hit.text == search.texts[hit.id] and hit.text.split()[3] in hit.id
                if not fits or abs(sum(w for _, w in hit.terms) - hit.score) > 0.01:
                    wrong.append((question, hit))
            asked[seed] += 1

    def add(seed):
        for n, pair in enumerate(some_texts(60, seed).items()):
            search.add(dict([pair]))

    readers = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    writers = [threading.Thread(target=add, args=(n,)) for n in (1, 2, 3)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == [] and min(asked.values()) > 0
    assert Counter(i[0] for i in search.texts) == {'0': 50, '1': 60, '2': 60, '3': 60}
    at_once = Search(search.texts, model)
    assert answers(at_once) == answers(search)


def test_who_loads_while_others_save_and_add_gets_a_whole_one(model, tmp_path):
    search, folder, done, errors = (
        Search(some_texts(30, 0), model),
        tmp_path / 'search',
        threading.Event(),
        [],
    )
    search.save(folder)

    def save(one):
        try:
            while not done.is_set():
                one.save(folder)
        except Exception as error:
            errors.append(error)

    # two searches of one size that take turns: a mixture of both would not be seen by its size
    other = Search(some_texts(30, 5), model)
    threads = [threading.Thread(target=save, args=(one,)) for one in (search, other)]
    for thread in threads:
        thread.start()
    seen = Counter()
    for n in range(25):
        found = Search.load(folder, model)
        assert [len(set(i[0] for i in found.texts)), found._rows.shape[0]] == [1, len(found)]
        assert answers(Search(found.texts, model)) == answers(found)
        seen[next(iter(found.texts))[0]] += 1
        search.add({f'0-more{n}': '혈당 두부'})
    done.set()
    for thread in threads:
        thread.join()
    assert errors == [] and sum(seen.values()) == 25
    assert [p.name for p in tmp_path.iterdir()] == ['search']


def test_a_fork_in_the_midst_of_an_add_can_ask_and_add(model):
    search, begun, go_on = Search(some_texts(9, 0), Quick(model)), threading.Event(), threading.Event()

    def encode(texts, *_, **__):
        begun.set()
        assert go_on.wait(60)
        return model.query.matrix(texts)

    right, search.model.encode = answers(search), encode
    adding = threading.Thread(target=search.add, args=({'slow': '혈당'},))
    adding.start()
    assert begun.wait(60)

    def use():
        assert answers(search) == right
        search.model.encode = model.encode
        assert len(search.add({'quick': '혈당'})) == 10 and 'slow' not in search.texts

    in_a_child(use)
    go_on.set()
    adding.join()
    assert len(search) == 10 and search.texts['slow'] == '혈당'


def test_a_generator_may_add_to_the_search_that_it_fills(model):
    search = Search(some_texts(3, 0), model)

    def more():
        for n in range(3):
            search.add({f'x{n}': '혈당'})
            yield f'두부 {n}'

    search.add(more())
    assert list(search.texts)[3:] == ['x0', 'x1', 'x2', '6', '7', '8']


def test_each_text_is_copied_a_few_dozen_times_however_many_follow(model, monkeypatch):
    copied, joined = [], query_module._Postings.joined

    def count(self, later):
        copied.append(len(self) + len(later))
        return joined(self, later)

    monkeypatch.setattr(query_module._Postings, 'joined', count)
    row, counts = model.query.matrix(['혈당']), {}
    index = SparseIndex([], row[:0], model.query)
    for n in range(1, 8001):
        index = index.plus([str(n)], row)
        assert len(index._parts) <= 6
        if n in (1000, 2000, 4000, 8000):
            counts[n] = round(sum(copied) / n)
    assert counts[8000] <= 40 and counts[8000] - counts[4000] <= 8, counts


def test_new_questions_leave_nothing_behind(model):
    search, rng = Search(some_texts(20, 0), model), random.Random(0)
    for n in range(12_000):
        search.index.query(f'{rng.choice(WORDS)} 낱말{n} 또{n}')
        if n % 1000 == 0:
            search.index.query(f'한{n}' * 10_000)
    words = search.index.query._words
    assert len(words) <= 20_000 and max(map(len, words)) <= 64
