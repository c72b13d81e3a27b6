"""The model that comes with the library: whole, small, honest about itself, found by an installed wheel, and
the same in OpenSearch."""

import json
import shutil
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT
from scipy.sparse import csr_matrix
from test_opensearch import client, node  # noqa: F401 (fixtures)
from test_runs import recipe, shrink, small  # noqa: F401

from korean_sparse.box import box_card, facts, figures_table, folder_mb, make_box, ratio_interval, worse
from korean_sparse.core.stage import file_hash
from korean_sparse.encoder.model import SparseEncoder, installed_model
from korean_sparse.opensearch.artifacts import (
    node_tokenizer,
    term_keys,
    weight_gap,
    write_document,
    write_query,
)
from korean_sparse.opensearch.cluster import (
    bulk_index,
    create_index,
    delete_model,
    deploy,
    drop_index,
    predict,
    register,
    search,
)
from korean_sparse.retrieval.query import SparseIndex
from korean_sparse.runtime.model import SparseEncoder as Light
from korean_sparse.runtime.weights import PACKED

FIGURES = json.loads((installed_model() / 'figures.json').read_text(encoding='utf-8'))


def test_the_box_is_whole_small_and_described_by_its_own_figures():
    folder = installed_model()
    assert sorted(p.name for p in folder.iterdir()) == [
        'README.md',
        'config.json',
        'figures.json',
        PACKED,
        'tokenizer.json',
    ]
    assert folder_mb(folder) <= 50
    assert FIGURES['packed'] == file_hash(folder / PACKED), 'figures.json belongs to other weights'
    card = (folder / 'README.md').read_text(encoding='utf-8')
    assert figures_table(FIGURES['sets']) in card and facts(FIGURES) in card
    for line in worse(FIGURES['sets']):
        assert line in card
    assert card == box_card(FIGURES), 'the card is not of this code and these figures'
    said = json.dumps(FIGURES)
    assert not any(word in said + card for word in ('/work/', '/tmp/', '/root/'))


def test_it_learned_only_from_sources_whose_weights_may_ship():
    may = ('data/box', 'welfare', 'msdocs', 'wiktionary', 'omw', 'python_docs', 'tatoeba', 'news_dev')
    said = yaml.safe_load((ROOT / 'runs/box.yaml').read_text(encoding='utf-8'))['04_pretraining']
    rows = [*said['sources'], *said['texts']]
    for path in [*said['pairs'], *(r['path'] for r in rows)]:
        assert any(name in path for name in may) or path.endswith('text/ko.jsonl.gz'), path
    for r in rows:
        if r['path'].endswith('text/ko.jsonl.gz'):
            assert {s.strip() for s in r['source'].split(',')} <= {
                'msdocs',
                'wikinews',
                'book_review',
                'fairytale01',
                'unesco_report',
                'welfare',
            }, r


CODE = """
import socket, sys
def closed(*a, **k): raise OSError("no network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = closed
extras = "mwxml sklearn umap ir_measures matplotlib mecab konlpy jupyterlab papermill"
extras += " nbdev IPython pandas pyarrow accelerate sentence_transformers opensearchpy onnx"
extras += " torch transformers scipy kiwipiepy bm25s"
for extra in extras.split():
    sys.modules[extra] = None
import korean_sparse
assert korean_sparse.__file__.startswith(sys.argv[1]), korean_sparse.__file__
from korean_sparse.search import Search
search = Search(['지진이 나면 탁자 아래로 몸을 피한다.', 'A pregnant woman should avoid alcohol.', '전세 보증금은 계약이 끝나면 돌려받는다.'])
for hit in search('임신 중 술'): print(hit.id, hit)
print(search('earthquake')[0].id, search('earthquake')[0].terms)
"""


