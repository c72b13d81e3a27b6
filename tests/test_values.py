"""Names and recipes: what would leave the outputs, lose a value or be no number is refused before any work."""

import json
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from conftest import ROOT
from mutate import survive

from korean_sparse.core.checked_json import read_json, read_yaml
from korean_sparse.core.files import make_row, read_rows
from korean_sparse.core.rows import (
    Article,
    DataError,
    NewsItem,
    SynonymPair,
    TermCluster,
    TermTrend,
    TitleLink,
    TrainExample,
    check_name,
)
from korean_sparse.core.settings import make_config
from korean_sparse.core.stage import STAGES, read_manifest, stage_folder
from korean_sparse.retrieval.layouts import read_qrels
from korean_sparse.retrieval.runs import read_trec
from korean_sparse.timeline.counts import load_counts

sys.path.insert(0, str(ROOT / 'scripts'))
from run import read_run  # noqa: E402

NAN, INF = float('nan'), float('inf')


def some_names(count: int, seed: int = 0):
    "Names that somebody may give a run, by chance or with intent."
    rng = random.Random(seed)
    parts = [
        'run',
        '당뇨',
        '..',
        '.',
        '/',
        '\\',
        ' ',
        '-',
        '\0',
        '\n',
        '\u202e',
        '\u200b',
        'ㄱ',
        '가'.encode().hex(),
    ]
    parts += [
        unicodedata.normalize('NFD', '가'),
        '%2e%2e',
        '~',
        '$HOME',
        ':',
        '*',
        'a' * 60,
        '\ud800',
        '２０',
        '_',
    ]
    for _ in range(count):
        yield ''.join(rng.choices(parts, k=rng.randint(0, 4)))


def test_whatever_a_run_is_called_its_folder_is_in_the_outputs(tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path))
    kept = 0
    for name in some_names(3000):
        try:
            folder = stage_folder(name, '01_wikipedia')
        except DataError as error:
            assert 'parameter run = ' in str(error) and 'plain folder name' in str(error)
            str(error).encode()  # can be printed
            continue
        kept += 1
        assert folder.resolve().parents[1] == tmp_path.resolve() and folder.parent.name == name
        folder.mkdir(parents=True, exist_ok=True)  # and the system takes it
    assert kept > 100


