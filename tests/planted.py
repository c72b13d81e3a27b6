"""Collections by counts with what is known about them.

Background terms of many rates, terms in lumps, of seasons and of weekdays, and planted bursts."""

from datetime import date, timedelta

import numpy as np
from scipy.stats import rankdata

from korean_sparse.timeline.counts import DayCounts

FIRST = date(2022, 1, 3)  # a Monday
WEEK = np.array([16, 15, 15, 15, 14, 8, 6])  # documents of a day, Monday to Sunday, on average


def shape_rates(rng: np.random.Generator, rate: np.ndarray, kinds: np.ndarray) -> None:
    "Make lumps, seasons and weekdays out of the even rates of the terms of these kinds, [V, days], in place."
    days = rate.shape[1]
    lumps, season, weekday = (np.flatnonzero(kinds == kind) for kind in ('lumps', 'season', 'weekday'))
    weeks = rng.gamma(0.15, 1 / 0.15, (len(lumps), days // 7 + 1))
    rate[lumps] *= weeks.repeat(7, 1)[:, :days]
    for i in season:
        rate[i] *= np.where((np.arange(days) + rng.integers(365)) % 365 < 42, 6.0, 0.15)
    for i in weekday:
        rate[i] *= np.where(np.arange(days) % 7 == rng.integers(5), 5.0, 0.25)


def collection(
    burst: int, seed: int = 0, days: int = 728, terms: int = 1500, planted: int = 60, length: int = 14
) -> tuple[DayCounts, dict[str, str]]:
    """Two years of about thirteen documents a day, and the kind of each term.

    `planted` terms get `burst` documents more within `length` days; half of them are new words, half had a
    rate before. Of the others a tenth comes in lumps, a tenth each year in the same six weeks, a tenth on one
    weekday."""
    rng = np.random.default_rng([seed, burst])
    totals = rng.poisson(WEEK[np.arange(days) % 7])
    rate = rng.gamma(0.5, 0.02, terms)[:, None] * np.ones(days)
    others = rng.choice(['lumps', 'season', 'weekday', 'steady'], terms - planted, p=[0.1, 0.1, 0.1, 0.7])
    kinds = np.array(['planted'] * planted + list(others))
    shape_rates(rng, rate, kinds)
    rate[: planted // 2] = 0.0
    counts = rng.binomial(totals, np.minimum(rate, 0.5))
    for i in range(planted):
        start = rng.integers(120, days - 60)
        for day in rng.integers(start, start + length, burst):
            counts[i, day] += 1
            totals[day] += 1
    names = [f'{kind}-{n}' for n, kind in enumerate(kinds)]
    table = DayCounts()
    for day in range(days):
        held = {names[i]: int(counts[i, day]) for i in np.flatnonzero(counts[:, day])}
        table.add((FIRST + timedelta(day)).toordinal(), int(totals[day]), held)
    return table, dict(zip(names, kinds.tolist()))


def auc(score: dict[str, float], kinds: dict[str, str]) -> float:
    "How often a planted term scores above one that is not, ties half; a term without a score has the lowest."
    terms = list(kinds)
    ranks = rankdata([score.get(term, -1e9) for term in terms])
    planted = np.array([kinds[term] == 'planted' for term in terms])
    n = planted.sum()
    return float((ranks[planted].sum() - n * (n + 1) / 2) / (n * (~planted).sum()))
