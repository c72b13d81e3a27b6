"""A store in a folder: the same answers as an index of the texts that it holds, whatever was done to it, in
several processes and threads, and an error that names the file where one is damaged."""

import os
import random
import shutil
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from korean_sparse.core.matrices import SparseRows
from korean_sparse.core.rows import DataError
from korean_sparse.retrieval.query import SparseIndex
from korean_sparse.runtime.model import SparseEncoder
from korean_sparse.search import Search
from korean_sparse.store import disk
from korean_sparse.store.disk import Store
from korean_sparse.store.filters import Filter

WORDS = '지진 커피 우산 여름 기차 학교 병원 coffee umbrella train school hospital 삵 똠 tofu'.split()
ASKED = ('지진', '커피 우산', 'coffee train', '삵', '똠 병원', '여름 기차 학교')


class Quick:
    "A model whose document side is its query side: a text is the terms that it holds."

    def __init__(self, model: SparseEncoder):
        self.vocab, self.tokenizer, self.query = model.vocab, model.tokenizer, model.query

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        return self.query.matrix([text if text.strip() else '.' for text in texts])


@pytest.fixture(scope='module')
def real() -> SparseEncoder:
    return SparseEncoder.load()


@pytest.fixture(scope='module')
def model(real) -> Quick:
    return Quick(real)


@pytest.fixture
def small(monkeypatch) -> None:
    "Segments and joins after a handful of texts."
    monkeypatch.setattr(disk, '_PENDING', 5)


def a_text(rng: random.Random) -> str:
    return ' '.join(rng.choices(WORDS, k=rng.randint(1, 6))) + f' {rng.randrange(50)}'


def in_a_child(act) -> int:
    "Run `act` in a process of its own, whose number is returned; it exits with 1 if `act` raises."
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            os.write(2, f'{type(error).__name__}: {error}\n'.encode())
            os._exit(1)
    return child


def ended_well(child: int) -> bool:
    return os.waitpid(child, 0)[1] == 0


def compare(store: Store, texts: dict, metadata: dict, model: Quick, spec: dict | None = None) -> None:
    "That a store answers as an index does that is made of these texts, which are in order."
    assert list(store) == list(texts) and len(store) == len(texts)
    assert {i: (d.id, d.text, d.metadata) for i, d in store.items()} == {
        i: (i, text, metadata.get(i, {})) for i, text in texts.items()
    }
    index = SparseIndex(list(texts), model.encode(list(texts.values())), model.query, blended=True)
    fits = Filter.of(spec)
    for asked, hits in zip(ASKED, store.search_many(ASKED, 7, spec)):
        found = index.search({'': asked}, len(texts))['']
        wanted = [(i, round(score, 4)) for i, score in found.items() if fits(metadata.get(i, {}))]
        assert [(hit.id, hit.score) for hit in hits] == wanted[:7]
        assert [hit.terms for hit in hits] == [index.explain(asked, hit.id) for hit in hits]
        assert [hit.text for hit in hits] == [texts[hit.id] for hit in hits]
        assert store.search(asked, 3, spec, offset=2) == hits[2:5]
        assert store.understood(asked) == index.asked.understood(asked)


def change(store: Store, texts: dict, metadata: dict, rng: random.Random, number: int) -> None:
    "One change of some kind, to a store and to the dictionaries that say what it must hold."
    way = rng.choice([0, 0, 0, 1, 2, 3, 4] if number < 30 else [1, 2, 3, 4])
    new = {f'{number}-{n}': a_text(rng) for n in range(rng.choice([1, 1, 2, 9, 30]))}
    fields = {i: {'year': rng.randrange(2020, 2025), 'tag': rng.sample(['a', 'b', 'c'], 2)} for i in new}
    old = {i: a_text(rng) for i in rng.sample(list(texts), min(len(texts), rng.choice([1, 3, 12])))}
    if way < 2:
        store.add(new, fields)
    elif way == 2:
        store.update(old, {i: {'year': 1999} for i in list(old)[:1]})
        new, fields = old, {i: metadata.get(i, {}) for i in old} | {i: {'year': 1999} for i in list(old)[:1]}
    elif way == 3:
        store.upsert(old | new, fields)
        new, fields = old | new, {i: metadata.get(i, {}) for i in old} | fields
    else:
        assert store.delete([*old, 'nobody', 17]) == len(old)
        new = {}
        for i in old:
            del texts[i]
            metadata.pop(i, None)
    for i, text in new.items():
        if texts.get(i) != text:  # a text that is changed comes anew, one that stays keeps its place
            texts.pop(i, None)
            texts[i] = text
    metadata.update({i: fields[i] for i in new})


