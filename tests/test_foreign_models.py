"""Somebody else's folder as a model: nothing in it runs, nobody is asked, and what it claims is checked first."""

import json
import os
import pickle
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from mutate import mutations
from safetensors.torch import load_file, save_file
from test_model_saves import TEXTS, tiny

from korean_sparse.core import DataError
from korean_sparse.encoder import SparseEncoder, load_start, pack
from korean_sparse.judging.systems import read_system
from korean_sparse.retrieval import RetrievalSet
from korean_sparse.training.recipe import read_teachers

ONE = RetrievalSet('a/dev', {'d': '글'}, {'q': '글'}, {'q': {'d': 1}})


@pytest.fixture(scope='module')
def home(tmp_path_factory) -> Path:
    "A tiny model, saved and packed."
    folder = tmp_path_factory.mktemp('models')
    torch.manual_seed(0)
    model = tiny()
    model.save(folder / 'saved')
    pack(model, folder / 'packed')
    return folder


@pytest.fixture
def of(home, tmp_path):
    "Gives a copy of the `saved` or `packed` model."

    def copy(kind: str = 'saved') -> Path:
        folder = tmp_path / kind
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(home / kind, folder))

    return copy


def change(path: Path, **fields) -> None:
    "Other fields in a JSON file."
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


OPENERS = {
    'load': SparseEncoder.load,
    'start': load_start,
    'card': lambda folder: read_system(f'card:{folder}').search(ONE, 1),
    'dense': lambda folder: read_system(f'dense:{folder}').search(ONE, 1),
    'system': lambda folder: read_system(f'sparse:{folder}').search(ONE, 1),
    'teacher': lambda folder: read_teachers([{'kind': 'sentence', 'model': str(folder)}])[0].make(
        [], None, None
    ),
    'dense teacher': lambda folder: read_teachers([{'kind': 'dense', 'model': str(folder)}])[0].make(
        [], None, None
    ),
}


def evil(folder: Path) -> Path:
    "Code in the folder, and the file that it would write."
    mark = folder / 'RAN'
    (folder / 'evil.py').write_text(
        f'open({str(mark)!r}, "w").write("ran")\n'
        'from transformers import BertConfig as EvilConfig, BertModel as Evil, BertForMaskedLM as EvilLM\n'
    )
    return mark


@pytest.mark.parametrize('kind', ['new', 'known', 'nested', 'tokenizer', 'elsewhere'])
@pytest.mark.parametrize('opener', OPENERS)
def test_code_of_a_folder_is_not_run_and_nobody_is_asked(opener, kind, of, monkeypatch):
    asked = []
    monkeypatch.setattr('builtins.input', lambda *text: asked.append(text) or 'y')
    folder = of()
    mark = evil(folder)
    repository = 'somebody/else--' if kind == 'elsewhere' else ''
    names = {'AutoConfig': 'EvilConfig', 'AutoModel': 'Evil', 'AutoModelForMaskedLM': 'EvilLM'}
    code = {auto: f'{repository}evil.{name}' for auto, name in names.items()}
    if kind == 'tokenizer':
        change(folder / 'tokenizer_config.json', auto_map={'AutoTokenizer': ['evil.Evil', None]})
    elif kind == 'nested':
        change(folder / 'config.json', text_config={'auto_map': code})
    else:
        change(folder / 'config.json', auto_map=code)
    if kind == 'new':
        change(folder / 'config.json', model_type='evil_new')
    if opener in ('system', 'teacher'):
        (folder / 'router_config.json').unlink()
        ours = json.loads((folder / 'config.json').read_text())
        ours.pop('korean_sparse')
        (folder / 'config.json').write_text(json.dumps(ours))
    with pytest.raises(DataError, match=str(folder)):
        OPENERS[opener](folder)
    assert not mark.exists() and not asked


@pytest.mark.parametrize('opener', ['system', 'teacher'])
@pytest.mark.parametrize(
    'name',
    [
        'evil.Evil',
        'os.system',
        'builtins.exec',
        'sentence_transformers.base.model.torch',
        'korean_sparse.x.Y',
    ],
)
def test_a_module_of_another_class_is_refused(opener, name, of):
    folder = of()
    mark = evil(folder)
    ours = json.loads((folder / 'config.json').read_text())
    ours.pop('korean_sparse')
    (folder / 'config.json').write_text(json.dumps(ours))
    modules = [{'idx': 0, 'name': '0', 'path': '', 'type': name}]
    (folder / 'modules.json').write_text(json.dumps(modules))
    with pytest.raises(DataError, match=str(folder)):
        OPENERS[opener](folder)
    assert not mark.exists()