def test_an_installed_wheel_searches_without_network_in_an_empty_folder(wheel, tmp_path):
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check', 'install', '--no-deps']
    subprocess.run(
        [*pip, '--no-index', '--target', tmp_path / 'installed', wheel], check=True, stdin=subprocess.DEVNULL
    )
    (tmp_path / 'empty').mkdir()
    done = subprocess.run(
        [sys.executable, '-c', CODE, str(tmp_path / 'installed')],
        capture_output=True,
        text=True,
        cwd=tmp_path / 'empty',
        env={
            'PYTHONPATH': str(tmp_path / 'installed'),
            'PATH': '/usr/bin:/bin',
            'HOME': str(tmp_path / 'empty'),
        },
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert lines[0].startswith('1 ') and lines[-1].startswith('0 ') and 'earthquake' in lines[-1], done.stdout


def test_it_says_the_same_in_opensearch(client, tmp_path):  # noqa: F811
    model = SparseEncoder.load().configure(spellings=False)  # which `encode` adds, and a node does not
    corpus = {
        r['_id']: ' '.join(filter(None, (r.get('title'), r['text'])))
        for r in map(
            json.loads,
            (ROOT / 'data/sample/retrieval/corpus.jsonl').read_text(encoding='utf-8').splitlines()[::4],
        )
    }
    queries = [
        r['text']
        for r in map(
            json.loads,
            (ROOT / 'data/sample/retrieval/queries.jsonl').read_text(encoding='utf-8').splitlines()[::24],
        )
    ]
    written = [
        write_document(model, tmp_path / 'document.zip', 'box-document'),
        write_query(model.tokenizer, model.query.idf, tmp_path / 'query.zip', 'box-query'),
    ]
    document, query = (deploy(client, register(client, a, progress=False), progress=False) for a in written)
    try:
        create_index(client, 'box', query, document)
        report = bulk_index(client, 'box', ({'id': i, 'text': t} for i, t in corpus.items()), batch=20)
        assert report.indexed == len(corpus), report
        here = SparseIndex(list(corpus), model.encode(list(corpus.values())), model.query)
        for text in queries:
            want, got = here.scores(text), search(client, 'box', text, k=10)
            place = {i: n for n, i in enumerate(here.ids)}
            assert len(got) == min(10, int((want > 0).sum()))
            for hit, best in zip(
                got, sorted(want, reverse=True)
            ):  # rank by rank the same score; stored weights have eight significant bits
                assert (
                    abs(hit.score - want[place[hit.id]]) <= 0.01 * want[place[hit.id]]
                    and hit.score >= best * 0.985
                ), (text, hit, best)
        assert len(queries) == 30
        # a node reads 512 tokens of a long text, which is what one window holds; the library reads on
        text, keys = ' '.join(corpus.values())[:3000], term_keys(node_tokenizer(model.tokenizer))
        said, whole, one = (
            predict(client, document, [text])[0],
            model.encode([text]),
            model.configure(windows=1).encode([text]),
        )
        sent = csr_matrix(
            ([*said.values()], ([0] * len(said), [keys.index(k) for k in said])), shape=one.shape
        )
        assert weight_gap(one, sent) < 1e-3 < weight_gap(whole, sent)
        light = Light.load(precision='float32').configure(spellings=False, windows=1)
        assert weight_gap(light.encode([text]), sent) < 1e-3
    finally:
        drop_index(client, 'box')
        for model_id in (document, query):
            delete_model(client, model_id)


def test_one_recipe_makes_the_whole_box(small, tmp_path, monkeypatch):  # noqa: F811
    """From an encoder to vocabulary, healing, training, packing, figures and card, with tiny stand-ins; run
    again, nothing is trained again."""
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    models, files = small
    values = shrink(recipe(ROOT / 'runs/box.yaml')[1], *small)
    unseen = shutil.copytree(files['retrieval'], tmp_path / 'unseen')
    for path in set((unseen / 'qrels').iterdir()) - {unseen / 'qrels/dev.tsv'}:
        path.unlink()  # nobody can train on it
    box = yaml.safe_load((ROOT / 'runs/box.yaml').read_text(encoding='utf-8'))['07_box']
    box |= {
        'sets': [
            files['retrieval'],
            {'path': files['retrieval'], 'documents': files['english'], 'name': 'ko to en'},
            str(unseen),
            {'path': str(unseen), 'documents': files['english'], 'name': 'unseen ko to en'},
        ],
        'never': ['ko to en', 'unseen', 'unseen ko to en'],
        'ablate': ['unseen', 'unseen ko to en'],
        'packing': ['ko'],
        'teacher': {**box['teacher'], 'model': models[box['teacher']['model']]},
    }
    (tmp_path / 'box.yaml').write_text(
        yaml.safe_dump(
            {'run': 'box', '04_pretraining': {'analyzer': 'kiwi', **values}, '07_box': box},
            allow_unicode=True,
        ),
        encoding='utf-8',
    )
    out = make_box(tmp_path / 'box.yaml')
    model, figures = (
        SparseEncoder.load(out / 'model'),
        json.loads((out / 'model/figures.json').read_text(encoding='utf-8')),
    )
    assert model.encode(['당뇨병 환자의 혈당']).nnz > 2 and (out / 'figures.png').stat().st_size > 1000
    assert [r['set'] for r in figures['sets']] == ['ko', 'ko to en', 'unseen', 'unseen ko to en']
    assert set(figures['packing']) == {'ko'}
    for row in figures['sets']:  # as it is served, and with the idf of the model alone
        assert {'box nDCG@10', 'box?idf=model nDCG@10', 'box/box?idf=model R@10'} <= set(row)
    left_out = {row['without']: row for row in figures['ablation']}
    assert len(left_out) == 5 and all(set(r['scores']) == set(box['ablate']) for r in left_out.values())
    measured = {r['set']: r for r in figures['sets']}
    whole, metrics = left_out['nothing']['scores'], {'unseen': 'nDCG@10', 'unseen ko to en': 'R@10'}
    assert all(whole[name] == measured[name][f'box {metric}'][0] for name, metric in metrics.items())
    card = (out / 'model/README.md').read_text(encoding='utf-8')
    assert figures_table(figures['sets']) in card and 'Never trained on: ko to en, unseen' in card
    assert 'with its own idf alone' in card and '| nothing |' in card and 'as `Search` does it' in card
    first = file_hash(out / 'model' / PACKED)
    trained = (tmp_path / 'outputs/box/04_pretraining/manifest.json').stat().st_mtime
    assert (
        file_hash(make_box(tmp_path / 'box.yaml') / 'model' / PACKED) == first
        and (tmp_path / 'outputs/box/04_pretraining/manifest.json').stat().st_mtime == trained
    )


def test_what_is_worse_is_called_worse():
    rows = [
        {
            'set': 'a',
            'terms': 90.0,
            'box nDCG@10': [0.5, 0.4, 0.6],
            'BM25 nDCG@10': [0.7, 0.6, 0.8],
            'box R@1': [0.4, 0.3, 0.5],
            'BM25 R@1': [0.3, 0.2, 0.4],
            'box/BM25 nDCG@10': [0.714, 0.6, 0.9],
            'box/BM25 R@1': [1.3, 0.9, 1.6],
        }
    ]
    text = figures_table(rows)
    assert (
        '0.714 (worse)' in text
        and '1.300 (not told apart)' in text
        and worse(rows) == ['a: 0.714 times BM25 in nDCG@10 (0.500 against 0.700)']
    )
    with pytest.raises(ValueError):
        ratio_interval([1.0], [])
