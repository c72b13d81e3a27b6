"Stage 05 as somebody uses it on data of their own: any BEIR folder, any list of systems, no stage before it."

import json
from pathlib import Path

import ir_measures
import pytest
from test_papermill import papermill


def beir(
    folder: Path, corpus: dict[str, str], queries: dict[str, str], qrels: list[tuple[str, str, int]]
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


@pytest.mark.parametrize(
    'change, said',
    [
        ({'qrels': []}, 'no judgement'),
        ({'qrels': [('q1', 'd1', 0)]}, 'no query has a relevant document'),
        ({'qrels': [('q1', 'd9', 1)]}, "names unknown document 'd9'"),
        ({'systems': 'BM25 | bm52'}, "unknown kind 'bm52'"),
        ({'run': 'q1 Q0 d9 1 2.0 x\n'}, "documents that mine/dev does not have: 'd9'"),
        ({'run': 'q1 Q0 d1 1 nan x\n'}, 'is NaN or infinite'),
        ({'twice': 'd1'}, "the id 'd1' is there twice"),
    ],
)
def test_what_cannot_be_judged_is_named(tmp_path, monkeypatch, change, said):
    from korean_sparse.evaluation import EvaluationConfig, build

    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    folder = beir(tmp_path / 'mine', CORPUS, QUERIES, change.get('qrels', [('q1', 'd1', 1)]))
    (tmp_path / 'x.trec').write_text(change.get('run', 'q1 Q0 d1 1 1.0 x\n'))
    if 'twice' in change:
        (folder / 'corpus.jsonl').write_text(
            (folder / 'corpus.jsonl').read_text(encoding='utf-8')
            + json.dumps({'_id': change['twice'], 'text': '다시'})
            + '\n',
            encoding='utf-8',
        )
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
