"""A stage that is killed leaves its old result or its new one, and run again makes the same bytes as if nothing
had happened: sixty kills with KOREAN_SPARSE_FUZZ, a dozen without."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

STAGES = (
    '01_wikipedia',
    '02_synonyms',
    '03_temporal_clustering',
    '04_pretraining',
    '05_evaluation',
    '06_export',
)
PLACES = 10 if os.environ.get('KOREAN_SPARSE_FUZZ') else 2  # kills of each stage
RUN = 'kills'
TIMES = (
    'seconds',
    'peak_mb',
    'finished',
    'git_commit',
    'threads',
)  # of a manifest: how it was made, not what


def contents(folder: Path) -> dict[str, object]:
    "What the files of a folder hold, by name; a manifest without its times."
    found: dict[str, object] = {}
    for path in sorted(p for p in folder.rglob('*') if p.is_file()):
        name = path.relative_to(folder).as_posix()
        found[name] = path.read_bytes()
        if name == 'manifest.json':
            manifest = json.loads(path.read_text(encoding='utf-8'))
            found[name] = {key: value for key, value in manifest.items() if key not in TIMES}
    return found


# what follows runs in a process of its own, which imports everything once and forks for each run of a stage


class Clock:
    "A clock that goes on by a millisecond whenever it is looked at: what a result says of time is the same."

    def __init__(self):
        self.now = 1.8e9

    def __call__(self) -> float:
        self.now += 1e-3
        return self.now


def stand_ins() -> None:
    "What takes seconds and writes nothing is left out: hashes of code, git, maps of terms on the plane."
    import numpy as np

    from korean_sparse import evaluation, synonyms
    from korean_sparse.core import stage
    from korean_sparse.timeline import pictures

    def flat(vectors, method='umap', seed=0):
        return np.random.default_rng(seed).normal(size=(len(vectors), 2))

    stage.code_hash = lambda *_: 'the same code'
    stage.git_commit = lambda: None
    for module in (evaluation, synonyms, pictures):
        module.project = flat


def makers(home: Path) -> dict[str, Callable]:
    "stage -> what runs it with tiny parameters; what it needs comes from the run that was not killed."
    from korean_sparse import evaluation, export, pretraining, synonyms, temporal_clustering, wikipedia

    def made(stage: str) -> str:
        return str(home / 'whole' / RUN / stage)

    mine, analyzer = home / 'mine', 'auto'
    wiki = wikipedia.WikipediaConfig(RUN, max_articles=6, processes=1)
    pairs = synonyms.SynonymConfig(
        RUN,
        wikipedia=made('01_wikipedia'),
        dictionary=str(mine / '동의어.csv'),
        analyzer=analyzer,
        most_articles=0,
        dim=4,
    )
    trends = temporal_clustering.TemporalConfig(
        RUN, analyzer=analyzer, algorithm='agglomerative', processes=1, min_support=8
    )
    training = pretraining.PretrainConfig(
        RUN,
        documents=str(mine / '문서.csv'),
        retrieval=str(mine / '질문'),
        synonyms=made('02_synonyms'),
        temporal=made('03_temporal_clustering'),
        analyzer=analyzer,
        vocabulary=2000,
        dim=32,
        batch_size=16,
        phases=[{'name': 'all', 'steps': 5}],
        save_every=2,
        eval_every=3,
    )
    judging = evaluation.EvaluationConfig(
        RUN,
        pretraining=made('04_pretraining'),
        synonyms=made('02_synonyms'),
        systems='BM25 | trained',
        analyzer=analyzer,
        depth=10,
    )
    packing = export.ExportConfig(
        RUN,
        pretraining=made('04_pretraining'),
        evaluation=made('05_evaluation'),
        retrieval=str(mine / '질문'),
        onnx=False,
        queries='안장',
    )
    modules = (wikipedia, synonyms, temporal_clustering, pretraining, evaluation, export)
    configs = (wiki, pairs, trends, training, judging, packing)
    return {s: (lambda m=m, c=c: m.build(c)) for s, m, c in zip(STAGES, modules, configs)}


def forked(act: Callable, outputs: Path, stage: str, kill_at: int = 0) -> tuple[bool, int, list[str]]:
    """Run `act` in a child with another place of outputs: whether it was killed, right before its `kill_at`-th
    operation on what it has there, how many it did, and the modules that it had loaded."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        done, place = 0, str(outputs)
        others = [f'{place}/{RUN}/{other}/' for other in STAGES if other != stage]  # are only read

        def count(event: str, args: tuple) -> None:
            nonlocal done
            if not event.startswith(('open', 'os.', 'shutil.', 'korean_sparse.')):
                return
            paths = [os.fsdecode(a) for a in args if isinstance(a, (str, bytes, os.PathLike))]
            if any(place in path and not path.startswith(tuple(others)) for path in paths):
                done += 1
                if done == kill_at:
                    os.kill(os.getpid(), 9)

        try:
            import time

            os.environ['KOREAN_SPARSE_OUTPUTS'] = place
            time.perf_counter = time.time = Clock()
            sys.addaudithook(count)
            act()
            os.write(writable, json.dumps([done, sorted(sys.modules)]).encode())
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    os.close(writable)
    with open(readable, 'rb') as said:
        told = said.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True, kill_at, []
    assert os.WEXITSTATUS(status) == 0, 'the stage failed: see its message above'
    return False, *json.loads(told)


