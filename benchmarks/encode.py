"""Documents a second: `SparseEncoder.encode` with the fused head against the same with SpladePooling, same
random BERT, equal vectors.

Documents are random words, 20 to 300 of them, cut at 192 tokens; the bias is set so that about `--active`
terms of a document are on, as in a trained model.
Both sides alternate in one process; the figure is the median of the ratios of neighbouring runs.

python benchmarks/encode.py           all settings (about ten minutes on two cores)
python benchmarks/encode.py --quick   small, one minute
"""

import argparse
import os
import random
import statistics
import tempfile
import time

import torch
from train_step import load, write_model


def documents(n, vocabulary, seed=0):
    "Random texts of words of the vocabulary, with lengths as uneven as those of a collection."
    rng = random.Random(seed)
    return [
        ' '.join(
            f'w{rng.randrange(vocabulary - 5)}'
            for _ in range(min(300, max(20, int(rng.lognormvariate(4.6, 0.7)))))
        )
        for _ in range(n)
    ]


def timed(model, texts, size):
    start = time.perf_counter()
    out = model.encode(texts, batch_size=size)
    return len(texts) / (time.perf_counter() - start), out


def compare(width, layers, vocabulary, n, runs, size, active):
    """Documents a second of both sides, the median ratio, the largest difference of a weight, terms a
    document."""
    with tempfile.TemporaryDirectory() as folder:
        write_model(folder, vocabulary, width, layers, active / vocabulary)
        models = {k: load(k, folder).eval() for k in ('ours', 'theirs')}
    texts, speed = documents(n, vocabulary), {k: [] for k in models}
    for _ in range(runs + 1):
        done = {k: timed(m, texts, size) for k, m in models.items()}
        for k, (rate, _) in done.items():
            speed[k].append(rate)
    a, b = done['ours'][1].to_dense(), done['theirs'][1].to_dense()
    ratio = statistics.median(o / t for o, t in zip(speed['ours'][1:], speed['theirs'][1:]))
    return (
        statistics.median(speed['ours'][1:]),
        statistics.median(speed['theirs'][1:]),
        ratio,
        (a - b).abs().max().item(),
        (b > 0).sum(1).float().mean().item(),
    )


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--quick', action='store_true')
    p.add_argument('--runs', type=int, default=3)
    p.add_argument('--documents', type=int, default=128)
    p.add_argument('--batch', type=int, default=32)
    p.add_argument('--active', type=int, default=200)
    p.add_argument('--threads', type=int, default=os.cpu_count())
    p.add_argument('--only', default='', help='names of settings to run, by comma, of those printed')
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    settings = {
        'head_bound': (256, 2, 32000),
        'head_bound_4_layers': (256, 4, 32000),
        'v250k_384': (384, 12, 250002),
        'd768_6': (768, 6, 32000),
        'd768_12': (768, 12, 32000),
    }
    if a.quick:
        settings, a.documents, a.runs = {'head_bound': (256, 2, 16000)}, 48, 2
    chosen, figures = a.only.split(',') if a.only else list(settings), {}
    for name in chosen:
        width, layers, v = settings[name]
        ours, theirs, ratio, off, active = compare(width, layers, v, a.documents, a.runs, a.batch, a.active)
        print(
            (
                f'{name:20} D {width} layers {layers} V {v}: ours {ours:.1f}, theirs {theirs:.1f} '
                f'documents/s, {ratio:.2f}x; largest difference {off:.1e}, {active:.0f} terms a document'
            ),
            flush=True,
        )
        figures |= {
            ('encode_ratio' if name == 'head_bound' else f'encode_ratio_{name}'): round(ratio, 2),
            ('difference' if name == 'head_bound' else f'difference_{name}'): f'{off:.1e}',
        }
    print(' '.join(f'{k}={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
