"""What trends in real collections: the strongest trends of each year, one a story, to be read by eye.

    python benchmarks/time_news.py --data ../shared/data

`--most` trends for each year in which their windows begin, from the counts of the whole collection. The last
line counts them."""

import argparse
from pathlib import Path

from korean_sparse.temporal_clustering import TemporalConfig, count
from korean_sparse.timeline.dated import DatedTally
from korean_sparse.timeline.new_words import select_terms
from korean_sparse.timeline.pictures import stories, trend_documents
from korean_sparse.timeline.trends import find_trends, make_series, settings


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--data', type=Path, required=True)
    p.add_argument('--most', type=int, default=20)
    p.add_argument('--analyzer', default='mecab')
    a = p.parse_args()
    figures = {}
    for name in ('fe_news', 'wikinews', 'petitions'):
        cfg, tally = (
            TemporalConfig(
                news=str((a.data / 'news' / f'{name}.jsonl.gz').resolve()), planted='', analyzer=a.analyzer
            ),
            DatedTally(),
        )
        counts, lexicon, _ = count(cfg, tally)
        series = make_series(
            counts.found, select_terms(dict(zip(counts.found.index, counts.found.df().tolist())), tally.kept)
        )
        found = find_trends(series, settings(series))
        distinct = stories(found, trend_documents(cfg.items(), found))
        print(
            (
                f'\n{name}: {tally}; {len(series.terms)} terms by {series.unit}, {len(found)} trends, '
                f'{len(distinct)} stories; new words: {" ".join(lexicon)}'
            )
        )
        for year in sorted({t.start[:4] for t in distinct if t.kind != 'seasonal'}):
            print(
                f'  {year}: '
                + ', '.join(
                    f'{t.term} ({t.kind[0]} {t.start[5:]}-{t.end[2:]})'
                    for t in [t for t in distinct if t.kind != 'seasonal' and t.start[:4] == year][: a.most]
                )
            )
        if seasonal := [t for t in distinct if t.kind == 'seasonal'][: a.most]:
            print('  each year: ' + ', '.join(f'{t.term} ({t.start}-{t.end})' for t in seasonal))
        figures[name] = len(distinct)
    print(' '.join(f'{k}_stories={v}' for k, v in figures.items()))


if __name__ == '__main__':
    main()
