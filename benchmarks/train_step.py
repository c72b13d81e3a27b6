"""A training step of a SPLADE model: the fused head against sentence-transformers' SpladePooling, same random
BERT, same batch, same loss.

Each side lives in a process of its own; steps alternate, so both meet the same machine. Time: median of the
ratios of neighbouring steps.
A random start has every term on, the hardest case for the fused head; in the settings called `few` a bias
leaves one in a hundred on, as training does.
Memory: peak resident memory above that of the loaded model (gradients, optimizer state, activations, logits).

python benchmarks/train_step.py           all settings (about fifteen minutes on two cores)
python benchmarks/train_step.py --quick   small, one minute
"""

import argparse
import gc
import multiprocessing as mp
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault('HF_HUB_OFFLINE', '1')
GB = 2**30


def write_model(folder, vocabulary, width, layers, active=None):
    """A random BERT with a masked-LM head and a word-level tokenizer, in `folder`; `active` is the share of
    terms that a bias leaves on, else it is 0 and nearly all are."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *(f'w{i}' for i in range(vocabulary - 5))]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token='[UNK]'))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token='[PAD]', unk_token='[UNK]', model_max_length=192
    ).save_pretrained(folder)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            intermediate_size=4 * width,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    if active:
        with torch.no_grad():
            loudest = model.eval()(torch.randint(5, vocabulary, (2, 192))).logits.amax(1).flatten()
        torch.nn.init.constant_(
            model.get_output_embeddings().bias,
            -loudest.kthvalue(int(len(loudest) * (1 - active))).values.item(),
        )
    model.save_pretrained(folder)


def load(side, folder):
    "A sentence-transformers SparseEncoder with our head or with theirs."
    import logging

    import transformers
    from sentence_transformers import SparseEncoder

    logging.getLogger('sentence_transformers').setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    if side == 'theirs':
        return SparseEncoder(folder, device='cpu')
    from korean_sparse.sentence_transformers import FusedSplade

    return SparseEncoder(modules=[FusedSplade(folder)], device='cpu')


def resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * resource.getpagesize()


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def batch(vocabulary, size, length, ragged, step):
    "Random token ids and mask; `ragged` draws lengths from an eighth of the length to all of it."
    import torch

    g = torch.Generator().manual_seed(step)
    ids = torch.randint(5, vocabulary, (size, length), generator=g)
    lengths = (
        torch.randint(max(1, length // 8), length + 1, (size, 1), generator=g)
        if ragged
        else torch.full((size, 1), length)
    )
    mask = (torch.arange(length) < lengths).long()
    return dict(input_ids=ids * mask, attention_mask=mask)


def worker(side, folder, s, pipe):
    "Answer each `step number` with (seconds, loss, weights); `None` ends with the memory figures."
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(s['threads'])
    model = load(side, folder).train()
    if s.get('checkpointing'):
        model[0].model.gradient_checkpointing_enable()
    optimizer = torch.optim.AdamW(model.parameters(), 2e-5, fused=True)
    gc.collect()
    loaded = resident()
    pipe.send('ready')
    while (n := pipe.recv()) is not None:
        features, start = batch(s['vocabulary'], s['size'], s['length'], s['ragged'], n), time.perf_counter()
        with torch.autocast('cpu', torch.bfloat16, enabled=s['dtype'] == 'bf16'):
            w = model(features)['sentence_embedding'].float()
        queries, documents = w[: len(w) // 2], w[len(w) // 2 :]
        loss = (
            F.cross_entropy(queries @ documents.T, torch.arange(len(queries))) + 1e-3 * w.mean(0).pow(2).sum()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pipe.send((time.perf_counter() - start, loss.item(), (w > 0).float().mean().item()))
    pipe.send((loaded, peak()))


class Side:
    "A worker process."

    def __init__(self, side, folder, s):
        context = mp.get_context('spawn')
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=worker, args=(side, folder, s, other))
        self.process.start()
        other.close()
        self.pipe.recv()

    def step(self, n):
        self.pipe.send(n)
        return self.pipe.recv()

    def close(self):
        self.pipe.send(None)
        loaded, top = self.pipe.recv()
        self.process.join()
        return loaded, top


def compare(s, steps):
    "Alternate steps of both sides: medians, ratio, memory."
    with tempfile.TemporaryDirectory() as folder:
        write_model(folder, s['vocabulary'], s['width'], s['layers'], s['active'])
        sides = {k: Side(k, folder, s) for k in ('ours', 'theirs')}
        rows = [{k: side.step(n) for k, side in sides.items()} for n in range(steps + 1)][
            1:
        ]  # the first warms up
        memory = {k: side.close() for k, side in sides.items()}
    above = {k: (top - loaded) / GB for k, (loaded, top) in memory.items()}
    drift = max(abs(r['ours'][1] - r['theirs'][1]) / abs(r['theirs'][1]) for r in rows)
    return dict(
        ours=statistics.median(r['ours'][0] for r in rows),
        theirs=statistics.median(r['theirs'][0] for r in rows),
        ratio=statistics.median(r['theirs'][0] / r['ours'][0] for r in rows),
        ours_gb=above['ours'],
        theirs_gb=above['theirs'],
        memory=above['ours'] / above['theirs'],
        active=rows[-1]['ours'][2],
        loss_difference=drift,
    )


def alone(side, s, sizes, steps=2):
    "Peak memory of one side at each batch size, in GB, model included, and seconds of the last step."
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_model(folder, s['vocabulary'], s['width'], s['layers'], s['active'])
        for size in sizes:
            one = Side(side, folder, {**s, 'size': size})
            seconds = [one.step(n)[0] for n in range(steps)][-1]
            found[size] = (one.close()[1] / GB, seconds)
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--quick', action='store_true')
    p.add_argument('--steps', type=int, default=5)
    p.add_argument('--threads', type=int, default=os.cpu_count())
    p.add_argument('--only', default='', help='names of settings to run, by comma, of those printed')
    a = p.parse_args()
    v, size, length = (8000, 8, 96) if a.quick else (32000, 32, 192)
    base, figures = (
        dict(
            vocabulary=v, size=size, length=length, ragged=False, dtype='fp32', threads=a.threads, active=None
        ),
        {},
    )
    few = dict(active=0.01)
    small, large = dict(width=256, layers=2), dict(width=768, layers=6)
    settings = {
        'head_bound': small,
        'head_bound_bf16': {**small, 'dtype': 'bf16'},
        'head_bound_few': {**small, **few},
        'head_bound_ragged': {**small, 'ragged': True},
        'head_bound_384': dict(width=384, layers=2),
        'head_bound_4_layers': dict(width=256, layers=4),
        'd768': large,
        'd768_bf16': {**large, 'dtype': 'bf16'},
        'd768_few': {**large, **few},
        'd768_12': dict(width=768, layers=12),
        'd768_12_bf16': dict(width=768, layers=12, dtype='bf16'),
    }
    if a.quick:
        settings = {k: settings[k] for k in ('head_bound', 'head_bound_few')}
    large_vocabulary = {
        'v250k': dict(width=768, layers=12, dtype='bf16'),
        'v250k_fp32': dict(width=768, layers=12),
        'v250k_checkpointing': dict(width=768, layers=12, checkpointing=True),
        'v250k_384': dict(width=384, layers=12),
    }  # XLM-R base, and multilingual-e5-small
    if a.quick:
        large_vocabulary = {'v250k': dict(width=64, layers=2)}
    chosen = a.only.split(',') if a.only else [*settings, *large_vocabulary]
    for name in (n for n in chosen if n in settings):
        r = compare({**base, **settings[name]}, a.steps)
        print(
            f'{name:18} ours {r["ours"]:6.2f} s {r["ours_gb"]:5.2f} GB   theirs {r["theirs"]:6.2f} s '
            f'{r["theirs_gb"]:5.2f} GB   {r["ratio"]:.2f}x, memory {r["memory"]:.3f}   '
            f'active {r["active"]:.2f}, loss differs by {r["loss_difference"]:.1e}',
            flush=True,
        )
        tail = '' if name == 'head_bound' else '_' + name
        figures |= {f'speed_ratio{tail}': round(r['ratio'], 2), f'memory_ratio{tail}': round(r['memory'], 3)}
    for name in (n for n in chosen if n in large_vocabulary):
        s = {**base, 'vocabulary': 20000 if a.quick else 250002, **large_vocabulary[name]}
        ours, few = alone('ours', s, [size]), alone('theirs', {**s, 'checkpointing': False}, [4, 8])
        need = few[8][0] + (size - 8) * (few[8][0] - few[4][0]) / 4
        print(
            (
                f'{name:18} ours {ours[size][0]:.2f} GB, {ours[size][1]:.1f} s a step; theirs '
                f'{few[4][0]:.2f} GB at batch 4, {few[8][0]:.2f} GB at batch 8: by their line {need:.1f} '
                f'GB at batch {size}'
            ),
            flush=True,
        )
        figures |= {f'{name}_gb': round(ours[size][0], 2), f'{name}_theirs_gb': round(need, 1)}
    print(' '.join(f'{k}={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
