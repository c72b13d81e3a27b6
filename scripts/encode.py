#!/usr/bin/env python3
"""Encode a file of documents into shards of vectors, with as many processes as there are; run again, it makes what is missing.

    torchrun --nproc-per-node 4 scripts/encode.py MODEL documents.jsonl.gz OUT
    torchrun --nnodes 3 --node-rank 0 --master-addr HOST --nproc-per-node 8 scripts/encode.py ...      on each machine, OUT on a shared disk

MODEL is a checkpoint or an exported folder. Documents are JSON lines with `id` and `text` (or BEIR's `_id`, `title`, `text`). `shards.read_shards(OUT)` gives the rows that `bulk_index(..., encoded=True)` takes."""

import argparse
import os
from pathlib import Path

import torch

from korean_sparse.encoder.model import SparseEncoder
from korean_sparse.opensearch.shards import encode_shards, my_share


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('model', type=Path)
    parser.add_argument('documents', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--size', type=int, default=1000, help='documents of a shard')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument(
        '--words',
        type=int,
        default=0,
        help='words of a passage, for an index with `chunks`; 0: whole documents',
    )
    parser.add_argument('--bf16', action='store_true')
    a = parser.parse_args()
    rank, world = my_share()
    model = SparseEncoder.load(a.model)
    if torch.cuda.is_available():
        model.cuda(int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count())
    made = encode_shards(
        model, a.documents, a.out, a.size, a.words, rank, world, a.batch_size, a.bf16, progress=rank == 0
    )
    print(
        f'process {rank} of {world}: {made} shards made'
        + (', all are there' if (a.out / 'whole.json').exists() else ''),
        flush=True,
    )


if __name__ == '__main__':
    main()
