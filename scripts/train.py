#!/usr/bin/env python3
"""Train stage 04 of a named run with several processes; the stage that follows finds the training done.

    torchrun --nproc-per-node 4 scripts/train.py runs/gpu.yaml
    python scripts/run.py runs/gpu.yaml

Every process prepares the same data; `accumulate` of the recipe is shared out among them, so the result is
that of one process.
"""

import argparse
from pathlib import Path

from korean_sparse.core.checked_json import read_yaml
from korean_sparse.core.rows import check_name
from korean_sparse.core.settings import make_config
from korean_sparse.pretraining import PretrainConfig, train_ahead


def read_config(path: Path) -> PretrainConfig:
    "The parameters of stage 04 in a recipe; without a `run` the file's name is the run's."
    recipe = read_yaml(path, {'04_pretraining': dict | None})
    run = check_name(recipe.get('run', path.stem), f'{path}: run')
    return make_config(PretrainConfig, {'run': run, **(recipe['04_pretraining'] or {})})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('recipe', type=Path)
    args = parser.parse_args()
    config = read_config(args.recipe)
    if config.freeze:
        parser.error(f'a recipe with `freeze` runs on one process: python scripts/run.py {args.recipe}')
    folder, history = train_ahead(config)
    print(f'{folder}: {history[-1]}')


if __name__ == '__main__':
    main()
