"What commit 4c5e06c wrote still loads, encodes as it did, and is written again in the same files."

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from safetensors.torch import load_file

from korean_sparse.core import DataError
from korean_sparse.encoder.model import SparseEncoder, pack
from korean_sparse.search import Search

SAVED = ROOT / 'tests/saved'
EXPECTED = json.loads((SAVED / 'expected.json').read_text(encoding='utf-8'))


def contents(folder: Path) -> dict[str, object]:
    "What the files of a model hold, by name, as bytes; a README does not count."
    files = sorted(p for p in folder.rglob('*') if p.is_file() and p.name != 'README.md')
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}
    # transformers writes its version and an order of its own
    found['config.json'] = json.loads(found['config.json'])
    found['config.json'].pop('transformers_version', None)
    if 'query/model.safetensors' in found:  # read from idf.json, which keeps six digits
        weight = load_file(folder / 'query/model.safetensors')['weight']
        found['query/model.safetensors'] = [round(w, 6) for w in weight.tolist()]
    return found


@pytest.mark.parametrize('kind', ['anchored', 'splade', 'packed'])
def test_a_model_saved_before_the_library_had_wings_loads_and_encodes_as_it_did(kind):
    model = SparseEncoder.load(SAVED / kind)
    for row, expected in zip(model.encode(EXPECTED['texts']), EXPECTED['terms'][kind], strict=True):
        assert dict(model.terms(row, 8)) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize('kind', ['anchored', 'splade', 'packed'])
def test_it_is_written_again_in_the_same_files_with_the_same_contents(kind, tmp_path):
    model = SparseEncoder.load(SAVED / kind)
    if kind == 'packed':
        pack(model, tmp_path)
    else:
        model.save(tmp_path)
    was, now = contents(SAVED / kind), contents(tmp_path)
    assert list(now) == list(was)
    assert [name for name in was if now[name] != was[name]] == []


# what commit 7f694bf found: id -> score, for each of the texts as a question
FOUND = [
    {'d0': 3.1842, 'd2': 0.4827},
    {'d1': 3.5714, 'd3': 1.0066, 'd2': 0.6986},
    {'d2': 3.6152, 'd0': 0.8082, 'd1': 0.4312},
    {'d3': 3.4006, 'd0': 0.4677},
]


def test_a_search_that_an_earlier_release_saved_answers_as_it_did(tmp_path):
    model = SparseEncoder.load(SAVED / 'anchored')
    search = Search.load(SAVED / 'search', model)
    assert list(search.texts.items()) == [(f'd{n}', text) for n, text in enumerate(EXPECTED['texts'])]
    assert [{hit.id: hit.score for hit in search(text)} for text in EXPECTED['texts']] == FOUND
    again = Search.load(search.save(tmp_path / 'search'), model)
    assert [again(text) for text in EXPECTED['texts']] == [search(text) for text in EXPECTED['texts']]


@pytest.mark.parametrize('kind', ['anchored', 'splade', 'packed'])
def test_a_saved_search_knows_its_model_in_memory_from_disk_and_packed(kind, tmp_path):
    model = SparseEncoder.load(SAVED / kind)
    # as after training: more digits than idf.json keeps, from tiny weights to the largest
    model.query.idf = np.geomspace(2e-6, 64, len(model.query.idf)).astype('float32')
    kept = [model, SparseEncoder.load(model.save(tmp_path / 'saved'))]
    kept.append(SparseEncoder.load(kept[1].save(tmp_path / 'again')))
    if kind != 'splade':
        kept += [SparseEncoder.load(pack(one, tmp_path / 'packed')) for one in kept]
    for n, one in enumerate(kept):
        folder = Search(['환자의 혈당'], one).save(tmp_path / f'search{n}')
        for other in kept:
            assert Search.load(folder, other).texts == {'0': '환자의 혈당'}
    model.query.idf = model.query.idf * np.float32(1.00001)
    with pytest.raises(DataError, match='another model'):
        Search.load(folder, model)
