"""Encoding outside the node: processes of torchrun are killed, another number of them finishes, and the bulk
loader reads what they made."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from korean_sparse.core.files import write_rows
from korean_sparse.core.rows import DataError
from korean_sparse.encoder.made import splade
from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.encoder.start import load_start, tiny_checkpoint
from korean_sparse.opensearch.artifacts import node_tokenizer, term_keys
from korean_sparse.opensearch.cluster import as_terms
from korean_sparse.opensearch.shards import read_shards

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    f'{a} {b} {c} {n}번째 문서입니다.'
    for n in range(8)
    for a in ('혈당을', '두부를', '지진을', '전세를', '태풍을')
    for b in ('매일', '가끔', '미리')
    for c in ('재는', '만드는', '피하는', '알리는')
]


def command(folder: Path, processes: int) -> list:
    return [
        sys.executable,
        '-m',
        'torch.distributed.run',
        '--standalone',
        '--nproc-per-node',
        processes,
        ROOT / 'scripts/encode.py',
        folder / 'model',
        folder / 'documents.jsonl.gz',
        folder / 'out',
        '--size',
        10,
        '--batch-size',
        1,
    ]


def test_kill_9_of_a_run_under_torchrun_and_another_number_of_processes(tmp_path):
    model = splade(
        load_start(tiny_checkpoint(tmp_path / 'start', TEXTS[:40], 'bert')), max_length=64, top_k=20
    )
    model.save(tmp_path / 'model')
    write_rows(
        tmp_path / 'documents.jsonl.gz',
        ({'_id': f'd{n}', 'title': '', 'text': t} for n, t in enumerate(TEXTS)),
    )
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    first = subprocess.Popen(
        list(map(str, command(tmp_path, 2))),
        start_new_session=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    shards = lambda: sorted(
        p.name for p in (tmp_path / 'out').glob('*.jsonl.gz') if not p.name.startswith('.')
    )
    try:
        while len(shards()) < 4:
            time.sleep(0.005)
            assert first.poll() is None, 'it ended before it could be killed'
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    made = shards()
    assert 4 <= len(made) < len(TEXTS) // 10
    try:
        list(read_shards(tmp_path / 'out'))
        raise AssertionError('a part was taken for the whole')
    except DataError as e:
        assert 'is not whole' in str(e)
    times = {n: (tmp_path / 'out' / n).stat().st_mtime_ns for n in made}
    done = subprocess.run(
        list(map(str, command(tmp_path, 3))), env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert all((tmp_path / 'out' / n).stat().st_mtime_ns == t for n, t in times.items()), (
        'a shard that was there was made again'
    )
    found, keys = list(read_shards(tmp_path / 'out')), term_keys(node_tokenizer(model.tokenizer))
    assert [r['id'] for r in found] == [f'd{n}' for n in range(len(TEXTS))]
    for r, row in list(zip(found, SparseEncoder.load(tmp_path / 'model').encode(TEXTS)))[::37]:
        want = as_terms(row, keys)
        assert (
            want and set(r['sparse']) == set(want) and all(abs(r['sparse'][t] - want[t]) < 2e-4 for t in want)
        )
