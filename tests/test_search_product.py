"""What an application does with a search: change it, narrow it down, page through it, show it; in memory and on
disk alike."""

import copy
import json
import pickle
import random
import re
import threading
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import ROOT

from korean_sparse.core import DataError
from korean_sparse.runtime.model import SparseEncoder
from korean_sparse.search import Search
from korean_sparse.store.filters import Filter, check_metadata
from korean_sparse.store.hits import Document, Hit, Hits

WORDS = '당뇨병 환자 혈당 매일 두부 콩 diabetes patient blood tofu beans 삵'.split()
TEXTS = {
    'a': '당뇨병 환자의 혈당',
    'b': '두부와 콩 두부',
    'c': 'diabetes patient blood',
    'd': '혈당을 매일 잰다. 환자',
    '7': '삵',
}
METADATA = [
    {'year': 2020, 'lang': 'ko', 'open': True},
    {'year': 2021, 'lang': 'ko', 'tags': ['food', 'bean']},
    {'year': 2022.5, 'lang': 'en', 'open': 1},
    {'year': '2022', 'lang': None},
    None,
]


class Quick:
    "A model whose document side is its query side: a text is the terms that it holds. It counts what it reads."

    def __init__(self, model):
        self.vocab, self.tokenizer, self.query, self.folder = model.vocab, model.tokenizer, model.query, None
        self.read = []

    def encode(self, texts, batch_size=32, progress=False, left_out=None):
        self.read += texts
        return self.query.matrix(texts)


@pytest.fixture(scope='module')
def trained() -> SparseEncoder:
    return SparseEncoder.load()


@pytest.fixture
def model(trained) -> Quick:
    return Quick(trained)


@pytest.fixture(params=['memory', 'disk'])
def make(request, model, tmp_path):
    "Makes a search of texts and metadata, in memory or on disk."
    opened = []

    def in_memory(texts=(), metadata=None):
        return Search(texts, model, metadata=metadata)

    def on_disk(texts=(), metadata=None):
        opened.append(Search.open(tmp_path / f'store{len(opened)}', model))
        return opened[-1].add(texts, metadata)

    yield in_memory if request.param == 'memory' else on_disk
    for store in opened:
        store.close()


def contents(search) -> dict[str, tuple]:
    "All that a search holds."
    return {i: (document.text, dict(document.metadata)) for i, document in search.items()}


def found(search, query: str, **asked) -> set[str]:
    return {hit.id for hit in search.search(query, **asked)}


def test_texts_come_change_and_go(make):
    search = make(TEXTS, METADATA)
    assert list(search) == list(TEXTS) and len(search) == 5
    assert search.get('a') == Document('a', TEXTS['a'], METADATA[0])
    assert search.get(7) == Document('7', '삵', {}) and 7 in search and '7' in search
    assert 'x' not in search and None not in search and 1.5 not in search
    assert search.update({'a': '콩'}) is search and found(search, '콩') == {'a', 'b'}
    assert found(search, '혈당') == {'d'} and search.get('a').metadata == METADATA[0]
    search.upsert({'a': '두부', 'e': '삵'}, {'a': {'year': 1}})
    assert search.get('a') == Document('a', '두부', {'year': 1}) and found(search, '삵') == {'7', 'e'}
    assert search.delete(['a', 'nothing', 7]) == 2 and search.delete('e') == 1 and search.delete([]) == 0
    assert set(search) == {'b', 'c', 'd'} and found(search, '삵') == set()
    assert found(search.add({'a': '삵'}), '삵') == {'a'} and search.get('a').metadata == {}
    assert search.delete(i for i in list(search)) == 4 and len(search) == 0 and search('삵') == []


def test_ids_that_went_are_not_given_again(make):
    search = make(['콩', '두부', '혈당'])
    assert search.delete([0, 2]) == 2
    assert set(search.add(['삵'])) == {'1', '3'}
    assert search.delete(3) == 1 and set(search.add(['삵'])) == {'1', '4'}