@pytest.mark.parametrize(
    'text, said',
    [
        ('run: ../../x\n01_wikipedia: {}\n', "run = '../../x': must be a plain folder name"),
        ('run: /tmp/x\n01_wikipedia: {}\n', 'must be a plain folder name'),
        ('run: [a]\n01_wikipedia: {}\n', 'must be a plain folder name'),
        ('run: 5\n01_wikipedia: {}\n', 'must be a plain folder name'),
        ('run: null\n01_wikipedia: {}\n', 'must be a plain folder name'),
        ('run: a\nrun: b\n01_wikipedia: {}\n', "line 2: not YAML that can be read ('run' is there twice"),
        ('04_pretraining: {epochs: 1, epochs: 2}\n', "'epochs' is there twice"),
        ('04_pretraining: {phases: [{name: a, name: b}]}\n', "'name' is there twice"),
        ('04_pretraining: {lr: .nan}\n', '04_pretraining: lr: nan'),
        ('04_pretraining: {phases: [{sources: {a: .inf}}]}\n', 'phases[0]: sources: a: inf'),
        ('04_pretraining: {run: other}\n', '`run` is said once'),
        ('04_pretraining: [epochs]\n', "04_pretraining: ['epochs'], where an object or null is needed"),
        ('04_pretrainin: {}\n', 'unknown stage 04_pretrainin'),
        ('run: a\n', 'no stage in it'),
        ('', 'null, where an object is needed'),
        ('- a\n', 'where an object is needed'),
        ('run: [\n', 'not YAML that can be read'),
        ('a: &a [*a]\n', 'recipe.yaml'),
        ('on: {}\n', 'the name True is bool'),
        ('01_wikipedia: {when: 2024-01-01}\n', '(date) is no text'),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_named(tmp_path, text, said):
    path = tmp_path / 'recipe.yaml'
    path.write_text(text, encoding='utf-8')
    with pytest.raises(DataError) as error:
        read_run(path)
    assert said in str(error.value) and 'recipe.yaml' in str(error.value)


def test_the_recipes_of_the_project_are_read():
    for path in sorted((ROOT / 'runs').glob('*.yaml')):
        name, stages = read_run(path)
        assert name == path.stem and stages and set(stages) <= {*STAGES, '07_box'}


def test_the_script_says_it_and_makes_no_folder(tmp_path):
    (tmp_path / 'bad.yaml').write_text('run: ../../x\n01_wikipedia: {}\n', encoding='utf-8')
    done = subprocess.run(
        [sys.executable, ROOT / 'scripts/run.py', tmp_path / 'bad.yaml'],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={'KOREAN_SPARSE_OUTPUTS': str(tmp_path / 'a/b/outputs'), 'PATH': ''},
    )
    assert done.returncode == 2 and 'must be a plain folder name' in done.stderr
    assert 'Traceback' not in done.stderr and not (tmp_path / 'a').exists() and not (tmp_path / 'x').exists()


def test_what_nobody_can_write_is_no_name():
    for name in ('\ud800', 'a\ud83d', '\udcff'):
        with pytest.raises(DataError, match='plain folder name'):
            check_name(name, 'run')


ROWS = {
    Article: dict(id='1', lang='ko', title='두부', text='콩', links=[['콩', '대두']], date='2024-07-03'),
    TitleLink: dict(
        source='당뇨', target='당뇨병', kind='redirect', source_lang='ko', target_lang='ko', mutual=True
    ),
    SynonymPair: dict(left='당뇨', right='당뇨병', left_lang='ko', right_lang='ko', source='x', score=0.5),
    NewsItem: dict(id='1', date='2024-07-03', title='제목', text='본문', category='사회'),
    TermTrend: dict(
        term='빈대', kind='burst', score=1.5, start='2024-01', end='2024-02', support=3, examples=['1'], q=0.5
    ),
    TermCluster: dict(id=1, terms=['가', '나'], centre='가', score=0.5),
    TrainExample: dict(
        query='질문', positive='답', negatives=['오답'], scores=[1, 0.5], kind='mono', phase=1
    ),
}
WRONG = (
    None,
    True,
    NAN,
    INF,
    -INF,
    1.5,
    -1,
    '',
    '²',
    [],
    {},
    [[]],
    [None],
    [NAN],
    ['', 5],
    {'a': 1},
    10**400,
    b'a',
)


@pytest.mark.parametrize('row_type', ROWS, ids=lambda t: t.__name__)
def test_a_value_of_another_type_is_never_in_a_row(row_type):
    "Each field with each strange value: a row in which all is of its type, or an error that begins with the place."
    good = ROWS[row_type]
    assert make_row(row_type, good, 'a.jsonl, line 7') == row_type(**good)
    kinds = {name: type(value) for name, value in vars(row_type(**good)).items()}
    refused = 0
    for name in good:
        for value in WRONG:
            try:
                row = make_row(row_type, good | {name: value}, 'a.jsonl, line 7')
            except DataError as error:
                assert str(error).startswith('a.jsonl, line 7: ')
                refused += 1
                continue
            found = getattr(row, name)
            fits = (
                found is None or isinstance(found, kinds[name]) or {kinds[name], type(found)} <= {int, float}
            )
            assert fits and found == found and found not in (INF, -INF), (name, value)
            assert not isinstance(found, bool) or kinds[name] is bool, (name, value)
    assert refused > 8 * len(good)


@pytest.mark.parametrize('row_type', ROWS, ids=lambda t: t.__name__)
def test_spoilt_rows_of_each_type(tmp_path, row_type):
    line = json.dumps(ROWS[row_type], ensure_ascii=False) + '\n'
    survive(lambda path: list(read_rows(path, row_type)), (line * 3).encode(), tmp_path / 'a.jsonl')


def test_spoilt_recipes_manifests_and_states(tmp_path):
    recipe = (
        ROOT / 'runs/sample.yaml'
    ).read_bytes() + b'04_pretraining:\n  phases: [{name: a, sources: {x: 1.5}}]\n'
    survive(read_run, recipe, tmp_path / 'recipe.yaml')
    survive(read_yaml, recipe, tmp_path / 'recipe.yaml')
    manifest = dict.fromkeys(('stage', 'run', 'finished'), 'x') | dict.fromkeys(('parameters', 'inputs'), {})
    manifest |= {'counts': {'rows': 3}, 'metrics': {'score': 0.5}}
    survive(
        lambda path: read_manifest(path.parent), json.dumps(manifest).encode(), tmp_path / 'manifest.json'
    )
    survive(read_json, json.dumps(manifest).encode(), tmp_path / 'a.json')


def test_spoilt_counts_of_an_earlier_run(tmp_path):
    rows = [
        {'kind': k, 'term': '빈대', 'days': [738000, 738001], 'counts': [1, 2]} for k in ('content', 'found')
    ]
    lines = ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows).encode()
    state = json.dumps({'sources': ['a'], 'analyzer': 'kiwi', 'totals': {'738000': 3, '738001': 2}}).encode()
    about = {'sources': ['b'], 'analyzer': 'kiwi'}
    (tmp_path / 'counts.jsonl.gz').write_bytes(lines)
    (tmp_path / 'state.json').write_bytes(state)
    load_counts(tmp_path, about)

    def read(path: Path):
        try:
            return load_counts(tmp_path, about)
        except DataError as error:
            if 'was made with' in str(error) or 'counted already' in str(error):  # it names the folder
                raise DataError(f'{path.name}: {error}') from None
            raise

    survive(read, lines, tmp_path / 'counts.jsonl.gz')
    (tmp_path / 'counts.jsonl.gz').write_bytes(lines)
    # what the totals of a day say is asked when the rows are read
    survive(lambda path: named(read, path, 'counts.jsonl.gz'), state, tmp_path / 'state.json')


def named(read, path: Path, other: str):
    "What `read` makes of a path; an error may name the file `other` as well."
    try:
        return read(path)
    except DataError as error:
        raise DataError(f'{path.name}: {error}') from None if other in str(error) else error


def test_settings_are_finite_whatever_holds_them():
    from korean_sparse.pretraining import PretrainConfig
    from korean_sparse.temporal_clustering import TemporalConfig

    for config_type, name in (
        (PretrainConfig, 'lr'),
        (PretrainConfig, 'flops'),
        (TemporalConfig, 'half_life'),
    ):
        for value in (NAN, INF, -INF, True, '1', None, 10**400, [1.0]):
            with pytest.raises(DataError, match=name):
                make_config(config_type, {name: value})
    with pytest.raises(DataError, match='NaN or infinite'):
        make_config(PretrainConfig, {'phases': [{'name': 'a', 'sources': {'x': NAN}}]})


def test_a_number_is_a_number_in_judgements_and_runs(tmp_path):
    for mark in ('²', '１', '١', '1_0', '½', 'NaN', '1e999', '-77', '99999', '', '0x1', '1,0', '一'):
        (tmp_path / 'a.tsv').write_text(f'q\td\t{mark}\n', encoding='utf-8')
        with pytest.raises(DataError, match='a.tsv, line 1'):
            read_qrels(tmp_path / 'a.tsv')
    for mark in ('²', '１', '1_0', '½', 'NaN', '1e999', 'inf', '0x1', '1,0', '一'):
        (tmp_path / 'a.trec').write_text(f'q Q0 d 1 {mark} ours\n', encoding='utf-8')
        with pytest.raises(DataError, match='a.trec, line 1'):
            read_trec(tmp_path / 'a.trec')
