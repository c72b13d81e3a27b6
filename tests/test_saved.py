"What commit 4c5e06c wrote still loads, encodes as it did, and is written again in the same files."

import json
from pathlib import Path

import pytest
from conftest import ROOT
from safetensors.torch import load_file

from korean_sparse.encoder.model import SparseEncoder, pack

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