def test_a_text_that_stays_the_same_is_not_encoded_again(make, model):
    search = make(TEXTS, METADATA)
    model.read.clear()
    search.upsert(TEXTS, {'a': {'n': 1}})
    assert (
        model.read == [] and search.get('a').metadata == {'n': 1} and search.get('b').metadata == METADATA[1]
    )
    search.upsert(TEXTS | {'b': '콩', 'e': '삵'})
    assert sorted(model.read) == sorted(['콩', '삵'])
    search.update({'a': TEXTS['a']}, {'a': {}})
    assert search.get('a').metadata == {} and found(search, '혈당', filter={'n': 1}) == set()
    assert found(search, '혈당') == {'a', 'd'}


WRONG = {
    'a known id': (lambda s: s.add({'x': '콩', 'a': '콩'}), 'known already: a'),
    'no text': (lambda s: s.add({'x': '콩', 'y': None}), 'text y is not a string'),
    'one string': (lambda s: s.add('콩'), 'one string'),
    'an unknown id': (lambda s: s.update({'a': '콩', 'x': '콩'}), '1 ids are not there: x; upsert adds them'),
    'a list to update': (lambda s: s.update(['콩']), 'id'),
    'a list to upsert': (lambda s: s.upsert(['콩']), 'id'),
    'metadata of nobody': (lambda s: s.add({'x': '콩'}, {'y': {}}), "'y' is the id of no text"),
    'too few metadata': (lambda s: s.add({'x': '콩', 'y': '콩'}, [{}]), '1 of them for 2 texts'),
    'NaN': (lambda s: s.upsert({'a': '콩'}, [{'n': float('nan')}]), "text 'a': the metadata 'n' is nan"),
    'a date': (lambda s: s.upsert({'a': '콩'}, [{'n': Path('x')}]), "'n' is PosixPath"),
    'a word of filters': (lambda s: s.upsert({'a': '콩'}, [{'any': 1}]), "'any'"),
    'no id': (lambda s: s.delete([None]), 'id is'),
    'no document': (lambda s: s.get('x'), "no text with the id 'x'"),
    'no number': (lambda s: s.search('콩', 2.5), 'k = 2.5'),
    'below 0': (lambda s: s.search('콩', offset=-1), 'offset = -1'),
    'an empty question': (lambda s: s.search(' '), 'empty query'),
    'no question': (lambda s: s.search_many(['콩', None]), 'query is None'),
    'one question': (lambda s: s.search_many('콩'), 'one string'),
    'an unknown test': (lambda s: s.search('콩', filter={'year': {'$gt': 1}}), "'year': unknown '$gt'"),
    'a filter that is none': (lambda s: s.search('콩', filter='year=1'), "filter is str 'year=1'"),
}


def test_after_what_is_refused_nothing_has_changed(make):
    search = make(TEXTS, METADATA)
    before = contents(search)
    for name, (act, message) in WRONG.items():
        with pytest.raises(DataError) as error:
            act(search)
        assert message in str(error.value), name
        assert contents(search) == before, name
    assert found(search.add({'x': '콩'}), '콩') == {'b', 'x'}


EVERY = '혈당 두부 patient 삵'  # each of the texts shares a term with it


