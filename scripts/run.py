#!/usr/bin/env python3
"""Run the stage notebooks that a named run lists under papermill, then print what came out.

python scripts/run.py runs/sample.yaml            all six; an unchanged one is skipped
python scripts/run.py runs/cpu.yaml               training only
python scripts/run.py runs/box.yaml               the model that comes with the library: training, packing,
                                                  figures, card
python scripts/run.py runs/sample.yaml --force    run them all again
python scripts/run.py runs/sample.yaml --from 04  begin at a stage
"""

import argparse
import subprocess
import sys
import time
import unicodedata
from pathlib import Path
from typing import Iterable

import yaml

from korean_sparse.core.checked_json import fitted, read_yaml
from korean_sparse.core.code import stale_modules
from korean_sparse.core.files import read_json_lines
from korean_sparse.core.places import outputs_root
from korean_sparse.core.rows import DataError, check, check_name
from korean_sparse.core.stage import STAGES, read_manifest

NBS = Path(__file__).resolve().parents[1] / 'nbs'
BOX = '07_box'  # trains by the recipe itself, then measures


def read_run(path: Path) -> tuple[str, dict[str, dict]]:
    """The run's name and its parameters by stage, in the order of the stages.

    Raises `FileNotFoundError`, and `DataError` for what is no recipe, a run that is no plain folder name, an
    unknown stage, and parameters that have no names."""
    recipe = read_yaml(path, dict)
    name = check_name(recipe.pop('run', path.stem), f'{path}: run')
    unknown = set(recipe) - {*STAGES, BOX}
    known = ', '.join([*STAGES, BOX])
    check(not unknown, f'{path}: unknown stage {", ".join(sorted(unknown))}; known are {known}')
    check(bool(recipe), f'{path}: no stage in it; known are {known}')
    fitted(recipe, {str: dict | None}, str(path))
    inner = [stage for stage, parameters in recipe.items() if 'run' in (parameters or {})]
    check(not inner, f'{path}: {", ".join(inner)}: `run` is said once, above the stages')
    if BOX in recipe:
        return name, {BOX: {'recipe': str(path.resolve())}}
    return name, {stage: recipe[stage] or {} for stage in STAGES if stage in recipe}


def run_notebook(stage: str, parameters: dict, out: Path) -> float:
    "Execute one stage notebook; on failure show the end of its error and stop."
    out.mkdir(parents=True, exist_ok=True)
    args = (
        ['-y', yaml.safe_dump(parameters, allow_unicode=True)] if parameters else []
    )  # lists and dicts as well
    start = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'papermill',
            NBS / f'{stage}.ipynb',
            out / f'{stage}.ipynb',
            '--no-progress-bar',
            '--log-level',
            'ERROR',
            *args,
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        sys.exit(
            f'{stage} failed; the executed notebook is {out / f"{stage}.ipynb"}\n'
            + '\n'.join(done.stderr.strip().splitlines()[-12:])
        )
    return time.perf_counter() - start


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


def pad(text: str, n: int) -> str:
    return text + ' ' * (n - width(text))