@pytest.mark.parametrize('seed', range(4))
def test_whatever_is_done_the_answers_are_those_of_an_index_of_the_texts(model, tmp_path, small, seed):
    rng, texts, metadata = random.Random(seed), {}, {}
    store, parts = Store(tmp_path / 'store', model), set()
    for number in range(60):
        change(store, texts, metadata, rng, number)
        if number % 4 == 0:
            compare(store, texts, metadata, model, rng.choice([None, {'year': {'gte': 2022}}, {'tag': 'b'}]))
        if number % 10 == 9:
            store.close()
            with Store(tmp_path / 'store', model, read_only=True) as reader:
                compare(reader, texts, metadata, model)
            store = Store(tmp_path / 'store', model)
        parts.add(len(store._state.files))
    store.verify()
    files = {path.name for path in (tmp_path / 'store/segments').iterdir()}
    assert files == set(store._state.files) and len(parts) > 1 and max(parts) <= 6
    compare(store, texts, metadata, model, {'not': {'tag': {'in': ['a', 'c']}}})
    store.delete(list(texts))
    assert len(store) == 0 and store('지진') == [] and not list((tmp_path / 'store/segments').iterdir())
    store.close()


def test_the_answers_are_those_of_a_search_in_memory(real, tmp_path):
    texts = {
        'quake': '지진이 나면 탁자 아래로 몸을 피한다.',
        'coffee': 'Two cups of coffee a day do no harm.',
        'tea': '차를 마시면 잠이 달아난다.',
        'empty': '',
        'bytes': '삵은 산에 산다. 똠얌꿍은 맵다.',
    } | {str(n): f'{n}번 버스는 학교와 병원 앞에 선다.' for n in range(15)}
    search = Search(texts, real)
    with Store(tmp_path / 'store', real) as store:
        store.add(texts)
        for asked in (
            '커피를 마셔도 되나요',
            '지진 대피 요령',
            '삵',
            'school bus',
            '7번 버스',
            '똠얌꿍 커피',
        ):
            assert store(asked) == search(asked) and store(asked), asked
            assert [hit.terms for hit in store(asked)] == [hit.terms for hit in search(asked)]
            assert store(asked).to_dicts() == store.search_many([asked])[0].to_dicts()
            assert store.understood(asked) == search.understood(asked)
        assert (
            store(7) == store('7') and store('버스', 0) == [] and store('버스', 3) == store('버스', 10**9)[:3]
        )


def test_a_list_is_numbered_on_past_what_is_there(model, tmp_path):
    with Store(tmp_path / 'store', model) as store:
        store.add(['지진', '커피']).add({'4': '우산'}).add(['여름', '기차'])
        assert list(store) == ['0', '1', '4', '3', '5']
        assert store.delete('5') == 1 and store.delete(['5', 5]) == 0 and store.delete(4) == 1
        store.add(text for text in ['학교'])
        assert list(store) == ['0', '1', '3', '6']
        assert 0 in store and '0' in store and None not in store and '4' not in store


def test_metadata_can_change_alone_and_stay(model, tmp_path):
    with Store(tmp_path / 'store', model) as store:
        store.add({'a': '지진', 'b': '커피'}, [{'year': 1, 'on': True, 'by': None}, None])
        encode, model.encode = model.encode, None  # nothing is encoded
        try:
            store.upsert({'a': '지진'}).update({'a': '지진', 'b': '커피'}, {'b': {'year': 2}})
        finally:
            model.encode = encode
        assert store.get('a').metadata == {'year': 1, 'on': True, 'by': None}
        assert [h.id for h in store('커피 지진', filter={'year': 2})] == ['b']
        assert [h.id for h in store('커피 지진', filter={'on': True})] == ['a']
        assert store('커피 지진', filter={'on': 1}) == []
        store.update({'a': '여름'}, {'a': {}})
        assert store.get('a').metadata == {} and not store('여름', filter={'year': {'exists': True}})


