"What commit 4c5e06c wrote still loads, and says the same: a checkpoint of each head, a packed model."

import json

import pytest
from conftest import ROOT

from korean_sparse.encoder.model import SparseEncoder

SAVED = ROOT / 'tests/saved'
EXPECTED = json.loads((SAVED / 'expected.json').read_text(encoding='utf-8'))


@pytest.mark.parametrize('kind', ['anchored', 'splade', 'packed'])
def test_a_model_saved_before_the_library_had_wings_loads_and_encodes_as_it_did(kind):
    model = SparseEncoder.load(SAVED / kind)
    for row, expected in zip(model.encode(EXPECTED['texts']), EXPECTED['terms'][kind], strict=True):
        assert dict(model.terms(row, 8)) == pytest.approx(expected, abs=2e-3)
