"""Finding planted bursts: ours beside simpler scores, on generated collections (`tests/planted.py`), over
burst sizes; and what is reported at a false discovery rate of .05.

    python benchmarks/time_trends.py --picture docs/pictures/time_auc.png

Scores: *growth* is the largest ratio of a window's count to that of the window before ((k + 1)/(k0 + 1), four
weeks each); *z* the largest deviation of a week's share from the mean of all weeks, in standard deviations
(no decay);
*SigniTrend* the largest z of its moving average; ours are -log10 of the probabilities of `ewma_windows`,
`kleinberg_windows` and both combined. The last line holds the AUCs at the middle size."""

import argparse
import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'tests'))
from planted import auc, collection

from korean_sparse.timeline.trends import (
    Series,
    combine,
    ewma_windows,
    find_trends,
    kleinberg_windows,
    make_series,
    settings,
    signitrend,
)

SIZES = (3, 5, 7, 10, 14, 20, 28, 40)


def growth(s: Series, window: int = 4) -> np.ndarray:
    c = np.cumsum(np.pad(s.counts, ((0, 0), (1, 0))), axis=1)
    k = c[:, window:] - c[:, :-window]
    return ((k[:, window:] + 1) / (k[:, :-window] + 1)).max(1)


def plain_z(s: Series) -> np.ndarray:
    x = s.counts / np.maximum(s.totals, 1)
    return ((x - x.mean(1, keepdims=True)) / np.maximum(x.std(1, keepdims=True), 1e-9)).max(1)


def scores(s: Series) -> dict[str, dict[str, float]]:
    "Term -> score for each method."
    x = settings(s)
    a, b = ({t: w.p for t, w in windows.items()} for windows in (ewma_windows(s, x), kleinberg_windows(s, x)))
    terms = sorted({*a, *b})
    both = combine(np.array([[p.get(t, 1.0) for t in terms] for p in (a, b)])) if terms else []

    def log(p):
        return {t: -math.log10(max(v, 1e-300)) for t, v in p.items()}

    return {
        'growth': dict(zip(s.terms, growth(s))),
        'z': dict(zip(s.terms, plain_z(s))),
        'SigniTrend': dict(zip(s.terms, signitrend(s, x.memory, 5 / s.totals.sum()).max(1))),
        'ewma': log(a),
        'kleinberg': log(b),
        'both': log(dict(zip(terms, both))),
    }


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--seeds', type=int, default=3)
    p.add_argument('--picture', type=Path)
    a = p.parse_args()
    table: dict[str, list[float]] = {}
    for size in SIZES:
        found: dict[str, list[float]] = {}
        reported = []
        for seed in range(a.seeds):
            counts, kinds = collection(size, seed)
            s = make_series(counts, sorted(counts.index), 'week')
            for name, score in scores(s).items():
                found.setdefault(name, []).append(auc(score, kinds))
            rows = [t for t in find_trends(s, settings(s)) if t.kind != 'seasonal']
            right = sum(kinds[t.term] == 'planted' for t in rows)
            wrong = [kinds[t.term] for t in rows if kinds[t.term] != 'planted']
            reported.append(
                (right / 60, right / max(len(rows), 1), {k: wrong.count(k) for k in sorted(set(wrong))})
            )
        for name, values in found.items():
            table.setdefault(name, []).append(float(np.mean(values)))
        print(
            f'{size:3} documents  '
            + '  '.join(f'{name} {np.mean(v):.3f}' for name, v in found.items())
            + (
                f'  reported: recall {np.mean([r[0] for r in reported]):.2f}, precision '
                f'{np.mean([r[1] for r in reported]):.2f}, wrong {[r[2] for r in reported]}'
            ),
            flush=True,
        )
    if a.picture:
        from korean_sparse.core.pictures import COLOURS, axes, save_picture

        fig, ax = axes(7, 3.6)
        for (name, values), colour in zip(table.items(), COLOURS):
            ax.plot(
                SIZES,
                values,
                'o-' if name in ('ewma', 'kleinberg', 'both') else 'o--',
                color=colour,
                label=name,
                ms=4,
            )
        ax.set_xscale('log')
        ax.set_xticks(SIZES, [str(n) for n in SIZES])
        ax.minorticks_off()
        ax.set_xlabel('documents of a planted burst, within two weeks')
        ax.set_ylabel('AUC')
        ax.legend(ncols=2, loc='lower right')
        ax.set_title('telling 60 planted terms from 1,440 others (lumps, seasons, weekdays among them)')
        save_picture(fig, a.picture)
    print(' '.join(f'{name}={values[SIZES.index(10)]:.3f}' for name, values in table.items()))


if __name__ == '__main__':
    main()
