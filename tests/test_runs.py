"""The named runs: each file says only what stage 04 knows, and each trains, with tiny stand-ins for what it
takes from the hub and from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT

from korean_sparse.core.rows import DataError
from korean_sparse.core.settings import make_config
from korean_sparse.core.stage import STAGES
from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.encoder.start import load_start, move, save_moved, tiny_checkpoint
from korean_sparse.pretraining import PretrainConfig, build
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vocabulary import train_vocabulary

RUNS = sorted((ROOT / 'runs').glob('*.yaml'))
PAIRS = [
    (
        '당뇨병',
        'diabetes',
        '당뇨병 환자는 아침마다 혈당을 재고 적는다.',
        'A diabetes patient measures blood sugar every morning.',
    ),
    (
        '두부',
        'tofu',
        '콩을 불려 갈고 간수를 넣으면 두부가 된다.',
        'Soy beans are soaked and ground to make tofu.',
    ),
    (
        '전세',
        'deposit',
        '무주택자는 전세 자금을 낮은 이자로 빌린다.',
        'A household without a home borrows its deposit at low interest.',
    ),
    (
        '생강차',
        'ginger',
        '생강차는 목을 따뜻하게 해서 감기에 좋다.',
        'Ginger tea warms the throat in a cold.',
    ),
    (
        '막차',
        'train',
        '마지막 열차는 밤 열두 시에 역을 떠난다.',
        'The last train leaves the station at midnight.',
    ),
    (
        '김치',
        'kimchi',
        '배추를 소금에 절여 양념을 바르면 김치가 된다.',
        'Cabbage is salted and seasoned to make kimchi.',
    ),
]


def recipe(path: Path) -> tuple[str, dict]:
    said = yaml.safe_load(path.read_text(encoding='utf-8'))
    assert set(said) - {'run', '07_box'} <= set(STAGES), path
    return said['run'], said.get('04_pretraining') or {}


@pytest.mark.parametrize('path', RUNS, ids=lambda p: p.stem)
def test_a_named_run_says_only_what_the_stage_knows(path):
    name, values = recipe(path)
    cfg = make_config(PretrainConfig, values)
    assert name == path.stem and cfg.curriculum()


def test_the_parameters_cell_shows_every_parameter_with_its_default():
    notebook = json.loads((ROOT / 'nbs/04_pretraining.ipynb').read_text(encoding='utf-8'))
    (cell,) = [c for c in notebook['cells'] if 'parameters' in c['metadata'].get('tags', [])]
    shown: dict = {}
    exec(''.join(cell['source']), {}, shown)
    assert list(shown.items()) == list(asdict(PretrainConfig()).items())


def test_the_figures_of_the_field_are_in_the_files():
    plan, v22, v26 = (
        make_config(PretrainConfig, recipe(ROOT / f'runs/{n}.yaml')[1]) for n in ('plan', 'v22', 'v26')
    )
    (p,) = plan.curriculum()
    assert (p.ranking, p.cross_lingual, p.flops, p.epochs, plan.batch_size) == (1.0, 0.3, 0.001, 10.0, 32)
    assert [(p.temperature, p.ranking, p.epochs) for p in v22.curriculum()] == [
        (0.07, 1.0, 10.0),
        (0.05, 1.5, 10.0),
        (0.03, 2.0, 10.0),
    ] and v22.encoder['max_length'] == 64
    (p,) = v26.curriculum()
    assert (
        p.flops,
        p.idf_alpha,
        p.stopwords,
        p.special,
        p.epochs,
        v26.batch_size,
        v26.lr,
        v26.encoder['max_length'],
    ) == (0.010, 4.0, 15.0, 100.0, 25.0, 48, 2e-5, 192)
    assert v26.teachers[0]['model'] == 'BAAI/bge-m3' and p.distill > 0 and p.margin > 0


def write(path: Path, rows) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '\n'.join(r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in rows) + '\n',
        encoding='utf-8',
    )
    return str(path)


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    """Tiny encoders of the three architectures, one that was moved onto our vocabulary, and one small file of
    each kind that a run reads."""
    tmp = tmp_path_factory.mktemp('small')
    texts = [t for row in PAIRS for t in row]
    found = {
        name: str(tiny_checkpoint(tmp / name, texts, kind, head=head))
        for name, kind, head in (
            ('klue/bert-base', 'bert', True),
            ('skt/A.X-Encoder-base', 'modernbert', True),
            ('xlm-roberta-base', 'xlm-roberta', True),
            ('BAAI/bge-m3', 'xlm-roberta', False),
            ('intfloat/multilingual-e5-small', 'xlm-roberta', False),
        )
    }
    vocab = train_vocabulary(texts, get_analyzer('kiwi'), 400)
    start = load_start(found['intfloat/multilingual-e5-small'], 'query: ', 'passage: ')
    found['outputs/healed'] = str(
        save_moved(move(start, vocab, texts, query_prefix='query: ', progress=False), vocab, tmp / 'healed')
    )
    found['../shared/models/multilingual-e5-small-ko-en'] = found['intfloat/multilingual-e5-small']
    for lang, column in (('ko', 2), ('en', 3)):
        write(tmp / lang / 'corpus.jsonl', [{'_id': str(n), 'text': r[column]} for n, r in enumerate(PAIRS)])
        write(
            tmp / lang / 'queries.jsonl',
            [{'_id': str(n), 'text': r[column - 2]} for n, r in enumerate(PAIRS)],
        )
        for split in ('train', 'dev'):
            write(
                tmp / lang / f'qrels/{split}.tsv',
                ['query-id\tcorpus-id\tscore'] + [f'{n}\t{n}\t1' for n in range(len(PAIRS))],
            )
    files = {
        'retrieval': str(tmp / 'ko'),
        'english': str(tmp / 'en'),
        'bitext': write(tmp / 'bitext.tsv', [f'{r[2]}\t{r[3]}' for r in PAIRS]),
        'pairs': write(tmp / 'pairs.tsv', [f'{r[0]}\t{r[1]}' for r in PAIRS]),
        'triplets': write(
            tmp / 'triplets.jsonl',
            [{'anchor': r[0], 'positive': r[2], 'negative': PAIRS[n - 1][2]} for n, r in enumerate(PAIRS)],
        ),
        'crops': write(
            tmp / 'texts.jsonl',
            [
                {'source': 'book_review', 'text': ' '.join((r[2], PAIRS[n - 1][2], PAIRS[n - 2][2]))}
                for n, r in enumerate(PAIRS)
            ],
        ),
        'written': write(
            tmp / 'written.jsonl',
            [
                {'id': f'a-{n}', 'ko': r[2], 'en': r[3], 'ko_q': [r[0]], 'en_q': [r[1]]}
                for n, r in enumerate(PAIRS, 1)
            ],
        ),
        'korquad': write(
            tmp / 'squad.json',
            [
                {
                    'data': [
                        {'title': r[0], 'paragraphs': [{'context': r[2], 'qas': [{'question': f'{r[0]}?'}]}]}
                        for r in PAIRS
                    ]
                }
            ],
        ),
    }
    return found, files | {'klue_mrc': files['korquad']}


def shrink(values: dict, models: dict, files: dict) -> dict:
    "The same recipe with stand-ins, a few steps long."

    def source(s: dict) -> dict:
        english = s.get('path', '').endswith('msmarco_en')
        return (
            {k: v for k, v in s.items() if k not in ('path', 'documents', 'sample')}
            | ({'words': 2, 'min_chars': 10} if s['kind'] == 'crops' else {})
            | {'path': files['english' if english else s['kind']]}
            | ({'documents': files['retrieval' if english else 'english']} if 'documents' in s else {})
        )

    values = values | {
        'start': models[values['start']],
        'dev': [files['retrieval']],
        'phases': [{**p, 'steps': 2} for p in values['phases']],
        'batch_size': 3,
        'eval_every': 3,
        'save_every': 2,
        'chunk': min(values.get('chunk', 0), 2),
        'accumulate': min(values.get('accumulate', 1), 2),
        'precision': 'no',
        'heal_steps': min(values.get('heal_steps', 0), 2),
        'vocabulary': min(values.get('vocabulary', 400), 400),
    }
    if 'sources' in values:
        values['sources'] = [source(s) for s in values['sources']]
    else:
        values['sources'] = [
            {'label': 'articles', 'kind': 'retrieval', 'path': files['retrieval']},
            {'label': 'synonyms', 'kind': 'bitext', 'path': files['bitext']},
        ]  # in place of the stages before
    if values.get('texts'):
        values['texts'] = [
            {'path': files['crops'], 'heal': 50},
            {'path': files['bitext'], 'weight_en': 2.0, 'heal_en': 50},
        ]
    if values.get('freeze', 0) > 0:
        values['freeze'] = 1
    if 'pairs' in values:
        values['pairs'] = [files['pairs']]
    if 'terms' in values:
        values['terms'] = models[values['terms']]
    values['teachers'] = [
        {**t, **({'model': models[t['model']]} if 'model' in t else {})} for t in values.get('teachers', [])
    ]
    values['encoder'] = values.get('encoder', {}) | {'max_length': 48}
    return values


@pytest.mark.parametrize('name', ['cpu', 'gpu', 'plan', 'v22', 'v26', 'clir', 'box'])
def test_a_named_run_trains_with_tiny_stand_ins(name, small, tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path))
    values = shrink(recipe(ROOT / f'runs/{name}.yaml')[1], *small)
    result = build(make_config(PretrainConfig, {'run': name, 'analyzer': 'kiwi', **values}))
    history = [
        json.loads(line) for line in result.path('history.jsonl').read_text(encoding='utf-8').splitlines()
    ]
    asked = {
        k
        for p in values['phases']
        for k in ('ranking', 'distill', 'margin', 'cross_lingual', 'flops', 'stopwords', 'special')
        if p.get(k)
    } | {'ranking'}
    steps = [h for h in history if 'loss' in h]
    assert len(steps) == 2 * len(values['phases']) // values['accumulate'] and asked <= set(steps[0])
    assert all(h['gradient'] > 0 for h in steps) and any('dev ko' in h for h in history)
    assert SparseEncoder.load(result.path('checkpoint')).config.max_length == 48
    assert not list((tmp_path / name / 'training').glob('*'))  # what a killed run would go on from is gone


def test_a_recipe_without_a_start_begins_from_nothing(small, tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path))
    values = {
        k: v
        for k, v in shrink(recipe(ROOT / 'runs/cpu.yaml')[1], *small).items()
        if k not in ('start', 'terms', 'query_prefix', 'passage_prefix', 'freeze', 'rates')
    }
    result = build(
        make_config(PretrainConfig, {'run': 'nothing', 'analyzer': 'kiwi', **values, 'dim': 8, 'layers': 1})
    )
    model = SparseEncoder.load(result.path('checkpoint'))
    assert len(model.vocab) <= 400 and model.encode(['당뇨병 환자의 혈당']).nnz > 2


def test_the_model_in_the_library_goes_on_from_where_it_stands(tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path))
    guide = (ROOT / 'docs/guides/training.md').read_text(encoding='utf-8')
    said = next(b for b in re.findall(r'```yaml\n(.*?)```', guide, re.DOTALL) if 'start: box' in b)
    values = yaml.safe_load(said)['04_pretraining']  # as the guide has it, in small
    values['sources'][0]['limit'] = 24
    values |= {'dev_queries': 10, 'dev_documents': 10, 'batch_size': 4, 'analyzer': 'kiwi'}
    values['phases'][0]['steps'] = 2
    result = build(make_config(PretrainConfig, {'run': 'further', **values}))
    begun, box = SparseEncoder.load(result.path('untrained')), SparseEncoder.load()
    assert begun.tokenizer.to_str() == box.tokenizer.to_str() and begun.config.windows == 1
    np.testing.assert_allclose(begun.query.idf, box.query.idf, rtol=1e-4)
    assert all(torch.equal(x, begun.state_dict()[name]) for name, x in box.state_dict().items())
    history = map(json.loads, result.path('history.jsonl').read_text(encoding='utf-8').splitlines())
    assert all(row['gradient'] > 0 for row in history if 'loss' in row)
    assert any((tmp_path / 'further/states').glob('*'))  # of the layers that do not learn
    strange = make_config(PretrainConfig, {'run': 'further', **values, 'top_own': 3})
    with pytest.raises(DataError, match='leave out top_own'):
        build(strange)


STAGE = """
import json, sys
from korean_sparse.core.rows import DataError
from korean_sparse.core.settings import make_config
from korean_sparse.pretraining import PretrainConfig, build
build(make_config(PretrainConfig, json.loads(sys.argv[1])))
"""


def stage(name: str, values: dict, outputs: Path) -> subprocess.Popen:
    "Stage 04 of a recipe in a process of its own."
    return subprocess.Popen(
        [sys.executable, '-c', STAGE, json.dumps({'run': name, 'analyzer': 'kiwi', **values})],
        env={**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(outputs)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def steps_of(outputs: Path, name: str) -> list[dict]:
    return [
        h
        for h in map(
            json.loads,
            (outputs / name / '04_pretraining/history.jsonl').read_text(encoding='utf-8').splitlines(),
        )
        if 'loss' in h
    ]


def test_a_stage_that_is_killed_twice_goes_on_with_the_same_losses(small, tmp_path):
    values = shrink(recipe(ROOT / 'runs/gpu.yaml')[1], *small)
    values |= {
        'accumulate': 1,
        'phases': [{**p, 'steps': 24} for p in values['phases'][:1]],
        'save_every': 3,
        'eval_every': 12,
    }
    whole = stage('gpu', values, tmp_path / 'whole')
    assert whole.wait() == 0, whole.stderr.read()[-2000:]
    for state in (3, 9):
        process = stage('gpu', values, tmp_path / 'killed')
        while process.poll() is None and not any(
            int(p.name[5:]) >= state for p in tmp_path.glob('killed/gpu/training/*/step-*')
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, 'it ended before it was killed'
        assert not (tmp_path / 'killed/gpu/04_pretraining').exists()
    last = stage('gpu', values, tmp_path / 'killed')
    assert last.wait() == 0, last.stderr.read()[-2000:]
    a, b = steps_of(tmp_path / 'whole', 'gpu'), steps_of(tmp_path / 'killed', 'gpu')
    assert len(a) == 24 and [h['loss'] for h in a] == [h['loss'] for h in b]


def test_two_processes_under_torchrun_train_what_one_does(small, tmp_path):
    values = shrink(recipe(ROOT / 'runs/gpu.yaml')[1], *small)
    values |= {'phases': [{**p, 'steps': 6} for p in values['phases'][:1]], 'accumulate': 2}
    (tmp_path / 'two.yaml').write_text(
        yaml.safe_dump(
            {'run': 'two', '04_pretraining': {'analyzer': 'kiwi', **values}},
            allow_unicode=True,
            sort_keys=False,
        ),
        encoding='utf-8',
    )
    for n in (1, 2):
        env = {**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(tmp_path / str(n)), 'OMP_NUM_THREADS': '1'}
        done = subprocess.run(
            [
                sys.executable,
                '-m',
                'torch.distributed.run',
                '--standalone',
                '--nproc-per-node',
                str(n),
                ROOT / 'scripts/train.py',
                tmp_path / 'two.yaml',
            ],
            capture_output=True,
            text=True,
            env=env,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        finish = stage('two', values, tmp_path / str(n))
        assert finish.wait() == 0, finish.stderr.read()[-2000:]
    one, two = (steps_of(tmp_path / str(n), 'two') for n in (1, 2))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two):
        assert abs(a['loss'] - b['loss']) < 1e-3 * abs(a['loss']), (a, b)
