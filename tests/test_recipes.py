"""The page of recipes does what it says: its code is run as it stands, and what it makes is asked further
questions."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT

from korean_sparse.runtime.model import SparseEncoder

PAGE = ROOT / 'docs/guides/recipes.md'
TRANSLATED = PAGE.with_suffix('.ko.md')


def recipes(page: Path) -> dict[str, str]:
    "Heading -> the code below it, in order."
    parts = re.split(r'^## (.+)\n', page.read_text(encoding='utf-8'), flags=re.MULTILINE)[1:]
    return {
        title: '\n'.join(re.findall(r'```python\n(.*?)```', text, re.DOTALL))
        for title, text in zip(parts[::2], parts[1::2])
    }


CODE = dict(zip(('folder', 'rag', 'langchain', 'service', 'table', 'office'), recipes(PAGE).values()))


@pytest.fixture(scope='module')
def model() -> SparseEncoder:
    return SparseEncoder.load()


@pytest.fixture
def run(tmp_path, monkeypatch, model):
    "Runs recipes in a folder of their own, one after another, and gives the names that they made."
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SparseEncoder, 'load', classmethod(lambda cls, *_, **__: model))

    def run_recipes(*names: str) -> dict:
        made: dict = {'__name__': 'recipe'}
        for name in names:
            exec(compile(CODE[name], f'recipes.md, {name}', 'exec'), made)
        return made

    return run_recipes


def lines(code: str) -> list[str]:
    return [line for line in code.split('\n') if line.strip()]


def test_both_languages_show_the_same_code():
    plain = [
        [re.sub(r'\s+#.*', '', line) for code in recipes(page).values() for line in lines(code)]
        for page in (PAGE, TRANSLATED)
    ]
    assert plain[0] == plain[1] and len(plain[0]) > 60


def test_recipes_are_as_short_as_they_say():
    assert len(lines(CODE['rag'])) <= 10 and len(lines(CODE['service'])) <= 15
    for heading, text in zip(recipes(PAGE), CODE.values()):
        assert max(map(len, text.split('\n'))) <= 110, heading


def test_a_folder_and_what_changes_in_it(run, capsys, monkeypatch, model):
    store = run('folder')['Store']
    shown = capsys.readouterr().out.split('\n')
    assert shown[0].startswith('sleep.txt Sleep') and shown[1] == ''
    encoded: list[str] = []
    encode = type(model).encode
    monkeypatch.setattr(
        type(model),
        'encode',
        lambda self, texts, *a, **k: encoded.extend(texts) or encode(self, texts, *a, **k),
    )
    Path('handbook/quake.html').unlink()
    Path('handbook/new.md').write_text('# 새 글\n\n우산은 현관에 있다.', encoding='utf-8')
    again = CODE['folder'].split('from korean_sparse import Store')[1]  # without the files to try with
    exec(f'from korean_sparse import Store{again}', {'Path': Path})
    assert len(encoded) == 1 and '우산' in encoded[0]
    with store('handbook.store', read_only=True) as reader:
        assert sorted(reader) == ['guide/coffee.md', 'new.md', 'sleep.txt']
        assert reader.search('우산 어디', k=1)[0].metadata == {'title': '새 글', 'url': 'new.md'}


def test_a_file_that_could_not_be_read_just_now_is_not_deleted(run, monkeypatch):
    store = run('folder')['Store']
    again = 'from korean_sparse import Store' + CODE['folder'].split('from korean_sparse import Store')[1]
    Path('handbook/quake.html').unlink()
    Path('handbook/sleep.txt').write_bytes(b'\xff\xfe\xff\x00\x00' * 7)
    made = {'Path': Path}
    exec(again, made)
    assert made['left_out'] and 'sleep.txt' not in made['pages']
    with store('handbook.store', read_only=True) as reader:
        assert sorted(reader) == ['guide/coffee.md', 'sleep.txt']


def test_the_service_does_not_blame_the_question_for_a_damaged_store(run, monkeypatch):
    pytest.importorskip('fastapi')
    pytest.importorskip('httpx')
    from fastapi.testclient import TestClient

    from korean_sparse.core.rows import DataError

    made = run('folder', 'service')
    client = TestClient(made['app'], raise_server_exceptions=False)

    def damaged(*_):
        raise DataError('store.sqlite: damaged')

    monkeypatch.setattr(made['store'], 'search', damaged, raising=False)
    assert client.get('/search', params={'q': '지진'}).status_code == 500
    assert client.get('/search', params={'q': ' '}).status_code == 400


def test_rag_names_its_sources_and_gives_passages_of_long_texts(run):
    made = run('folder', 'rag')
    prompt = made['prompt']
    assert '[1] 커피 (guide/coffee.md)' in prompt('임신부 커피') and '300mg' in prompt('임신부 커피')
    with made['Store']('handbook.store') as store:
        pages = [f'{n}번 창고에는 상자가 있다. 상자는 종이로 만든다.' for n in range(200)]
        store.add(
            {'long': ' '.join([*pages, '거위는 연못가에서 잔다.'])},
            {'long': {'title': '창고', 'url': 'long.md'}},
        )
    found = prompt('거위는 어디서 자나', 1)
    assert '거위는 연못가에서 잔다.' in found
    assert len(found) < 1500 < len(' '.join(pages)) / 3  # a passage, not the whole text


def test_the_langchain_retriever_is_one(run):
    pytest.importorskip('langchain_core')
    made = run('folder', 'rag', 'langchain')
    retriever = made['retriever']
    [document, *_] = retriever.invoke('지진 대피')
    assert (document.id, document.metadata['title']) == ('quake.html', '지진') and document.metadata[
        'score'
    ] > 0
    assert [d[0].id for d in retriever.batch(['지진 대피', '임신부 커피'])] == [
        'quake.html',
        'guide/coffee.md',
    ]
    from langchain_core.runnables import RunnableLambda

    chain = retriever | RunnableLambda(lambda documents: [d.page_content for d in documents])
    assert '탁자' in chain.invoke('지진 대피')[0]
    filtered = made['KoreanSparseRetriever'](store=made['handbook'], filter={'title': '커피'})
    assert {d.id for d in filtered.invoke('지진 커피')} == {'guide/coffee.md'}


def test_the_service_answers_and_refuses(run):
    pytest.importorskip('fastapi')
    pytest.importorskip('httpx')
    from fastapi.testclient import TestClient

    client = TestClient(run('folder', 'service')['app'])
    hits = client.get('/search', params={'q': '임신부 커피', 'k': 1}).json()
    assert [hit['id'] for hit in hits] == ['guide/coffee.md'] and hits[0]['metadata']['title'] == '커피'
    assert client.get('/search').status_code == 422
    assert client.get('/search', params={'q': '지진', 'k': 0}).status_code == 422
    assert client.get('/search', params={'q': '지' * 501}).status_code == 422
    assert client.get('/search', params={'q': ' '}).status_code == 400
    assert '/search' in client.get('/openapi.json').json()['paths']
    questions = ['지진 대피', '임신부 커피', 'hours of sleep'] * 20
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda q: client.get('/search', params={'q': q}).json()[0]['id'], questions))
    assert answers == ['quake.html', 'guide/coffee.md', 'sleep.txt'] * 20


def test_a_table_is_found_in_by_its_rows(run):
    pd = pytest.importorskip('pandas')
    made = run('table')
    found = made['found']
    assert list(found.index) == ['a2'] and found['score'].iloc[0] > 0 and found['year'].iloc[0] == 2023
    empty = made['search'].search('오븐', filter={'year': {'gt': 2100}})
    assert made['table'].loc[[hit.id for hit in empty]].empty and isinstance(found, pd.DataFrame)


def test_office_files_in_the_folder(run):
    pytest.importorskip('docx')
    from korean_sparse.pages import READERS

    before = dict(READERS)
    try:
        made = run('folder', 'office')
        assert made['READERS']['.rst'] is made['read_plain']
        pages = {page.id: page for page in made['read_pages']('handbook')}
        assert '15일' in pages['holiday.docx'].text and len(pages) == 4
    finally:
        READERS.clear()
        READERS.update(before)
