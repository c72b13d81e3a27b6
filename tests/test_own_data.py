"""The path of an engineer with data of their own: Korean tables on a subject that the sample does not have,
from files to a search, by the lines of docs/own-data.md; and what each stage says when something is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from own_data import documents, write_all
from test_readme import blocks

from korean_sparse.core.files import read_rows
from korean_sparse.core.rows import Article, SynonymPair, TermTrend
from korean_sparse.evaluation import EvaluationConfig
from korean_sparse.evaluation import build as evaluate
from korean_sparse.pretraining import PretrainConfig
from korean_sparse.pretraining import build as pretrain
from korean_sparse.synonyms import SynonymConfig
from korean_sparse.synonyms import build as make_pairs
from korean_sparse.temporal_clustering import TemporalConfig
from korean_sparse.wikipedia import WikipediaConfig
from korean_sparse.wikipedia import build as read_articles

PAGE = 'docs/own-data.md'


@pytest.fixture(scope='module')
def home(tmp_path_factory) -> Path:
    "A folder with the workshop's files, and nothing else."
    home = tmp_path_factory.mktemp('workshop')
    write_all(home / 'mine')
    return home


@pytest.fixture
def here(home, monkeypatch) -> Path:
    "The same, as working folder and place of outputs."
    monkeypatch.chdir(home)
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(home / 'outputs'))
    return home


def shell(block: str, home: Path) -> str:
    "Run a block of the page in `home`, with this checkout's scripts."
    block = block.replace('.venv/bin/python', sys.executable)
    for script in ('scripts/run.py', 'tests/own_data.py'):
        block = block.replace(script, str(ROOT / script))
    env = {**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(home / 'outputs')}
    done = subprocess.run(['bash', '-e', '-c', block], capture_output=True, text=True, cwd=home, env=env)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout


def test_from_files_to_a_search_by_the_lines_of_the_page(home):
    make, run, search = blocks(PAGE, 'sh')
    (home / 'mine.yaml').write_text(blocks(PAGE, 'yaml')[0], encoding='utf-8')
    shell(make, home)
    shell(run, home)
    found = dict(line.split(' -> ') for line in shell(search, home).splitlines())
    assert found == {
        '스포크가 끊어져 바퀴가 흔들린다': '바퀴살 손보기',
        '가죽으로 만든 안장을 사고 싶다': '안장 고르기',
    }
    out = home / 'outputs/mine'
    assert not (home / 'outputs/sample').exists()  # nothing of the sample was needed
    manifests = {p.parent.name: json.loads(p.read_text()) for p in out.glob('*/manifest.json')}
    assert manifests['02_synonyms']['counts']['pairs'] == 15
    trends = {t.term: t.kind for t in read_rows(out / '03_temporal_clustering/trends.jsonl', TermTrend)}
    assert any('침수' in term and kind == 'burst' for term, kind in trends.items())
    assert any('전기자전거' in term and kind == 'emerging' for term, kind in trends.items())
    assert not any(name.startswith('trend_') for name in manifests['03_temporal_clustering']['metrics'])
    assert manifests['04_pretraining']['counts']['source news'] == 60
    assert manifests['04_pretraining']['counts']['synonym'] > 0
    table = (out / '05_evaluation/table.md').read_text(encoding='utf-8')
    assert all(f'| {system} |' in table for system in ('BM25', 'trained', 'box'))
    shown = (out / 'notebooks/05_evaluation.ipynb').read_text(encoding='utf-8')
    assert 'titles that stage 04 held back' in shown


def test_the_korean_page_shows_the_same_lines():
    for language in ('sh', 'yaml'):
        assert blocks(PAGE, language) == blocks('docs/own-data.ko.md', language)


def test_own_documents_go_through_the_first_stage(here):
    result = read_articles(WikipediaConfig('cut', articles='mine/문서.csv'))
    articles = list(read_rows(result.path('articles.jsonl.gz'), Article))
    assert [a.title for a in articles] == [page['제목'] for page in documents()]
    assert result.manifest['counts']['articles_en'] == result.manifest['counts']['links'] == 0


def test_documents_alone_and_own_questions_are_enough_to_train_and_judge(here):
    cfg = PretrainConfig(
        run='bare', documents='mine/문서.csv', retrieval='mine/질문', epochs=0, analyzer='kiwi'
    )
    result = pretrain(cfg)
    assert list(result.manifest['inputs']) == ['documents', 'retrieval']
    assert result.manifest['counts']['source queries'] == 2
    judged = evaluate(EvaluationConfig(run='bare', systems='BM25 | trained', analyzer='kiwi'))
    assert judged.manifest['parameters']['retrieval'] == 'mine/질문'
    assert judged.manifest['counts'] == {'documents': 30, 'queries': 1}


def test_what_stage_two_writes_is_its_own_dictionary_again(here):
    first = make_pairs(SynonymConfig('first', dictionary='mine/동의어.csv', analyzer='kiwi'))
    pairs = {(p.left, p.right) for p in read_rows(first.path('pairs.jsonl'), SynonymPair)}
    assert len(pairs) == 15
    for name in ('synonyms.txt', 'combined_synonyms.json', 'pairs.jsonl'):
        again = make_pairs(SynonymConfig('again', dictionary=str(first.path(name)), analyzer='kiwi'))
        assert {(p.left, p.right) for p in read_rows(again.path('pairs.jsonl'), SynonymPair)} == pairs, name


@pytest.mark.parametrize(
    'run, said',
    [
        (lambda: read_articles(WikipediaConfig('e', articles='mine/없음.csv')), 'parameter `articles`'),
        (lambda: read_articles(WikipediaConfig('e', articles='mine/동의어.csv')), 'parameter `columns`'),
        (lambda: make_pairs(SynonymConfig('e')), 'parameter `dictionary`'),
        (lambda: make_pairs(SynonymConfig('e', dictionary='mine/없음.csv')), 'parameter `dictionary`'),
        (lambda: list(TemporalConfig(news='mine/없음.csv').items()), 'parameter `news`'),
        (lambda: list(TemporalConfig(news='mine/동의어.csv').items()), 'parameter `columns`'),
        (lambda: pretrain(PretrainConfig('e', documents='mine/없음.csv')), 'parameter `documents`'),
        (lambda: pretrain(PretrainConfig('e', documents='mine/동의어.csv')), 'parameter `columns`'),
        (lambda: pretrain(PretrainConfig('e')), 'parameter `wikipedia`'),
        (lambda: evaluate(EvaluationConfig('e')), 'parameter `pretraining`'),
    ],
)
def test_an_error_names_the_parameter_to_change(here, run, said):
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        run()
    assert said in str(error.value)