@pytest.mark.parametrize(
    'spec, ids',
    [
        (None, 'abcd7'),
        ({}, 'abcd7'),
        ({'year': 2020}, 'a'),
        ({'year': 2020.0}, 'a'),
        ({'year': {'gte': 2020, 'lt': 2022}}, 'ab'),
        ({'year': {'gt': 2020, 'lte': 2022.5}}, 'bc'),
        ({'year': {'gte': '2'}}, 'd'),
        ({'lang': {'in': ['en', None]}}, 'cd'),
        ({'lang': None}, 'd'),
        ({'open': True}, 'a'),
        ({'open': 1}, 'c'),
        ({'tags': 'bean'}, 'b'),
        ({'tags': {'exists': True}}, 'b'),
        ({'lang': {'exists': False}}, '7'),
        ({'not': {'lang': 'ko'}}, 'cd7'),
        ({'any': [{'year': 2020}, {'tags': {'in': ['bean', 'x']}}]}, 'ab'),
        ({'lang': 'ko', 'not': {'open': True}}, 'b'),
        ({'all': [{'any': [{'year': 2020}, {'year': 2021}]}, {'any': [{'open': True}, {'open': 1}]}]}, 'a'),
        (Filter.of({'year': {'lt': 2021}}), 'a'),
        ({'none': {'in': []}}, ''),
    ],
)
def test_filters(make, spec, ids):
    search = make(TEXTS, METADATA)
    every = search.search(EVERY)
    assert {hit.id for hit in every} == set('abcd7')
    hits = search.search(EVERY, filter=spec)
    assert {hit.id for hit in hits} == set(ids)
    assert hits == [hit for hit in every if hit.id in ids]  # in the same order, with the same scores
    assert search.search_many([EVERY, '콩'], filter=spec)[0] == hits
    assert all(dict(hit.metadata) == (METADATA[list(TEXTS).index(hit.id)] or {}) for hit in hits)


def test_pages_are_parts_of_the_whole(make):
    rng = random.Random(0)
    texts = {f't{n}': ' '.join(rng.choices(WORDS, k=4)) for n in range(60)}
    search = make(texts, [{'n': n % 3} for n in range(60)])
    for spec in (None, {'n': 1}, {'n': {'gte': 1}}):
        every = search.search('혈당 두부 환자', 60, spec)
        assert len(every) > 10 and sorted(every, key=lambda hit: -hit.score) == every
        pages = [search.search('혈당 두부 환자', 4, spec, offset) for offset in range(0, 64, 4)]
        assert [hit for page in pages for hit in page] == every
        assert search.search('혈당 두부 환자', 4, spec, 100) == [] == search.search('혈당 두부 환자', 0, spec)
    questions = ['혈당', '두부 콩', 'blood', '는']
    many = search.search_many(questions, 5)
    assert many == [search(question, 5) for question in questions]
    assert [hits.question for hits in many] == questions and all(isinstance(hits, Hits) for hits in many)


def some_metadata(rng: random.Random) -> dict:
    values = [0, 1, 2.5, True, False, None, '', '1', '가']
    some = lambda: rng.choice([rng.choice(values), [rng.choice(values) for _ in range(rng.randrange(3))]])
    return {name: some() for name in 'xy' if rng.random() < 0.7}


def some_filter(rng: random.Random) -> dict:
    return rng.choice(
        [
            {'x': rng.choice([0, 1, True, None, '1'])},
            {'y': {'gte': rng.choice([0, 1, 2.5])}},
            {'y': {'lt': rng.choice(['1', '가'])}},
            {'x': {'in': ['', False, 2.5]}},
            {'not': {'x': {'exists': True}, 'y': {'exists': True}}},
            {'any': [{'x': 1}, {'y': '가'}]},
        ]
    )


def test_after_any_changes_it_answers_as_one_made_of_what_is_left(make, model):
    rng, search, right = random.Random(1), make(), {}
    for step in range(100):
        ids = {f'i{rng.randrange(30)}' for _ in range(rng.randint(1, 4))}
        texts = {i: ' '.join(rng.choices(WORDS, k=3)) for i in ids}
        about = {i: some_metadata(rng) for i in ids if rng.random() < 0.7}
        way = rng.randrange(4)
        if way == 0:
            assert search.delete(ids) == len(ids & right.keys())
            right = {i: value for i, value in right.items() if i not in ids}
        else:
            texts = texts if way > 1 else {i: text for i, text in texts.items() if i in right}
            about = {i: value for i, value in about.items() if i in texts}
            (search.upsert if way > 1 else search.update)(texts, about)
            for i, text in texts.items():
                right[i] = (text, check_metadata(about[i], '') if i in about else right.get(i, ('', {}))[1])
        if step % 5:
            continue
        assert contents(search) == right
        fresh = Search({i: text for i, (text, _) in right.items()}, model)
        for question in ('혈당 환자', 'tofu', '콩 두부 blood'):
            expected = {hit.id: hit.score for hit in fresh(question, 50)}
            assert {h.id: h.score for h in search(question, 50)} == pytest.approx(expected, rel=0.01)
            asked = Filter.of(some_filter(rng))
            assert found(search, question, k=50, filter=asked) == {i for i in expected if asked(right[i][1])}