def test_code_in_a_packed_folder_is_refused(of):
    folder = of('packed')
    mark = evil(folder)
    change(folder / 'config.json', auto_map={'AutoModel': 'evil.Evil'})
    with pytest.raises(DataError, match='auto_map'):
        SparseEncoder.load(folder)
    assert not mark.exists()


class Bomb:
    "What a pickle can do while it is opened."

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize(
    'name', ['pytorch_model.bin', 'model.safetensors', 'model.pt', 'head/model.safetensors']
)
@pytest.mark.parametrize('protocol', ['zip', 2, 4])
def test_a_pickle_is_never_opened(name, protocol, of):
    folder = of()
    mark = folder / 'RAN'
    (folder / 'model.safetensors').unlink()
    if protocol == 'zip':
        torch.save({'w': Bomb(mark)}, folder / name)
    else:
        (folder / name).write_bytes(pickle.dumps(Bomb(mark), protocol))
    for opener in ('load', 'start', 'card'):
        with pytest.raises((DataError, FileNotFoundError), match=str(folder)):
            OPENERS[opener](folder)
    shutil.copy(folder / name, of('packed') / 'packed.safetensors')
    with pytest.raises(DataError, match='packed.safetensors'):
        SparseEncoder.load(folder.parent / 'packed')
    assert not mark.exists()


HUGE = [
    'hidden_size',
    'num_hidden_layers',
    'vocab_size',
    'intermediate_size',
    'max_position_embeddings',
    'num_labels',
]


@pytest.mark.parametrize('kind', ['saved', 'packed'])
@pytest.mark.parametrize('field', HUGE)
@pytest.mark.parametrize('size', [10**9, 1_000_000, 10**30, -8, '8', 8.5, True, [8]])
def test_sizes_that_the_weights_do_not_have_are_refused_at_once(kind, field, size, of):
    if field == 'num_labels' and size in (1_000_000, -8, '8', 8.5, True, [8]):
        pytest.skip('says nothing about an encoder')
    folder = of(kind)
    change(folder / 'config.json', **{field: size})
    start = time.monotonic()
    with pytest.raises(DataError, match=str(folder)):
        SparseEncoder.load(folder)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize('field', ['translations', 'importance', 'max_length', 'top_own', 'windows'])
@pytest.mark.parametrize('value', [10**9, 60_000, -1, '3', None, 2.5])
def test_settings_of_the_head_are_checked(field, value, of):
    for kind in ('saved', 'packed'):
        folder = of(kind)
        ours = json.loads((folder / 'config.json').read_text())['korean_sparse']
        if field == 'top_own' and value == 60_000:
            continue
        change(folder / 'config.json', korean_sparse=ours | {field: value})
        with pytest.raises(DataError, match='config.json'):
            SparseEncoder.load(folder)


def test_tensors_of_other_shapes_types_and_ranges_are_named(of):
    def spoil(kind: str, file: str, name: str, turn) -> None:
        folder = of(kind)
        tensors = load_file(folder / file)
        tensors[name] = turn(tensors[name]).contiguous()
        save_file(tensors, folder / file, metadata={'format': 'pt'})
        with pytest.raises(DataError, match=str(folder)):
            SparseEncoder.load(folder)

    turns = {
        'head/model.safetensors': {
            'dictionary': [lambda x: x + 10**6, lambda x: -x - 1, lambda x: x.float()],
            'kinds': [lambda x: x + 9, lambda x: x[1:], lambda x: x.bool()],
            'average_length': [lambda x: x * 0, lambda x: -x],
            'gate': [
                lambda x: x * float('nan'),
                lambda x: x * 1e9,
                lambda x: x[:-1],
                lambda x: x.to(torch.int32),
            ],
            'project': [lambda x: x[:-1], lambda x: x.flatten()],
        },
        'model.safetensors': {
            'embeddings.word_embeddings.weight': [
                lambda x: x[:-1],
                lambda x: x * float('inf'),
                lambda x: x * 1e9,
            ]
        },
    }
    for file, by_name in turns.items():
        for name, several in by_name.items():
            for turn in several:
                spoil('saved', file, name, turn)
    for name in ('head.dictionary', 'head.kinds'):
        spoil('packed', 'packed.safetensors', name, lambda x: x.to(torch.int64) + 10**6)
    spoil('packed', 'packed.safetensors', 'idf', lambda x: -x)
    spoil('packed', 'packed.safetensors', 'idf', lambda x: x[:-1])


