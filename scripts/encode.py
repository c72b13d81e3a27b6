#!/usr/bin/env python3
"""Encode a file of documents into shards of vectors, with as many processes as there are.

Run again, it makes what is missing. On one machine:

    torchrun --nproc-per-node 4 scripts/encode.py MODEL documents.jsonl.gz OUT

On several, the same on each of them with its own rank, and OUT on a shared disk:

    torchrun --nnodes 3 --node-rank 0 --master-addr HOST --nproc-per-node 8 scripts/encode.py MODEL ...

MODEL is a checkpoint or an exported folder. Documents are JSON lines with `id` and `text` (or BEIR's `_id`,
`title`, `text`), or a table of them (CSV, TSV, Parquet, also with columns such as 번호, 제목, 본문).
`opensearch.read_shards(OUT)` gives the rows that `bulk_index(..., encoded=True)` takes."""

import argparse
import os
from pathlib import Path

import torch

from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.opensearch.shards import encode_shards, my_share

WORDS = 'about how many words a passage has, for an index with `chunks`; 0: whole documents'


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', type=Path)
    parser.add_argument('documents', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--size', type=int, default=1000, help='documents of a shard')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--words', type=int, default=0, help=WORDS)
    parser.add_argument('--bf16', action='store_true')
    return parser.parse_args()


def main() -> None:
    args = arguments()
    rank, world = my_share()
    model = SparseEncoder.load(args.model)
    if torch.cuda.is_available():
        model.cuda(int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count())
    made = encode_shards(
        model,
        args.documents,
        args.out,
        size=args.size,
        words=args.words,
        rank=rank,
        world=world,
        batch_size=args.batch_size,
        bf16=args.bf16,
        progress=rank == 0,
    )
    whole = ', all are there' if (args.out / 'whole.json').exists() else ''
    print(f'process {rank} of {world}: {made} shards made{whole}', flush=True)


if __name__ == '__main__':
    main()
