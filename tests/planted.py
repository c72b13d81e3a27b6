"Collections by counts with what is known about them: background of many rates, terms in lumps, of seasons, of weekdays, and planted bursts."

from datetime import date, timedelta

import numpy as np

from korean_sparse.timeline.counts import DayCounts

FIRST = date(2022, 1, 3)


def collection(
    burst: int, seed: int = 0, days: int = 728, terms: int = 1500, planted: int = 60, length: int = 14
) -> tuple[DayCounts, dict[str, str]]:
    """Two years of about thirteen documents a day and the kind of each term: `planted` of them get `burst` documents more within `length` days (half are new words, half had a rate before);
    of the others a tenth comes in lumps, a tenth each year in the same six weeks, a tenth on one weekday."""
    rng = np.random.default_rng([seed, burst])
    week = np.array([16, 15, 15, 15, 14, 8, 6])
    totals = rng.poisson(week[np.arange(days) % 7])
    rate = rng.gamma(0.5, 0.02, terms)[:, None] * np.ones(days)
    kinds = np.array(
        ['planted'] * planted
        + list(rng.choice(['lumps', 'season', 'weekday', 'steady'], terms - planted, p=[0.1, 0.1, 0.1, 0.7]))
    )
    lumps, season, weekday = (np.flatnonzero(kinds == k) for k in ('lumps', 'season', 'weekday'))
    rate[lumps] *= rng.gamma(0.15, 1 / 0.15, (len(lumps), days // 7 + 1)).repeat(7, 1)[:, :days]
    for i in season:
        rate[i] *= np.where((np.arange(days) + rng.integers(365)) % 365 < 42, 6.0, 0.15)
    for i in weekday:
        rate[i] *= np.where(np.arange(days) % 7 == rng.integers(5), 5.0, 0.25)
    rate[: planted // 2] = 0.0
    counts = rng.binomial(totals, np.minimum(rate, 0.5))
    for i in range(planted):
        start = rng.integers(120, days - 60)
        for day in rng.integers(start, start + length, burst):
            counts[i, day] += 1
            totals[day] += 1
    names = [f'{k}-{n}' for n, k in enumerate(kinds)]
    c = DayCounts()
    for d in range(days):
        c.add(
            (FIRST + timedelta(d)).toordinal(),
            int(totals[d]),
            {names[i]: int(counts[i, d]) for i in np.flatnonzero(counts[:, d])},
        )
    return c, dict(zip(names, kinds.tolist()))


def auc(score: dict[str, float], kinds: dict[str, str]) -> float:
    "How often a planted term scores above one that is not, ties half; a term without a score has the lowest."
    from scipy.stats import rankdata

    terms = list(kinds)
    ranks, yes = (
        rankdata([score.get(t, -1e9) for t in terms]),
        np.array([kinds[t] == 'planted' for t in terms]),
    )
    return float((ranks[yes].sum() - yes.sum() * (yes.sum() + 1) / 2) / (yes.sum() * (~yes).sum()))