def report(name: str, walls: dict[str, float], started: str) -> None:
    "One table of figures, one of stages, the pictures, and three searches."
    base = outputs_root() / name
    m = {stage: read_manifest(base / stage) for stage in STAGES}
    counts, metrics = {s: v['counts'] for s, v in m.items()}, {s: v['metrics'] for s, v in m.items()}
    e = metrics['05_evaluation']
    rows = [
        ('articles', counts['01_wikipedia']['articles']),
        ('title links', counts['01_wikipedia']['links']),
        ('synonym pairs', counts['02_synonyms']['pairs']),
        ('trends', counts['03_temporal_clustering']['trends']),
        ('term clusters', counts['03_temporal_clustering']['clusters']),
        ('training examples', counts['04_pretraining']['examples']),
    ]
    rows += [
        (f'nDCG@10 {k[5:]}: BM25 | model', f'{v:.3f} | {e["trained " + k[5:]]:.3f}')
        for k, v in e.items()
        if k.startswith('BM25 ')
    ]
    rows += [
        ('active terms per document', e.get('active_terms', '')),
        ('ms a query: BM25 | model', f'{e.get("bm25_ms", "")} | {e.get("model_ms", "")}'),
        ('artifact, MB', metrics['06_export']['artifact_mb']),
    ]
    print(f'\nrun {name}\n' + '\n'.join(f'  {k:34}{v:>16}' for k, v in rows))
    print(f'\n  {"stage":26}{"seconds":>9}{"peak MB":>9}{"notebook s":>12}')
    for s in STAGES:
        print(
            f'  {s:26}{m[s]["seconds"]:9.1f}{m[s]["peak_mb"]:9}{walls.get(s, 0):12.1f}'
            + ('   skipped, unchanged' if m[s]['finished'] < started else '')
        )
    print(
        '\npictures\n'
        + '\n'.join(
            f'  {p.relative_to(base.parent.parent)}' if base.parent.name == 'outputs' else f'  {p}'
            for s in STAGES
            for p in sorted((base / s).glob('*.png'))
        )
    )
    print('\nsearches of the exported model, in a fresh process (tokenizer + idf for the query)')
    for _, r in read_json_lines(base / '06_export/search.jsonl'):
        print(f'  {r["query"]}')
        for h in r['hits'][:3]:
            print(
                f'    {h["score"]:6.2f}  {pad(h["text"][:34], 56)}  '
                + ' '.join(f'{t}={v}' for t, v in h['terms'][:5])
            )


def figures(name: str, walls: dict[str, float]) -> None:
    "Counts and metrics of the stages that ran, for a run without all six."
    for stage in walls:
        m = read_manifest(outputs_root() / name / stage)
        rows = {k: v for k, v in {**m['counts'], **m['metrics']}.items() if not isinstance(v, (dict, list))}
        print(
            f'\n{stage}: {m["seconds"]} s, {m["peak_mb"]} MB at the peak\n'
            + '\n'.join(f'  {k:34}{v:>16}' for k, v in rows.items())
        )
        print(f'  in {outputs_root() / name / stage}')


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('recipe', type=Path)
    parser.add_argument('--force', action='store_true', help='run stages again even if nothing has changed')
    parser.add_argument(
        '--from', dest='first', default='01', help='begin at this stage: 04, or its whole name'
    )
    args = parser.parse_args()
    if not any(stage.startswith(args.first) for stage in STAGES):
        parser.error(f'--from {args.first}: no such stage; known are {", ".join(STAGES)}')
    try:
        args.run = read_run(args.recipe)
    except (DataError, FileNotFoundError) as error:
        parser.error(str(error))
    if BOX in args.run[1] and (args.force or args.first != '01'):
        parser.error(f'{args.recipe} is one notebook, {BOX}: --force and --from are of runs with stages')
    return args


def check_exported(stages: Iterable[str]) -> None:
    "Stop if a notebook that the run depends on was edited and not exported."
    stale = {s for stage in stages for s in stale_modules(f'korean_sparse.{STAGES.get(stage, "box")}')}
    if stale:
        found = '; '.join(sorted(stale))
        sys.exit(f'not exported, so the run would use old code: {found}\nrun `nbdev_export`, then this again')


def main() -> None:
    args = parse_arguments()
    started = time.strftime('%Y-%m-%d %H:%M:%S')
    name, recipe = args.run
    check_exported(recipe)
    out = outputs_root() / name
    if BOX in recipe:
        seconds = run_notebook(BOX, recipe[BOX], out / 'notebooks')
        print(f'{BOX}: {seconds:.0f} s; the model, its card and its figures are in {out / BOX}')
        return
    walls: dict[str, float] = {}
    for stage, parameters in recipe.items():
        if stage[:2] < args.first[:2]:
            continue
        print(f'{stage} ...', end=' ', flush=True)
        more = {'force': True} if args.force else {}
        walls[stage] = run_notebook(stage, {'run': name, **parameters, **more}, out / 'notebooks')
        print(f'{walls[stage]:.0f} s', flush=True)
    if all((out / stage / 'manifest.json').exists() for stage in STAGES):
        report(name, walls, started)
    else:
        figures(name, walls)


if __name__ == '__main__':
    main()