class Seen(HTMLParser):
    "The tags and the text of a page, as a browser reads them."

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ''
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]

    def handle_data(self, data):
        self.text += data


HOSTILE = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</td></tr></table><iframe src=javascript:alert(1)>',
    '<!-- ]]> -->',
    '&lt;b&gt; &amp; &#60;',
    '<mark>',
]


def test_whatever_stands_in_texts_is_shown_as_letters(make):
    texts = {f'{n} {bad}': f'혈당 {bad} 환자 {bad}' for n, bad in enumerate(HOSTILE)}
    search = make(texts, [{bad: bad, 'list': [bad, 1]} for bad in HOSTILE])
    hits = search.search('혈당 환자')
    assert len(hits) == len(HOSTILE)
    for hit in hits:
        page = Seen(hit.snippet.html())
        assert set(page.tags) == {'mark'} and page.attributes == [] and page.text == hit.snippet.text
    page = Seen(hits._repr_html_())
    assert set(page.tags) <= set('table thead tbody tr th td div mark'.split())
    assert set(page.attributes) == {'style'}
    for bad, (i, text) in zip(HOSTILE, texts.items()):
        assert bad in page.text and i in page.text
    assert json.loads(hits.to_json()) == hits.to_dicts() and len(Seen(hits[0]._repr_html_()).tags) > 5


def test_hits_go_to_other_programs(make, tmp_path):
    search = make(TEXTS, METADATA)
    hits = search.search('환자 두부')
    assert isinstance(hits, Hits) and hits == list(hits) and hits.question == '환자 두부'
    first = json.loads(hits.to_json(indent=1))[0]
    assert list(first) == ['id', 'score', 'text', 'terms', 'metadata', 'passage', 'snippet']
    assert first['id'] == hits[0].id and first['metadata'] == dict(hits[0].metadata)
    assert [(t['term'], t['weight']) for t in first['terms']] == hits[0].terms
    for other in (pickle.loads(pickle.dumps(hits)), copy.deepcopy(hits), copy.copy(hits)):
        assert other == hits and [h.snippet for h in other] == [h.snippet for h in hits]
        assert (type(other), other.question) == (Hits, hits.question)
    changed = search.get('b').metadata['tags']
    changed.append('mine')
    [hit] = search.search('두부')
    hit.metadata['tags'].append('mine')
    assert search.get('b').metadata['tags'] == ['food', 'bean']


def test_snippets_say_where_and_what_was_added(trained):
    search = Search(
        {
            'loan': '안내 말씀입니다. ' * 30
            + '버팀목 전세자금대출은 은행에서 신청한다. '
            + '문의는 전화로 한다. ' * 30,
            'coffee': 'It was a mild day in May. Two cups of coffee a day do no harm. We went home.',
        },
        trained,
    )
    hit = search('전세자금대출')[0]
    assert hit.id == 'loan' and len(hit.snippet.text) <= 200
    assert hit.snippet.text[slice(*hit.snippet.spans[0])] == '전세자금대출'
    hit = search('커피')[0]
    assert hit.id == 'coffee' and hit.snippet.also == ['커피'] and hit.snippet.spans == []
    assert 'coffee' in hit.snippet.text and 'also found by: 커피' in search('커피')._repr_html_()


