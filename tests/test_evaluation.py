"Stage 05 as somebody uses it on data of their own: any BEIR folder, any list of systems, no stage before it."

import json
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from test_papermill import papermill


def beir(
    folder: Path, corpus: dict[str, str], queries: dict[str, str], qrels: list[tuple[str, str, float]]
) -> Path:
    (folder / 'qrels').mkdir(parents=True)
    for name, rows in (('corpus', corpus), ('queries', queries)):
        (folder / f'{name}.jsonl').write_text(
            ''.join(json.dumps({'_id': i, 'text': t}, ensure_ascii=False) + '\n' for i, t in rows.items()),
            encoding='utf-8',
        )
    (folder / 'qrels/dev.tsv').write_text(
        'query-id\tcorpus-id\tscore\n' + ''.join(f'{q}\t{d}\t{s}\n' for q, d, s in qrels)
    )
    return folder


CORPUS = {
    'd1': '당뇨병 환자는 혈당을 잰다',
    'd2': '두부는 콩으로 만든다',
    'd3': '지진이 나면 책상 아래로 숨는다',
    'd4': '김치는 배추로 담근다',
}
QUERIES = {'q1': '혈당을 재는 방법', 'q2': '두부 만드는 콩', 'q3': '아무도 모르는 것'}


def test_any_set_and_any_systems(tmp_path):
    folder = beir(tmp_path / 'mine', CORPUS, QUERIES, [('q1', 'd1', 1), ('q2', 'd2', 1), ('q3', 'd4', 0)])
    (tmp_path / 'theirs.trec').write_text('q1 Q0 d1 1 2.0 theirs\nq2 Q0 d4 1 1.0 theirs\n')
    outputs = {'KOREAN_SPARSE_OUTPUTS': str(tmp_path / 'outputs')}
    done = papermill(
        '05_evaluation',
        tmp_path / '05.ipynb',
        '-p',
        'run',
        'mine',
        '-p',
        'retrieval',
        str(folder),
        '-p',
        'split',
        'dev',
        '-p',
        'analyzer',
        'kiwi',
        '-p',
        'systems',
        f'BM25 | bm25:bigram | run:{tmp_path}/theirs.trec | hybrid:BM25+bm25:bigram',
        cwd=tmp_path,
        **outputs,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    out = tmp_path / 'outputs/mine/05_evaluation'
    table = {r['system']: r for r in json.loads((out / 'table.json').read_text(encoding='utf-8'))}
    assert (
        list(table) == ['BM25', 'bm25:bigram', 'run:theirs', 'hybrid:BM25+bm25:bigram']
        and table['BM25']['nDCG@10'] == 1.0
        and table['run:theirs']['nDCG@10'] == 0.5
    )
    assert table['BM25']['queries'] == 2, 'the query without a relevant document is left out'
    assert '| mine/dev | run:theirs | 2 | 0.500 |' in (out / 'table.md').read_text(encoding='utf-8')
    runs = sorted((out / 'runs').iterdir())
    assert len(runs) == 4
    qrels = [ir_measures.Qrel('q1', 'd1', 1), ir_measures.Qrel('q2', 'd2', 1)]
    assert (
        ir_measures.calc_aggregate(
            [ir_measures.nDCG @ 10],
            qrels,
            ir_measures.read_trec_run(str(next(r for r in runs if 'theirs' in r.name))),
        )[ir_measures.nDCG @ 10]
        == 0.5
    )
    assert (out / 'ndcg_by_direction.png').exists() and (out / 'groups.png').exists()


def test_a_model_of_ours_is_measured_as_it_is_served(tmp_path, monkeypatch):
    "The collection corrects its idf, from ten documents on; `?idf=model` leaves that out, in the same table."
    from korean_sparse.encoder import SparseEncoder
    from korean_sparse.encoder.model import installed_model
    from korean_sparse.evaluation import EvaluationConfig, build
    from korean_sparse.retrieval import SparseIndex

    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    things = '자전거 냉장고 우산 여권 보험 전세 두부 지진 혈당 커피 버스 안경 연필 가방 편지'.split()
    corpus = {f'd{n}': f'{thing} 세금 안내' for n, thing in enumerate(things)}
    queries = {f'q{n}': f'{thing} 세금' for n, thing in enumerate(things)}
    folder = beir(tmp_path / 'mine', corpus, queries, [(f'q{n}', f'd{n}', 1) for n in range(len(things))])
    names = ['BM25', 'box', 'box?idf=model', f'sparse:{installed_model()}']
    judged = {'run': 'mine', 'retrieval': str(folder), 'split': 'dev', 'analyzer': 'kiwi'}
    out = build(EvaluationConfig(**judged, systems=' | '.join(names))).folder
    table = json.loads((out / 'table.json').read_text(encoding='utf-8'))
    assert [row['system'] for row in table] == [*names[:3], 'sparse:model']
    model = SparseEncoder.load()
    rows = model.encode(list(corpus.values()))
    served, plain = (SparseIndex(list(corpus), rows, model.query, blended) for blended in (True, False))
    found = {
        name: dict(
            (line.split()[2], float(line.split()[4]))
            for line in (out / f'runs/mine-dev.{file}.trec').read_text(encoding='utf-8').splitlines()
            if line.startswith('q0 ')
        )
        for name, file in (('box', 'box'), ('plain', 'box-idf-model'), ('folder', 'sparse-model'))
    }
    for name, index in (('box', served), ('plain', plain), ('folder', served)):
        want = {d: s for d, s in zip(corpus, index.scores(queries['q0']).tolist()) if s > 0}
        assert found[name] == pytest.approx(want, rel=1e-4), name
    assert found['box']['d1'] < found['plain']['d1']  # 세금 is all that they share


@pytest.mark.parametrize(
    'change, said',
    [
        ({'qrels': []}, 'no judgement'),
        ({'qrels': [('q1', 'd1', 0)]}, 'no query has a relevant document'),
        ({'qrels': [('q1', 'd9', 1)]}, "names unknown document 'd9'"),
        ({'systems': 'BM25 | bm52'}, "unknown kind 'bm52'"),
        ({'run': 'q1 Q0 d9 1 2.0 x\n'}, "documents that mine/dev does not have: 'd9'"),
        ({'run': 'q1 Q0 d1 1 nan x\n'}, 'is NaN or infinite'),
        ({'run': 'q1\td1\t1\n'}, 'has no scores'),
        ({'qrels': [('q1', 'd1', 0.5)]}, 'the relevance 0.5 is not a whole number'),
    ],
)
def test_what_cannot_be_judged_is_named(tmp_path, monkeypatch, change, said):
    from korean_sparse.evaluation import EvaluationConfig, build

    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    folder = beir(tmp_path / 'mine', CORPUS, QUERIES, change.get('qrels', [('q1', 'd1', 1)]))
    (tmp_path / 'x.trec').write_text(change.get('run', 'q1 Q0 d1 1 1.0 x\n'))
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        build(
            EvaluationConfig(
                run='mine',
                retrieval=str(folder),
                split='dev',
                analyzer='kiwi',
                systems=change.get('systems', f'BM25 | run:{tmp_path}/x.trec'),
            )
        )
    assert not list((tmp_path / 'outputs').rglob('table.md'))


def test_a_set_as_it_is_published_is_judged_and_what_does_not_fit_is_named(tmp_path, monkeypatch, caplog):
    "ArguAna judges a document that it lacks, NFCorpus a query; others hold empty and repeated rows."
    from korean_sparse.evaluation import EvaluationConfig, build
    from korean_sparse.retrieval import load_retrieval

    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    qrels = [
        ('q1', 'd1', 1),
        ('q1', 'd1', 1),
        ('q2', 'd2', 1),
        ('q2', 'lost', 1),
        ('q2', 'd5', 1),
        ('q9', 'd1', 1),
    ]
    qrels += [('q2', 'd2', 0)]  # says the contrary of the first
    folder = beir(tmp_path / 'mine', CORPUS, QUERIES, qrels)
    with open(folder / 'corpus.jsonl', 'a', encoding='utf-8') as f:
        f.write('{"_id": "d1", "text": "다시"}\n{"_id": "d5", "text": ""}\n')
    with pytest.raises(ValueError, match="the id 'd1' is there twice"):
        load_retrieval(folder, 'dev', strict=True)
    config = {'run': 'mine', 'retrieval': str(folder), 'split': 'dev', 'analyzer': 'kiwi', 'systems': 'BM25'}
    build(EvaluationConfig(**config))
    table = json.loads((tmp_path / 'outputs/mine/05_evaluation/table.json').read_text(encoding='utf-8'))
    (row,) = [r for r in table if r['system'] == 'BM25']
    best = 1 / (1 + 1 / np.log2(3) + 1 / 2)  # of three answers to the second query two cannot be found
    assert row['queries'] == 2 and row['nDCG@10'] == pytest.approx((1 + best) / 2, abs=1e-3)
    said = [
        r.getMessage()
        for r in caplog.records
        if 'left out' in r.getMessage() and 'mine/dev' in r.getMessage()
    ]
    assert len(said) == 1, said
    for reason in (
        '1 x document with the id of another',
        '1 x document without a text',
        '1 x judgement that is there twice',
        '1 x judgement that contradicts another',
        '1 x judged query that is not among the queries',
        '1 x judged document that is not in the corpus (it counts as not found) (first: ',
        "query 'q2' names unknown document 'lost'",
    ):
        assert reason in said[0], said[0]