LONG = [
    '지진이 나면 탁자 아래로 몸을 피하고 흔들림이 멈추면 밖으로 나간다.',
    '커피는 하루에 두 잔까지 마셔도 해롭지 않다고 한다.',
    '장마에는 우산을 꼭 가지고 다녀야 옷이 젖지 않는다.',
    '기차는 아침 일곱 시에 떠나고 저녁 아홉 시에 돌아온다.',
]


def test_a_long_text_is_found_once_by_its_best_passage(model, tmp_path, small):
    text = '\n'.join(LONG * 3)
    with Store(tmp_path / 'store', model, passages=60) as store:
        store.add({'long': text, 'short': '커피', 'other': '\n\n'.join(LONG)})
        store.add({f'n{n}': '병원 학교' for n in range(9)})
        for n, word in enumerate(('지진', '커피', '우산', '기차')):
            hits = {hit.id: hit for hit in store(word)}
            assert len(hits) == len(store(word)) and {'long', 'other'} <= set(hits), word
            for i in ('long', 'other'):
                begin, end = hits[i].passage
                assert word in hits[i].text[begin:end] and end - begin <= 60
                assert hits[i].snippet.text
        assert {hit.id: hit.passage for hit in store('커피')}['short'] is None
        assert [h.id for h in store('우산', 1, offset=1)] == [h.id for h in store('우산')][1:2]
        assert store.delete('long') == 1 and [h.id for h in store('우산')] == ['other']
        store.update({'other': LONG[1]})
        assert store('우산') == [] and store('커피', 1)[0].passage is None
    with Store(tmp_path / 'store', model) as store:
        assert store._passages == 60
    with pytest.raises(DataError, match='passages = True: .* was made with 60'):
        Store(tmp_path / 'store', model, passages=True)
    with Store(tmp_path / 'whole', model, passages=False) as store:
        assert store.add({'long': text})('우산')[0].passage is None


def test_what_the_model_cannot_read_at_once_is_cut(real, tmp_path):
    long, short = '\n'.join(LONG * 40), '\n'.join(LONG * 4)
    with Store(tmp_path / 'store', Quick(real)) as store:
        store.model.config = real.config
        store.add({'long': long + ' 삵이 나타났다.', 'short': short})
        assert store('삵')[0].passage[1] == len(long) + 9 and store('커피', 5)[1].passage is None


