#!/usr/bin/env python3
"""Train stage 04 of a named run with several processes; the stage that follows finds the training done.

    torchrun --nproc-per-node 4 scripts/train.py runs/gpu.yaml
    python scripts/run.py runs/gpu.yaml

Every process prepares the same data; `accumulate` of the recipe is shared out among them, so the result is
that of one process."""

import argparse
from pathlib import Path

import torch
import yaml

from korean_sparse.core.settings import make_config
from korean_sparse.pretraining import PretrainConfig, inputs_of, prepare, train, training_folder
from korean_sparse.text.analysers import get_analyzer


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('recipe', type=Path)
    args = parser.parse_args()
    recipe = yaml.safe_load(args.recipe.read_text(encoding='utf-8'))
    cfg = make_config(
        PretrainConfig, {'run': recipe.get('run', args.recipe.stem), **(recipe['04_pretraining'] or {})}
    )
    if cfg.freeze:
        parser.error(
            'a recipe with `freeze` trains a head in minutes on one process: python scripts/run.py '
            + str(args.recipe)
        )
    inputs, by = inputs_of(cfg), get_analyzer(cfg.analyzer)
    folder = training_folder(cfg, inputs)
    data, model = prepare(cfg, inputs, by, folder)
    if torch.cuda.is_available():
        model.cuda()
    _, history = train(cfg, model, data, by, folder)
    print(f'{folder}: {history[-1]}')


if __name__ == '__main__':
    main()
