"A thousand ways to spoil each file of a query side: a value, or a `DataError` with the file's name."

import json
from pathlib import Path

import pytest
from conftest import ROOT
from mutate import survive

from korean_sparse.core import DataError
from korean_sparse.retrieval.query import QueryEncoder, SparseIndex, load_idf, load_tokenizer, read_idf

MODEL = ROOT / 'tests/saved/anchored'
IDF = (MODEL / 'idf.json').read_bytes()
TOKENIZER = json.dumps(json.loads((MODEL / 'tokenizer.json').read_text()), ensure_ascii=False).encode()


def test_idf(tmp_path):
    tokenizer = load_tokenizer(MODEL)
    fine, refused = survive(read_idf, IDF, tmp_path / 'idf.json')
    assert refused > fine
    fine, refused = survive(lambda path: load_idf(path.parent, tokenizer), IDF, tmp_path / 'idf.json')
    assert refused > fine


def use(path: Path) -> None:
    "Read a tokenizer, and ask with it."
    tokenizer = load_tokenizer(path.parent)
    size = tokenizer.get_vocab_size()
    query = QueryEncoder(tokenizer, load_idf(MODEL, load_tokenizer(MODEL))[:size])
    rows = query.matrix(['환자의 혈당 tofu', '삵'])
    SparseIndex(['a', 'b'], rows, query).search({'q': '혈당 삵'})
    query.understood('환자의 삵')


def test_tokenizer(tmp_path):
    def read(path):
        try:
            use(path)
        except DataError as error:
            # a whole tokenizer with more terms than weights, or without a byte that a letter needs
            if 'not of one model' not in str(error) and 'the tokenizer cannot read' not in str(error):
                raise
            raise DataError(f'{path}: {error}') from None

    fine, refused = survive(read, TOKENIZER, tmp_path / 'tokenizer.json')
    assert refused > fine


@pytest.mark.parametrize(
    'table', ['[1.0]', 'null', '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "1"}', '{"a": {}}', '\x00']
)
def test_a_table_that_is_none_is_named(table, tmp_path):
    (tmp_path / 'idf.json').write_text(table)
    with pytest.raises(DataError, match=r'idf\.json'):
        read_idf(tmp_path)


def test_a_tokenizer_without_parts_reads_all_the_same_and_one_without_unknowns_is_named(tmp_path):
    value = json.loads(TOKENIZER)
    value['pre_tokenizer'] = {'type': 'Sequence', 'pretokenizers': []}
    (tmp_path / 'tokenizer.json').write_text(json.dumps(value))
    use(tmp_path / 'tokenizer.json')
    value['model'] |= {'unk_id': None, 'byte_fallback': False}
    (tmp_path / 'tokenizer.json').write_text(json.dumps(value))
    with pytest.raises(DataError, match=r'tokenizer\.json: .*cannot read every letter'):
        load_tokenizer(tmp_path)