def test_several_read_while_one_writes(model, tmp_path, small):
    "Each change brings two texts, or takes two away: whoever reads sees both of a pair, or none."
    folder, rounds = tmp_path / 'store', 80
    Store(folder, model).close()
    begin, end = os.pipe()

    def write():
        rng = random.Random(0)
        with Store(folder, model) as store:
            for n in range(rounds):
                words = f'{rng.choice(WORDS)} {n}'
                store.add({f'a{n}': f'{words} 왼쪽', f'b{n}': f'{words} 오른쪽'})
                if n % 3 == 2:
                    store.delete([f'a{n - 2}', f'b{n - 2}'])
                elif n % 3 == 1:
                    store.update({f'a{n}': f'{words} 왼쪽 새', f'b{n}': f'{words} 오른쪽 새'})

    def read():
        seen = set()
        with Store(folder, model, read_only=True) as store:
            while len(seen) < 5 or len(store) < rounds:
                hits = store('왼쪽 오른쪽', 10**6)
                sides = Counter(hit.id[1:] for hit in hits)
                assert set(sides.values()) <= {2}, sides
                by_id = {hit.id: hit.text for hit in hits}
                assert all(('새' in by_id[f'a{n}']) == ('새' in by_id[f'b{n}']) for n in sides)
                seen.add(len(hits))
                if len(seen) == 1:
                    os.write(end, b'.')

    readers = [in_a_child(read) for _ in range(3)]
    for _ in readers:
        os.read(begin, 1)
    writer = in_a_child(write)
    assert ended_well(writer)
    lasting = 2 * (rounds - rounds // 3)
    with Store(folder, model, read_only=True) as store:
        assert len(store) == lasting
        store.verify()
    with Store(folder, model) as store:  # so that the readers see an end
        store.add([f'기차 {n}' for n in range(rounds)])
    assert all(map(ended_well, readers))


def test_a_second_writer_is_refused_and_told_who_the_first_is(model, tmp_path):
    folder, (begin, end) = tmp_path / 'store', os.pipe()

    def hold():
        store = Store(folder, model)
        store.add(['지진'])
        os.write(end, b'.')
        time.sleep(60)

    holder = in_a_child(hold)
    os.read(begin, 1)
    with pytest.raises(DataError, match=f'{folder} is written to by process {holder} on .*read_only=True'):
        Store(folder, model)
    with Store(folder, model, read_only=True) as reader:
        assert [hit.id for hit in reader('지진')] == ['0']
        with pytest.raises(DataError, match='read_only=True: nothing can be changed'):
            reader.add(['커피'])
        os.kill(holder, 9)
        os.waitpid(holder, 0)
        with Store(folder, model) as store:
            store.add(['커피'])
            assert len(reader) == 2


def test_a_fork_may_search_and_not_write_and_does_not_hold_the_lock(model, tmp_path):
    store, (begin, end) = Store(tmp_path / 'store', model), os.pipe()
    store.add(['지진', '커피'])

    def child():
        assert [hit.id for hit in store('지진')] == ['0']
        with pytest.raises(DataError, match='forked'):
            store.add(['우산'])
        os.write(end, b'.')
        while len(store) < 4:
            time.sleep(0.01)
        assert [hit.id for hit in store('우산')] == ['2']

    process = in_a_child(child)
    os.read(begin, 1)
    with pytest.raises(DataError, match='one at a time'):
        Store(tmp_path / 'store', model)
    store.add(['우산'])
    store.close()
    with Store(tmp_path / 'store', model) as later:  # though the child lives
        later.add(['여름'])
        assert ended_well(process)
        assert len(later) == 4


def test_threads_share_a_store(model, tmp_path, small):
    store, wrong, done = Store(tmp_path / 'store', model), [], threading.Event()

    def ask(seed):
        rng = random.Random(seed)
        try:
            while not done.is_set():
                for hit in store(rng.choice(WORDS), 5):
                    if abs(sum(weight for _, weight in hit.terms) - hit.score) > 0.01:
                        wrong.append(hit)
        except Exception as error:
            wrong.append(error)

    def write(seed):
        rng = random.Random(seed)
        try:
            for n in range(30):
                store.add({f'{seed}-{n}': a_text(rng)})
                if n % 5 == 4:
                    store.delete(f'{seed}-{n - 2}')
        except Exception as error:
            wrong.append(error)

    readers = [threading.Thread(target=ask, args=(n,)) for n in range(3)]
    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == [] and len(store) == 3 * (30 - 6)
    store.verify()
    store.close()


@pytest.mark.parametrize(
    'wrong', ['raises', 'interrupted', 'too few rows', 'known id', 'no text', 'metadata']
)
def test_after_an_error_nothing_has_changed(model, tmp_path, small, monkeypatch, wrong):
    store = Store(tmp_path / 'store', Quick(model))
    store.add({f'n{n}': a_text(random.Random(n)) for n in range(9)})
    before = (
        [(i, d) for i, d in store.items()],
        [store(asked) for asked in ASKED],
        os.listdir(store.path / 'segments'),
    )
    more, metadata = {f'm{n}': '지진 커피' for n in range(9)}, None

    def encode(texts, *_, **__):
        if wrong == 'raises':
            raise RuntimeError
        if wrong == 'interrupted':
            raise KeyboardInterrupt
        return model.encode(texts)[1:]

    if wrong == 'known id':
        more['n3'] = '지진'
    elif wrong == 'no text':
        more['m3'] = None
    elif wrong == 'metadata':
        metadata = {'m3': {'day': object()}}
    else:
        monkeypatch.setattr(store.model, 'encode', encode)
    with pytest.raises((DataError, RuntimeError, KeyboardInterrupt)):
        store.add(more, metadata)
    assert before == (list(store.items()), [store(q) for q in ASKED], os.listdir(store.path / 'segments'))
    monkeypatch.undo()
    assert len(store.add({'m1': '지진'})) == 10
    store.close()


def test_a_full_disk_is_an_os_error_and_nothing_has_changed(model, tmp_path, small, monkeypatch):
    store = Store(tmp_path / 'store', model)
    store.add({f'n{n}': '지진 커피' for n in range(9)})
    files = os.listdir(store.path / 'segments')

    def full(path, *_):
        Path(path).write_bytes(b'half a file')
        raise OSError(28, 'No space left on device', str(path))

    monkeypatch.setattr(disk, 'write_segment', full)
    with pytest.raises(OSError, match='No space left'):
        store.add({f'm{n}': '지진 커피' for n in range(9)})
    monkeypatch.undo()
    assert os.listdir(store.path / 'segments') == files and len(store) == 9
    assert len(store.add({f'm{n}': '지진 커피' for n in range(9)})) == 18
    store.close()


@pytest.fixture
def whole(model, tmp_path, small) -> Path:
    "A store with segments, texts that wait, and texts that are gone."
    with Store(tmp_path / 'whole', model) as store:
        store.add({f'{n}': a_text(random.Random(n)) for n in range(40)}, [{'n': n} for n in range(40)])
        store.add({'last': '지진 커피'})
        store.delete(['3', '4'])
        assert len(store._state.files) == 1
    return tmp_path / 'whole'


def test_a_damaged_segment_is_named(whole, model, tmp_path):
    (name,) = os.listdir(whole / 'segments')
    bytes_, rng, refused = (whole / 'segments' / name).read_bytes(), random.Random(0), 0
    with Store(whole, model, read_only=True) as store:
        right = [(h, h.terms) for asked in ASKED for h in store(asked)]
    for number in range(60):
        folder = tmp_path / 'damaged'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        path, torn = folder / 'segments' / name, bytearray(bytes_)
        way = rng.randrange(4)
        if way == 0:
            torn = torn[: rng.randrange(len(torn))]
        elif way == 1:
            torn = bytearray(rng.choice([b'', b'another file' * 99, bytes_[::-1], bytes_ + b'more']))
        else:
            torn[rng.randrange(len(torn))] ^= 1 << rng.randrange(8)
        path.write_bytes(torn)
        try:
            with Store(folder, model, read_only=True) as store:
                found = [(h, h.terms) for asked in ASKED for h in store(asked)]
                assert found == right  # of lists that nobody asked for
                with pytest.raises(DataError, match=name):
                    store.verify()
        except DataError as error:
            assert name in str(error)
            refused += 1
    assert refused > 20
    path.unlink()
    with pytest.raises(DataError, match=f'{name} is missing'):
        Store(folder, model, read_only=True)


def test_a_damaged_database_is_named(whole, model, tmp_path):
    bytes_, rng, refused = (whole / 'store.sqlite').read_bytes(), random.Random(0), 0
    with Store(whole, model, read_only=True) as store:
        right = [[(h, h.terms, h.text, h.metadata) for h in store(asked)] for asked in ASKED]
    for number in range(60):
        folder = tmp_path / 'damaged'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder)
        torn = bytearray(bytes_)
        if number % 2:
            torn = torn[: rng.randrange(len(torn))]
        else:
            start = 4096 * rng.randrange(len(torn) // 4096)
            torn[start : start + 4096] = rng.randbytes(4096)
        (folder / 'store.sqlite').write_bytes(torn)
        try:
            with Store(folder, model, read_only=True) as store:
                found = [[(h, h.terms, h.text, h.metadata) for h in store(asked)] for asked in ASKED]
                store.verify()
                assert found == right
        except DataError as error:
            assert 'store.sqlite' in str(error)
            refused += 1
    assert refused > 40


def test_what_is_no_store_of_ours_is_refused(whole, model, tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere holds no store'):
        Store(tmp_path / 'nowhere', model, read_only=True)
    assert not (tmp_path / 'nowhere').exists()
    (tmp_path / 'file').write_text('a file')
    with pytest.raises(DataError, match='file is a file'):
        Store(tmp_path / 'file', model)
    Search({'a': '지진'}, model).save(tmp_path / 'saved')
    with pytest.raises(DataError, match='holds a saved Search'):
        Store(tmp_path / 'saved', model)
    other = SimpleNamespace(**vars(model))
    other.query = type(model.query)(model.tokenizer, model.query.idf * np.float32(0.5))
    with pytest.raises(DataError, match='another model'):
        Store(whole, other)
    with sqlite3.connect(whole / 'store.sqlite') as db:
        db.execute('UPDATE about SET format = 2')
    db.close()
    for read_only in (True, False):
        with pytest.raises(DataError, match='store.sqlite: format 2, .* install a newer one'):
            Store(whole, model, read_only=read_only)


@pytest.mark.parametrize(
    'act, message',
    [
        (lambda s: s.add('지진'), 'one string'),
        (lambda s: s.add({'1': '지진'}), 'known already: 1'),
        (lambda s: s.add({'x': 7}), 'text x is not a string but int 7'),
        (lambda s: s.add(['x'], [{'a': 1}, {}]), '2 of them for 1 texts'),
        (lambda s: s.update({'x': '지진'}), '1 ids are not there: x'),
        (lambda s: s.upsert(['지진']), 'texts is list'),
        (lambda s: s.get('x'), "no text with the id 'x'"),
        (lambda s: s.delete([None]), 'None'),
        (lambda s: s.delete(None), 'None'),
        (lambda s: s.delete(True), 'True'),
        (lambda s: s(''), 'empty'),
        (lambda s: s(None), 'query is None'),
        (lambda s: s('지진', -1), 'k = -1'),
        (lambda s: s('지진', offset=1.5), 'offset = 1.5'),
        (lambda s: s('지진', filter={'n': {'over': 1}}), "'over'"),
        (lambda s: s.search_many('지진'), 'list of questions'),
        (lambda s: Store('', s.model), "path = ''"),
        (lambda s: Store('a\0b', s.model), 'can be no folder'),
        (lambda s: Store(s.path, s.model, passages=7, read_only=True), 'passages = 7'),
        (lambda s: Store(s.path, s.model, batch_size=0), 'batch_size = 0'),
    ],
)
def test_an_error_names_what_was_given(whole, model, act, message):
    with Store(whole, model) as store, pytest.raises(DataError, match=message):
        act(store)


class Table(Quick):
    "A model whose rows are looked up: the text `17` has row 17 of a small table."

    def __init__(self, model: Quick):
        super().__init__(model)
        rng = np.random.default_rng(0)
        terms = np.sort(rng.choice(len(self.vocab), (1000, 60)).astype(np.int32))
        terms = np.sort(np.apply_along_axis(lambda row: row + np.arange(60), 1, terms) % len(self.vocab))
        self.rows = SparseRows.stacked(
            [
                SparseRows(
                    np.ones(len(t), np.float32),
                    t.astype(np.int32),
                    np.array([0, len(t)]),
                    (1, len(self.vocab)),
                )
                for t in map(np.unique, terms)
            ],
            len(self.vocab),
        )

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        return self.rows[np.array([int(text) % 1000 for text in texts])]


def test_a_hundred_thousand_texts_are_opened_in_a_moment_without_being_read(model, tmp_path):
    table = Table(model)
    with Store(tmp_path / 'store', table) as store:
        for first in range(0, 100_000, 25_000):
            store.add({f'n{n}': str(n) for n in range(first, first + 25_000)})
        store.delete([f'n{n}' for n in range(0, 3000, 3)])
    statements: list[str] = []
    begin = time.perf_counter()
    with Store(tmp_path / 'store', table, read_only=True) as reader:
        took = time.perf_counter() - begin
        with reader._connection() as db:
            db.set_trace_callback(statements.append)
        asked = table.tokenizer.id_to_token(int(table.rows[5].indices[30]))
        hits = reader(asked)
        assert len(hits) == 10
    assert took < 1, took
    fetched = [s for s in statements if 'FROM documents' in s]
    assert len(fetched) == 10 and all('WHERE document = ' in s for s in fetched), statements


def test_a_model_is_not_loaded_to_search(tmp_path, monkeypatch):
    with Store(tmp_path / 'store') as store:
        store.add(['지진이 나면 탁자 아래로 몸을 피한다.'])
    monkeypatch.setattr(SparseEncoder, 'load', None)
    with Store(tmp_path / 'store', read_only=True) as reader:
        assert reader('지진')[0].id == '0'


def test_a_folder_that_may_not_be_written_can_be_read(whole, model, monkeypatch):
    modes = [whole / 'segments', whole]
    for path in modes:
        path.chmod(0o555)
    monkeypatch.setattr(os, 'access', lambda *_: False)  # root may write everywhere
    before = sorted(whole.iterdir())
    try:
        with Store(whole, model, read_only=True) as reader:
            assert reader('지진') and len(reader) == 39
        assert sorted(whole.iterdir()) == before  # no journal was made
    finally:
        for path in modes:
            path.chmod(0o755)


def test_a_store_whose_folder_is_gone_or_replaced_says_so(model, tmp_path, small):
    path = tmp_path / 'store'
    with Store(path, model) as store, Store(path, model, read_only=True) as reader:
        store.add(['커피'])
        shutil.rmtree(path)
        for act in (lambda: store.add(['차']), lambda: store.delete('0'), lambda: reader('커피')):
            with pytest.raises(
                DataError, match=f'{path}: store.sqlite is no longer the file that was opened'
            ):
                act()
        assert not path.exists()
        with Store(path, model) as other:
            other.add({f'n{n}': '지진 커피' for n in range(20)})
            segments = set((path / 'segments').iterdir())
            with pytest.raises(DataError, match='no longer the file'):
                store.add({f'm{n}': '지진' for n in range(20)})
            assert set((path / 'segments').iterdir()) == segments and len(segments) == 1
            with pytest.raises(DataError, match='no longer the file'):
                reader('커피')
    with Store(path, model) as store:
        store.verify()
        assert len(store) == 20


def test_the_database_file_alone_is_a_store_and_knows_its_segments(model, tmp_path, small):
    path = tmp_path / 'store'
    with Store(path, model) as store:
        without_journal(path, tmp_path / 'new')
        with Store(tmp_path / 'new', model) as copied:
            assert len(copied) == 0
        store.add({f'n{n}': '지진 커피' for n in range(20)})
        without_journal(path, tmp_path / 'filed')
        with Store(tmp_path / 'filed', model) as copied:
            assert len(copied) == 20 and len(copied('지진', 99)) == 20
        store.add({'last': '우산'})
    assert not path.joinpath('store.sqlite-wal').exists()
    reader = Store(path, model, read_only=True)
    with Store(path, model) as store:
        assert reader.get('last').text == '우산'
        store.add({'after': '우산'})
    without_journal(path, tmp_path / 'closed')  # although a reader is still there
    reader.close()
    with Store(tmp_path / 'closed', model) as copied:
        assert copied.get('after').text == '우산'


def without_journal(store: Path, copy: Path) -> None:
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns('*-wal', '*-shm', 'lock'))


def test_segments_of_another_database_are_not_removed(model, tmp_path, small):
    for name in ('one', 'two'):
        with Store(tmp_path / name, model) as store:
            store.add({f'n{n}': '지진 커피' for n in range(20)})
            if name == 'one':
                store.add({f'm{n}': '지진 커피' for n in range(200)})
    Store(tmp_path / 'empty', model).close()
    one, database = tmp_path / 'one', tmp_path / 'one/store.sqlite'
    segments = set((one / 'segments').iterdir())
    right = database.read_bytes()
    database.write_bytes((tmp_path / 'empty/store.sqlite').read_bytes())
    with pytest.raises(DataError, match=r'store\.sqlite does not know .*\.segment.*put back'):
        Store(one, model)
    database.write_bytes((tmp_path / 'two/store.sqlite').read_bytes())
    with pytest.raises(DataError, match='is missing: the store is damaged'):
        Store(one, model)
    for read_only in (False, True):
        database.write_bytes(b'')
        with pytest.raises(DataError, match='an empty file, and no store'):
            Store(one, model, read_only=read_only)
        assert database.read_bytes() == b''
    database.unlink()
    with pytest.raises(DataError, match='store.sqlite is missing, and .*segment stands there'):
        Store(one, model)
    assert set((one / 'segments').iterdir()) == segments and not database.exists()
    database.write_bytes(right)
    with Store(one, model) as store:
        store.verify()
        assert len(store) == 220


def test_an_older_database_does_not_take_later_segments_away(model, tmp_path, small):
    path = tmp_path / 'store'
    with Store(path, model) as store:
        store.add({'first': '지진'})
    older = (path / 'store.sqlite').read_bytes()
    with Store(path, model) as store:
        store.add({'second': '지진'})
        store.add({f'n{n}': '지진 커피' for n in range(20)})
    newer, segments = (path / 'store.sqlite').read_bytes(), set((path / 'segments').iterdir())
    (path / 'store.sqlite').write_bytes(older)
    with pytest.raises(DataError, match='an older copy'):
        Store(path, model)
    assert set((path / 'segments').iterdir()) == segments
    (path / 'store.sqlite').write_bytes(newer)
    with Store(path, model) as store:
        assert len(store) == 22


def test_a_backup_is_the_store_of_one_moment(model, tmp_path, small, monkeypatch):
    store, stop = Store(tmp_path / 'store', model), threading.Event()
    store.add({'0-0': '지진 0', '0-1': '커피 0'})

    def write() -> None:
        for n in range(1, 400):
            if stop.is_set():
                return
            store.add({f'{n}-{part}': f'지진 커피 {n}' for part in range(4)})
            store.delete([f'{n - 3}-{part}' for part in range(4)])

    with Store(tmp_path / 'store', model, read_only=True) as reader:
        thread = threading.Thread(target=write)
        thread.start()
        for n in range(8):
            source = (store, reader)[n % 2]
            assert source.backup(tmp_path / f'copy{n}') == tmp_path / f'copy{n}'
        stop.set()
        thread.join()
    for n in range(8):
        assert set(os.listdir(tmp_path / f'copy{n}')) == {'store.sqlite', 'segments'}
        with Store(tmp_path / f'copy{n}', model) as copied:
            copied.verify()
            texts = {i: document.text for i, document in copied.items()}
            counts = Counter(i.split('-')[0] for i in texts if not i.startswith('0-'))
            assert set(counts.values()) <= {4} and len(counts) <= 3 + 1
            compare(copied, texts, {}, model)
            copied.add({'more': '우산'})
    store.verify()
    for wrong in (tmp_path / 'copy0', tmp_path / 'store/within', ''):
        with pytest.raises(DataError, match='path = |folder = '):
            store.backup(wrong)
    monkeypatch.setattr(disk.shutil, 'copyfile', lambda *_: (_ for _ in ()).throw(OSError('no room')))
    with pytest.raises(OSError, match='no room'):
        store.backup(tmp_path / 'failed')
    assert not (tmp_path / 'failed').exists()
    store.close()


def test_a_path_below_a_file_is_refused(model, tmp_path):
    (tmp_path / 'file').write_text('a file')
    for path in (tmp_path / 'file', tmp_path / 'file/x', tmp_path / 'file/x/y'):
        with pytest.raises(DataError, match='file is a file: give a folder'):
            Store(path, model)
        with pytest.raises(FileNotFoundError, match='holds no store'):
            Store(path, model, read_only=True)


def test_an_iteration_is_over_the_texts_of_its_moment(model, tmp_path, small, monkeypatch):
    with Store(tmp_path / 'store', model) as store:
        store.add({f'n{n}': '지진' for n in range(7)})
        with monkeypatch.context() as patch:
            patch.setattr(Store, '_document', None)  # no text is read
            assert list(store) == [f'n{n}' for n in range(7)]
        ids, items = iter(store), store.items()
        for i in store:
            store.add({f'{i} more': '커피'})
        for i, document in store.items():
            store.upsert({f'{i} again': document.text})
        assert len(store) == 28 and list(ids) == [f'n{n}' for n in range(7)]
        store.delete('n3')
        store.update({'n1': '우산'})
        assert [(i, d.text) for i, d in items][:4] == [
            ('n0', '지진'),
            ('n1', '우산'),
            ('n2', '지진'),
            ('n4', '지진'),
        ]


def test_passages_of_a_long_text_show_their_progress(model, tmp_path, monkeypatch):
    shown: list[bool] = []
    encode = model.encode

    def watched(texts, batch_size=32, progress=False, left_out=None):
        shown.append(progress)
        return encode(texts, batch_size, progress, left_out)

    monkeypatch.setattr(model, 'encode', watched)
    with Store(tmp_path / 'store', model, passages=500) as store:
        store.add({'long': '지진이 나면 몸을 피한다. ' * 2000, 'short': '커피'})
        store.add({'one': '커피'})
        assert shown == [True, False]
