"""Many ways to spoil each file that holds judgements, runs or examples: what a reader makes of it is a
value, a count or a `DataError` with the file's name."""

import gzip
import json
from pathlib import Path

import pytest
from mutate import MUTATIONS, survive

from korean_sparse.core import DataError, SynonymPair, TrainExample, write_rows
from korean_sparse.examples import KINDS, TextSource, kind_of, weighted_texts
from korean_sparse.retrieval import load_retrieval, read_qrels, read_trec

CORPUS = [
    {'_id': 'd1', 'title': '혈당', 'text': '혈당을 아침마다 잰다'},
    {'_id': 'd2', 'title': '', 'text': 'Tofu is made of beans'},
    {'_id': '3', 'title': None, 'text': ['콩을 간다.', '굳힌다.']},
]
QUERIES = [{'_id': 'q1', 'text': '혈당 재는 법'}, {'_id': 'q2', 'text': '두부'}]
QRELS = 'query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1.0\nq2\t3\t2\n'
RUN = 'q1 Q0 d1 1 2.5 ours\nq1 Q0 d2 2 0.5 ours\nq2\tQ0\td2\t1\t1e-3\tours\n'
PARAGRAPHS = [
    {
        'title': '한라산',
        'paragraphs': [
            {
                'context': '꼭대기에 백록담이 있다.',
                'qas': [
                    {
                        'question': '호수는?',
                        'answers': [{'text': '백록담', 'answer_start': 5}],
                        'is_impossible': False,
                    },
                    {'question': '깊이는?', 'answers': {'text': ''}, 'is_impossible': True},
                ],
            }
        ],
    },
    {
        'title': '두부',
        'context': '<html><p>콩을 <b>굳힌다</b>.</p></html>',
        'qas': [{'question': '무엇?', 'answer': {'text': '콩'}}],
    },
]


def lines(rows: list[dict]) -> bytes:
    return ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows).encode()


def some_set(folder: Path) -> dict[str, bytes]:
    "A retrieval set in a folder, and the bytes of its files."
    files = {'corpus.jsonl': lines(CORPUS), 'queries.jsonl': lines(QUERIES), 'qrels/dev.tsv': QRELS.encode()}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level('ERROR')


@pytest.mark.parametrize('name', ['corpus.jsonl', 'queries.jsonl', 'qrels/dev.tsv'])
def test_a_set_of_which_one_file_is_spoilt(tmp_path, name):
    files = some_set(tmp_path)

    def read(path):
        try:
            return load_retrieval(tmp_path)
        except DataError as error:  # what does not fit together is said of the judgements
            assert 'dev.tsv' in str(error) or path.name in str(error), error
            raise DataError(f'{path.name}: {error}') from None

    fine, refused = survive(read, files[name], tmp_path / name)
    assert fine >= MUTATIONS // 20 and refused >= MUTATIONS // 20


@pytest.mark.parametrize('name', ['a.tsv', 'a.txt', 'a.jsonl', 'a.json', 'a.csv', 'a.tsv.gz'])
def test_judgements(tmp_path, name):
    judged = [
        {'query-id': 'q1', 'corpus-id': 'd1', 'score': 1},
        {'query-id': 2, 'corpus-id': 3, 'score': 0.0},
    ]
    data = {
        'a.txt': b'q1 0 d1 1\r\nq1 0 d2 0\r\nq2 0 d2 2\r\n',
        'a.jsonl': lines(judged),
        'a.json': json.dumps({'q1': {'d1': 1}, 'q2': {'d1': 0, 'd2': 1}}).encode(),
        'a.csv': QRELS.replace('\t', ',').encode(),
        'a.tsv.gz': gzip.compress(QRELS.encode()),
    }.get(name, QRELS.encode())
    assert read_qrels(write(tmp_path / name, data))
    fine, refused = survive(read_qrels, data, tmp_path / name)
    assert refused >= MUTATIONS // 20 and (fine >= MUTATIONS // 50 or name.endswith('gz'))