def test_a_snippet_is_of_the_passage_that_was_found(model, tmp_path):
    text = (
        '첫째 이야기이다. ' * 30
        + '혈당을 매일 잰다. '
        + '둘째 이야기이다. ' * 30
        + '두부와 콩 이야기이다. ' * 3
    )
    with Search.open(tmp_path / 'store', model, passages=150) as store:
        store.add({'long': text, 'short': '두부'}, [{'n': 1}, {'n': 2}])
        for question, word in (('혈당', '혈당'), ('두부 콩', '두부')):
            hit = next(hit for hit in store(question) if hit.id == 'long')
            begin, end = hit.passage
            assert word in text[begin:end] and end - begin <= 150
            assert {hit.snippet.text[b:e] for b, e in hit.snippet.spans} >= {word}
            assert hit.snippet.text.rstrip('…') in text[begin:end] and hit.to_dict()['passage'] == [
                begin,
                end,
            ]
        assert [hit.id for hit in store('두부', filter={'n': 1})] == ['long']
        assert len(store('혈당')) == 1


def test_snippets_of_real_texts_show_matched_terms(trained):
    "Each highlight is made of terms of the question, in Korean and English texts; what is not there is in `also`."
    lines = (ROOT / 'data/box/general/health.jsonl').read_text(encoding='utf-8').splitlines()[:25]
    texts = [text for row in map(json.loads, lines) for text in (row['ko'], row['en'])]
    search = Search(texts, trained)
    spans = Counter()
    for question in (
        '빈혈이 생기는 원인',
        '혈압을 낮추는 약',
        'iron deficiency',
        '비타민 D가 부족하면',
        'heart attack signs',
    ):
        for hit in search(question, 6):
            names = {term.casefold() for term, _ in hit.terms}
            parts = [hit.snippet.text[begin:end].casefold() for begin, end in hit.snippet.spans]
            for part in parts:
                assert re.fullmatch(
                    '|'.join(sorted(map(re.escape, names), key=len)).join(('(?:', ')+')), part
                )
            assert {
                name for name in hit.snippet.also if len(name) > 1 and f' {name} ' in f' {hit.text} '
            } == set()
            assert parts or set(hit.snippet.also) == {term for term, _ in hit.terms}
            spans[len(parts) > 0] += 1
    assert min(spans.values()) > 2, spans