def one_kill(act: Callable, outputs: Path, stage: str, place: int, whole: dict, old: bool) -> dict:
    "Kill a stage at a place and run it again; what stood in between, and what came out."
    folder = outputs / RUN / stage
    if old:
        folder.mkdir(parents=True)
        (folder / 'old.txt').write_text('what an earlier run left')
    before = contents(folder)
    killed, operations, _ = forked(act, outputs, stage, place)
    if not killed:  # there were fewer operations this time: at the last of them
        shutil.rmtree(outputs)
        return one_kill(act, outputs, stage, operations, whole, old)
    between = contents(folder)
    stood = 'old' if between == before else 'new' if between == whole else 'a mixture'
    forked(act, outputs, stage)
    after = contents(folder)
    differ = sorted(n for n in {*after, *whole} if after.get(n) != whole.get(n))
    left = sorted(p.name for p in folder.parent.rglob('.*.part'))
    shutil.rmtree(outputs)
    return {'place': place, 'killed': killed, 'stood': stood, 'differ': differ, 'left': left}


def load(modules: list[str]) -> None:
    "Import what a stage has imported, so that each run of it need not."
    import importlib

    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:
            continue  # parts that a package makes itself


def campaign(home: Path, places: int) -> None:
    "Print, for each stage, what became of its kills as a line of JSON; as many at once as there are cores."
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    stand_ins()
    for stage, act in makers(home).items():
        _, operations, modules = forked(act, home / 'whole', stage)
        whole = contents(home / 'whole' / RUN / stage)
        load(modules)
        rng = random.Random(stage)
        # one in each tenth of the operations, so that beginning and end are among them
        chosen = [1 + (operations * n + rng.randrange(operations)) // places for n in range(places)]
        PENDING.update(
            {
                n: lambda n=n, place=place: one_kill(
                    act, home / f'killed-{n}', stage, place, whole, bool(n % 2)
                )
                for n, place in enumerate(chosen)
            }
        )
        with ProcessPoolExecutor(min(places, os.cpu_count() or 1), get_context('fork')) as pool:
            kills = list(pool.map(run_pending, range(places)))
        print(json.dumps({'stage': stage, 'operations': operations, 'kills': kills}), flush=True)


PENDING: dict[int, Callable[[], dict]] = {}  # the kills of a stage; processes that are forked know them


def run_pending(n: int) -> dict:
    return PENDING[n]()


@pytest.fixture(scope='module')
def kills(tmp_path_factory) -> dict[str, list[dict]]:
    "stage -> what became of its kills."
    from own_data import write_all

    home = tmp_path_factory.mktemp('kills')
    write_all(home / 'mine')
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'TOKENIZERS_PARALLELISM': 'false', 'MPLBACKEND': 'agg'}
    done = subprocess.run(
        [sys.executable, __file__, home, str(PLACES)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"stage"')]
    return {row['stage']: row['kills'] for row in rows}


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
@pytest.mark.parametrize('stage', STAGES)
def test_a_killed_stage_is_old_or_new_and_run_again_the_same(kills, stage):
    assert len(kills[stage]) == PLACES
    for kill in kills[stage]:
        assert kill['killed'], kill
        assert kill['stood'] in ('old', 'new') and not kill['differ'] and not kill['left'], kill


if __name__ == '__main__':
    campaign(Path(sys.argv[1]), int(sys.argv[2]))