@pytest.mark.parametrize(
    'content',
    [
        b'{}',
        b'[]',
        b'',
        b'{"a": 1',
        b'\xff\xfe',
        b'{"a":' * 9000,
        b'{"[UNK]": NaN}',
        b'{"a": -1}',
        b'{"a": "1"}',
    ],
)
def test_a_foreign_idf_is_named(content, of):
    folder = of()
    (folder / 'idf.json').write_bytes(content)
    with pytest.raises(DataError, match='idf.json'):
        SparseEncoder.load(folder)


def test_a_foreign_tokenizer_is_named(of):
    for kind in ('saved', 'packed'):
        whole = (of(kind) / 'tokenizer.json').read_bytes()
        spec = json.loads(whole)
        far = {'id': '[CLS]', 'ids': [10**6], 'tokens': ['[CLS]']}
        wide = {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '[CLS]', 'type_id': 0}}]}
        wide |= {'pair': wide['single'], 'special_tokens': {'[CLS]': far}}
        model = {'type': 'WordLevel', 'vocab': {'a': 0, 'b': 7}, 'unk_token': 'a'}
        for content in (
            b'',
            whole[:-20],
            b'[' * 9000,
            json.dumps(spec | {'post_processor': wide}).encode(),
            json.dumps(spec | {'model': model, 'added_tokens': []}).encode(),
            json.dumps(spec | {'model': {'type': 'Unigram', 'unk_id': 9, 'vocab': []}}).encode(),
        ):
            folder = of(kind)
            (folder / 'tokenizer.json').write_bytes(content)
            with pytest.raises(DataError, match=str(folder)):
                SparseEncoder.load(folder)


def test_padding_in_a_foreign_tokenizer_takes_no_memory(of):
    for kind in ('saved', 'packed'):
        folder = of(kind)
        padding = {'strategy': {'Fixed': 10**10}, 'direction': 'Right', 'pad_to_multiple_of': None}
        padding |= {'pad_id': 0, 'pad_type_id': 0, 'pad_token': '[PAD]'}
        change(folder / 'tokenizer.json', padding=padding)
        model = SparseEncoder.load(folder)
        assert model.encode(TEXTS).nnz and len(model.query('두부'))


def test_a_pipe_in_place_of_a_file_is_not_waited_for(of):
    for name in ('model.safetensors', 'config.json', 'tokenizer.json'):
        folder = of()
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises((DataError, FileNotFoundError), match=name):
            SparseEncoder.load(folder)


def test_500_mutations_give_a_named_error_or_a_model_that_encodes(home, tmp_path):
    start, rng, outcomes = time.monotonic(), random.Random(0), {'fine': 0, 'refused': 0}
    files = [
        ('saved', p) for p in sorted((home / 'saved').rglob('*')) if p.is_file() and 'query' not in str(p)
    ]
    files += [('packed', p) for p in sorted((home / 'packed').rglob('*'))]
    files = [(kind, p) for kind, p in files if p.suffix in ('.safetensors', '.json')]
    streams = {p: mutations(p.read_bytes(), 500, seed) for seed, (_, p) in enumerate(files)}
    folder = tmp_path / 'spoilt'
    for number in range(500):
        kind, path = rng.choice(files)
        spoilt = folder / path.relative_to(home / kind)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(home / kind, folder)
        spoilt.write_bytes(next(streams[path]))
        try:
            model = SparseEncoder.load(folder)
        except (DataError, FileNotFoundError) as error:
            assert str(folder) in str(error), f'mutation {number} of {path.name}: {error}'
            outcomes['refused'] += 1
            continue
        except Exception as error:
            raise AssertionError(
                f'mutation {number} of {path.name}: {type(error).__name__}: {error}'
            ) from error
        rows = model.encode(TEXTS, left_out=None)
        size = len(model.vocab)
        assert rows.shape == (len(TEXTS), size) and np.isfinite(rows.data).all(), (number, path.name)
        assert rows.data.min(initial=0) >= 0 and rows.indices.max(initial=0) < size, (number, path.name)
        ids = model.query('두부 sugar')
        assert ids.max(initial=0) < size and np.isfinite(model.query.idf).all()
        outcomes['fine'] += 1
    assert min(outcomes.values()) > 20, outcomes
    assert time.monotonic() - start < 300, 'far too slow'