def test_a_question_sees_one_moment_while_others_change_it(model):
    search, done, wrong = Search({f'i{n}': '혈당' for n in range(50)}, model), threading.Event(), []
    search.upsert(dict(search.texts), {i: {'text': '혈당'} for i in search})

    def ask():
        while not done.is_set():
            for hit in search.search('혈당 두부', 100, {'text': {'exists': True}}):
                if hit.metadata['text'] != hit.text:
                    wrong.append(hit)

    def change(seed):
        rng = random.Random(seed)
        for _ in range(60):
            i, text = f'i{rng.randrange(50)}', rng.choice(['혈당', '두부'])
            search.upsert({i: text}, {i: {'text': text}}) if rng.random() < 0.7 else search.delete(i)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    writers = [threading.Thread(target=change, args=(n,)) for n in range(3)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert wrong == [] and {d.metadata['text'] == d.text for _, d in search.items()} == {True}


def test_metadata_are_saved_with_the_texts(model, tmp_path):
    search = Search(TEXTS, model, metadata=METADATA)
    search.delete('c')
    folder = search.save(tmp_path / 'search')
    again = Search.load(folder, model)
    assert contents(again) == contents(search) and list(again.add(['새 글']))[-1] == '5'
    line = '{"id": "x", "text": "콩", "metadata": %s}\n'
    about = json.loads((folder / 'search.json').read_text())
    Search({'x': '콩'}, model).save(folder)
    for wrong, message in (('[]', 'metadata is list'), ('{"any": 1}', "'any'"), ('{"n": NaN}', 'nan|NaN')):
        (folder / 'texts.jsonl').write_text(line % wrong, encoding='utf-8')
        with pytest.raises(DataError, match=f'texts.jsonl(.*)({message})'):
            Search.load(folder, model)
    assert about['numbered'] == 5
    Search({'x': '콩'}, model, metadata=[{}]).save(folder)
    assert (folder / 'texts.jsonl').read_text(encoding='utf-8') == '{"id": "x", "text": "콩"}\n'
    assert set(json.loads((folder / 'search.json').read_text())) == {'model', 'texts', 'sha256'}


def test_hits_of_earlier_programs_work(model):
    hit = Hit('0', 1.5, '혈당을 잰다.', [('혈당', 1.5)])
    assert str(hit) == '  1.50  혈당을 잰다.  (혈당 1.5)'
    assert repr(hit) == "Hit(id='0', score=1.5, text='혈당을 잰다.', terms=[('혈당', 1.5)])"
    assert hit.snippet.html() == '<mark>혈당</mark>을 잰다.' and not hit.metadata and hit.passage is None
    old = object.__new__(Hit)
    old.__setstate__({'id': '0', 'score': 1.5, 'text': '혈당을 잰다.', 'terms': [('혈당', 1.5)]})
    assert old == hit and hit in [old]
    hits = Search(['혈당을 잰다.'], model)('혈당')
    assert isinstance(hits, list) and re.match(r"\[Hit\(id='0', score=", repr(hits))


def test_a_search_is_used_as_what_it_opens_is(make):
    with make(TEXTS) as search:
        assert found(search, '혈당') == {'a', 'd'}
    search.close()
    search.close()


def test_pairs_and_ids_that_become_one_are_named_as_they_were_given(make):
    search = make(TEXTS)
    with pytest.raises(DataError, match=r"not a string but tuple \('y', '콩'\), texts\[1\].*dict\(pairs\)"):
        search.add(pair if n else '콩' for n, pair in enumerate([('x', '콩'), ('y', '콩')]))
    with pytest.raises(DataError, match=r"'\\ude00' is there already, as '\\ud83d'"):
        search.add(dict.fromkeys(['\ud83d', '\ude00'], '콩'))
    with pytest.raises(DataError, match="the id '8' is there already, as 8"):
        search.add(dict.fromkeys([8, '8'], '콩'))
    assert len(search) == 5


@pytest.mark.parametrize('depth', [31, 5000, 200_000])
def test_a_filter_is_not_deeper_than_can_be_read(make, depth):
    search = make(TEXTS, METADATA)
    negated, any_of, listed = {'lang': 'ko'}, {'lang': 'ko'}, []
    for _ in range(depth):
        negated, any_of, listed = {'not': negated}, {'any': [any_of]}, [listed]
    for spec in (negated, any_of):
        with pytest.raises(DataError, match='more than 30 joins'):
            search('혈당', filter=spec)
    for spec in (listed, {'lang': listed}, {'lang': {'in': listed}}, {'lang': {'gte': listed}}):
        with pytest.raises(DataError, match='filter'):
            search('혈당', filter=spec)
    with pytest.raises(DataError, match='metadata'):
        search.add(['콩'], [{'deep': listed}])
    cycle: dict = {}
    cycle['not'] = cycle
    with pytest.raises(DataError, match='more than 30 joins'):
        search('혈당', filter=cycle)
    for spec in (
        negated,
        any_of,
        listed,
    ):  # taken apart from outside, since Python frees what is deep by itself
        assert spec


def test_letters_that_steer_a_terminal_are_not_shown(make):
    search = make({'\x1b[1m\u202e': '\x1b[2J혈당 \u202e콩\u2066 \x07'}, [{'\u202e': '\x1b'}])
    [hit] = search('혈당')
    for shown in (
        str(hit),
        str(hit.snippet),
        hit.snippet.html(),
        hit._repr_html_(),
        search('혈당')._repr_html_(),
    ):
        assert '\ufffd' in shown and not re.search(
            '[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', shown
        )
    assert hit.to_dict()['text'] == hit.text == '\x1b[2J혈당 \u202e콩\u2066 \x07'
    assert hit.to_dict()['id'] == '\x1b[1m\u202e'