def test_runs(tmp_path):
    fine, refused = survive(read_trec, RUN.encode(), tmp_path / 'a.trec')
    assert fine >= MUTATIONS // 20 and refused >= MUTATIONS // 20


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def examples_of(folder: Path) -> dict[str, tuple[str, bytes, dict]]:
    "kind (and a name behind a slash) -> a small good file for each reader: its name, its bytes, options."
    write_rows(folder / 'pairs.jsonl', [SynonymPair('당뇨', '당뇨병', 'ko', 'ko', 'x', 0.8)] * 2)
    write_rows(folder / 'examples.jsonl', [TrainExample('질문', '답', ('오답',)), TrainExample('두부', '콩')])
    write(folder / 'collection.tsv', '1\t콩을 굳힌다\n2\t국수\n'.encode())
    write(folder / 'queries.tsv', '1\t두부란\n'.encode())
    ids = {'collection': folder / 'collection.tsv', 'queries': folder / 'queries.tsv'}
    sts = [
        {'sentence1': '방이 넓다', 'sentence2': '넓은 방', 'labels': {'label': 4.6, 'real-label': 4.6}}
    ] * 2
    flag = {
        'query': '두부란',
        'pos': ['콩'],
        'neg': ['국수'],
        'pos_scores': [0.9],
        'neg_scores': [0.1],
        'prompt': 'x',
    }
    passages = {
        'query': '두부란',
        'positive_passages': [{'docid': '1', 'title': '', 'text': '콩'}],
        'negative_passages': [],
    }
    news = [{'id': '1', 'date': '2024-11-27', 'title': '첫눈', 'text': '서울에 첫눈이 내렸다.'}] * 2
    corpus = {
        'document': [
            {'metadata': {'title': '두부'}, 'paragraph': [{'form': '콩을 간다.'}, {'form': '굳힌다.'}]}
        ]
    }
    sjml = {'SJML': {'text': [{'title': '두부', 'content': '콩을 갈아 굳힌다.', 'write_date': '2020'}]}}
    summary = {
        'documents': [{'title': '두부', 'text': [[{'sentence': '콩을 간다.'}]], 'abstractive': ['두부다']}]
    }
    table = 'anchor,positive,negative\n"세탁기, 누수",호스를 조인다.,문\n"a","b ""c""",d\n'
    return {
        'triples': ('a.tsv', '질문\t답\t오답\n두부\t콩\t국수\n'.encode(), {}),
        'id_triples': ('a.tsv', b'1\t1\t2\n1\t2\t1\n', ids),
        'korquad': ('a.json', json.dumps({'data': PARAGRAPHS}, ensure_ascii=False).encode(), {}),
        'klue_mrc': (
            'a.jsonl',
            lines([{'context': '콩', 'question': '무엇?', 'answers': {'text': ['콩']}}] * 2),
            {},
        ),
        'klue_sts': ('a.json', json.dumps(sts, ensure_ascii=False).encode(), {}),
        'bitext': ('a.tsv', '비가 온다\tit rains\n눈이 온다\tit snows\n'.encode(), {'words': 3}),
        'synonyms': ('a.jsonl', (folder / 'pairs.jsonl').read_bytes(), {}),
        'triplets': ('a.tsv', 'anchor\tpositive\tnegative\n계약서\t약정서\t계산서\n'.encode(), {}),
        'news': ('a.jsonl', lines(news), {}),
        'written': ('a.jsonl', lines([{'id': 'a-1', 'ko': '콩을 굳힌다', 'ko_q': ['두부란']}] * 2), {}),
        'labelled': ('a.jsonl', lines([flag, passages]), {}),
        'labelled/csv': ('a.csv', table.encode(), {}),
        'titled': ('a.json', json.dumps(corpus, ensure_ascii=False).encode(), {'min_chars': 5}),
        'titled/SJML': ('a.json', json.dumps(sjml, ensure_ascii=False).encode(), {'min_chars': 5}),
        'titled/summary': ('a.json', json.dumps(summary, ensure_ascii=False).encode(), {'min_chars': 5}),
        'hub': (
            'a.jsonl',
            lines([{'q': '두부란', 'd': {'text': '콩'}, 'n': ['국수']}] * 2),
            {'query': 'q', 'positive': 'd.text', 'negatives': 'n'},
        ),
        'examples': ('a.jsonl', (folder / 'examples.jsonl').read_bytes(), {}),
        'any': ('a.jsonl', lines([flag, passages]), {}),
    }


SHAPES = (
    'triples id_triples korquad klue_mrc klue_sts bitext synonyms triplets news written labelled labelled/csv '
    'titled titled/SJML titled/summary hub examples any'
).split()


@pytest.mark.parametrize('shape', SHAPES)
def test_examples(tmp_path, shape):
    name, data, options = examples_of(tmp_path)[shape]
    kind, path = shape.partition('/')[0], tmp_path / 'spoilt' / name
    path.parent.mkdir()

    def read(file):
        examples = list(KINDS[kind](file, **options))
        assert examples and all(isinstance(e, TrainExample) for e in examples)

    read(write(path, data))
    fine, refused = survive(read, data, path)
    assert fine > 0 and refused > 0


def test_every_kind_has_a_spoilt_file():
    of_articles = {'articles', 'cloze', 'crops', 'retrieval'}  # elsewhere, and `load_retrieval` above
    assert {shape.partition('/')[0] for shape in SHAPES} | of_articles == set(KINDS)


@pytest.mark.parametrize('name', ['a.json', 'a.tsv', 'a.csv'])
def test_what_kind_a_file_is_of(tmp_path, name):
    data = {'a.json': json.dumps({'data': PARAGRAPHS}), 'a.tsv': 'what is it\ta bean it is\tno bean\n'}
    survive(kind_of, data.get(name, 'anchor,positive\n"a, b",c\n').encode(), tmp_path / name)


@pytest.mark.parametrize('name', ['a.jsonl', 'a.tsv', 'a.txt', 'a.csv'])
def test_texts_for_a_vocabulary(tmp_path, name):
    data = {
        'a.jsonl': lines([{'text': '콩'}, {'text': ['가', '나']}]),
        'a.csv': '본문\n"콩, 두부"\n'.encode(),
    }
    data = data.get(name, '두부\ttofu\n콩\tbean\n'.encode())
    survive(lambda path: list(weighted_texts([TextSource(str(path))])), data, tmp_path / name)
