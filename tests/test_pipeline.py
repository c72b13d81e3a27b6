"What the finished sample run must hold."

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

STAGES = (
    '01_wikipedia',
    '02_synonyms',
    '03_temporal_clustering',
    '04_pretraining',
    '05_evaluation',
    '06_export',
)


def manifest(run: Path, stage: str) -> dict:
    return json.loads((run / stage / 'manifest.json').read_text(encoding='utf-8'))


def test_every_stage_left_a_manifest_and_pictures(sample_run):
    for stage in STAGES:
        m = manifest(sample_run, stage)
        assert {
            'parameters',
            'versions',
            'seed',
            'inputs',
            'counts',
            'metrics',
            'seconds',
            'peak_mb',
            'git_commit',
        } <= set(m), stage
        pictures = list((sample_run / stage).glob('*.png'))
        assert pictures and all(p.read_bytes()[:8] == b'\x89PNG\r\n\x1a\n' for p in pictures), stage
    assert not list(sample_run.glob('.*partial*'))


def test_the_planted_trends_are_found(sample_run):
    m = manifest(sample_run, '03_temporal_clustering')['metrics']
    assert (
        m['trend_precision'] >= 0.9
        and m['trend_recall'] >= 0.9
        and m['constants_reported'] == 0
        and m['seasonals_reported'] == 0
    )


def test_the_model_crosses_languages_and_keeps_up_with_bm25_within_them(sample_run):
    m = manifest(sample_run, '05_evaluation')['metrics']
    for direction in ('ko->en', 'en->ko'):
        assert m[f'trained {direction}'] > m[f'BM25 {direction}'] + 0.1
    for direction in ('ko->ko', 'en->en'):
        assert m[f'trained {direction}'] > m[f'BM25 {direction}'] - 0.05
    assert m['active_terms'] <= 150
    assert m['leaked_queries'] == m['leaked_documents'] == 0 and m['garbage'] <= 10
    # both directions together: what 72 queries of one say is within chance of it
    t = manifest(sample_run, '04_pretraining')['metrics']
    across = [sum(t[f'{kind} {d}'] for d in ('ko->en', 'en->ko')) / 2 for kind in ('untrained dev', 'dev')]
    assert across[1] > across[0] + 0.01, across


def test_training_examples_hold_no_held_out_passage_or_query(sample_run):
    held = set()
    for split in ('dev', 'test'):
        for line in (
            (ROOT / f'data/sample/retrieval/qrels/{split}.tsv').read_text(encoding='utf-8').splitlines()[1:]
        ):
            held |= set(line.split('\t')[:2])
    texts = {
        r['_id']: ' '.join(filter(None, (r.get('title'), r['text'])))
        for name in ('corpus', 'queries')
        for r in map(json.loads, open(ROOT / f'data/sample/retrieval/{name}.jsonl', encoding='utf-8'))
    }
    forbidden = {texts[i] for i in held}
    with gzip.open(sample_run / '04_pretraining/examples.jsonl.gz', 'rt', encoding='utf-8') as f:
        examples = [json.loads(l) for l in f]
    assert len(examples) > 1000
    for e in examples:
        assert not forbidden & {e['query'], e['positive'], *e['negatives']}


def test_the_exported_model_works_without_the_extras(sample_run, tmp_path):
    """Load, encode, search from another folder, with everything that only notebooks and stages need made
    unimportable."""
    code = f"""
import sys
extras = "mwxml mwparserfromhell sklearn umap ir_measures matplotlib koreanize_matplotlib adjustText mecab"
extras += " konlpy jupyterlab papermill fastcore nbdev IPython pandas pyarrow"
for extra in extras.split():
    sys.modules[extra] = None  # as if it were not installed
from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.retrieval.query import SparseIndex
model = SparseEncoder.load({str(sample_run / '06_export/korean-sparse-sample')!r})
texts = ["혈당을 낮추는 식사", "measuring blood sugar at home", "두부를 만드는 법"]
index = SparseIndex(["a", "b", "c"], model.encode(texts), model.query)
print(list(index.search({{"q": "혈당"}})["q"]))
from korean_sparse.text.analysers import get_analyzer
assert get_analyzer().name == "kiwi" and get_analyzer().morphs("병원에서")[0][0] == "병원"
"""
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert eval(done.stdout)[0] == 'a'
    assert 'mecab is not installed: using kiwi' in done.stderr


def test_a_killed_stage_leaves_nothing_that_looks_like_a_result(tmp_path):
    code = (
        'from korean_sparse import wikipedia as w; import time\nreal = w.write_rows\ndef slow(path, '
        'rows):\n    n = real(path, rows); print("written", flush=True); time.sleep(60); return n\n'
        'w.write_rows = slow\nw.build()'
    )
    env = {**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, '-c', code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=env,
        cwd=ROOT,
    )
    assert process.stdout.readline().strip() == 'written'
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / 'sample/01_wikipedia').exists()
    assert list((tmp_path / 'sample').glob('.01_wikipedia.*.part'))
    done = subprocess.run(
        [sys.executable, '-c', 'from korean_sparse import wikipedia; print(wikipedia.build().skipped)'],
        capture_output=True,
        text=True,
        env=env,
        cwd=ROOT,
    )
    assert done.stdout.strip() == 'False', done.stderr[-2000:]
    assert not list((tmp_path / 'sample').glob('.01_wikipedia.*.part'))


@pytest.mark.skipif(os.name != 'posix', reason='permissions of another user')
def test_a_read_only_output_folder_is_named(tmp_path):
    locked = tmp_path / 'locked'
    locked.mkdir(mode=0o555)
    for p in (tmp_path, *tmp_path.parents[:2]):
        p.chmod(0o755)
    code = """
import os
import encodings.unicode_escape  # loaded late otherwise, from a place that another user may not read
from korean_sparse import wikipedia
if os.getuid() == 0: os.setuid(65534)  # the superuser may write anywhere
wikipedia.build()
"""
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        env={**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(locked)},
        cwd=ROOT,
    )
    assert (
        done.returncode == 1 and 'cannot write to' in done.stderr and 'KOREAN_SPARSE_OUTPUTS' in done.stderr
    ), done.stderr[-2000:]
