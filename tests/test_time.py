"""Time, across its notebooks: planted bursts against simpler scores, days added one by one, a deployed idf
refreshed, analysers exchanged, memory that does not follow the documents."""

import csv
import importlib.util
import json
import math
import os
import random
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from planted import auc, collection

from korean_sparse.core.files import read_rows, write_rows
from korean_sparse.core.places import find_root
from korean_sparse.core.rows import NewsItem, SynonymPair, TermCluster, TermTrend
from korean_sparse.retrieval.query import MUTED_WEIGHT, QueryEncoder
from korean_sparse.temporal_clustering import TemporalConfig, build, count
from korean_sparse.text.analysers import get_analyzer
from korean_sparse.text.vocabulary import SPECIALS, train_vocabulary
from korean_sparse.timeline.counts import load_counts, save_counts, temporal_idf
from korean_sparse.timeline.dated import DatedTally, read_dated
from korean_sparse.timeline.trends import find_trends, make_series, settings

ROOT = find_root()
NEWS = ROOT / 'data/sample/news/news.jsonl'
sys.path.insert(0, str(ROOT / 'benchmarks'))


def sample_items() -> list[NewsItem]:
    return list(read_rows(NEWS, NewsItem))


def table(counts, kind: str) -> dict[str, list[tuple[int, int]]]:
    "Term -> (day, documents), whatever order the terms were met in."
    day_counts = getattr(counts, kind)
    names, rows = list(day_counts.index), {}
    for i, day, n in zip(*(part.tolist() for part in day_counts.cells)):
        rows.setdefault(names[i], []).append((day, n))
    return rows


@pytest.mark.parametrize('size', [7, 10, 20])
def test_planted_bursts_are_told_better_than_by_growth_or_by_z_without_decay(size):
    from time_trends import scores

    values = {}
    for seed in (11, 12):
        counts, kinds = collection(size, seed)
        for name, score in scores(make_series(counts, sorted(counts.index), 'week')).items():
            values.setdefault(name, []).append(auc(score, kinds))
    mean = {name: np.mean(v) for name, v in values.items()}
    assert mean['both'] > max(mean['growth'], mean['z']) + 0.03, mean
    assert mean['ewma'] > max(mean['growth'], mean['z']) + 0.02, mean


def test_seasons_and_weekdays_are_not_taken_for_trends():
    counts, kinds = collection(14, 5)
    for unit in ('day', 'week'):
        s = make_series(counts, sorted(counts.index), unit)
        found = find_trends(s, settings(s))
        wrong = [t.term for t in found if t.kind != 'seasonal' and kinds[t.term] in ('season', 'weekday')]
        asked = sum(k in ('season', 'weekday') for k in kinds.values())
        assert len(wrong) <= 0.02 * asked, (unit, wrong)
        seasonal = {t.term for t in found if t.kind == 'seasonal'}
        assert sum(kinds[t] == 'season' for t in seasonal) >= 0.9 * len(seasonal) and len(seasonal) > 50
        assert sum(kinds[t.term] == 'planted' for t in found if t.kind == 'burst') >= 30, unit


def test_a_csv_with_korean_columns_and_dates_counts_like_json_lines(tmp_path):
    items = sample_items()[:60]
    with open(tmp_path / 'a.csv', 'w', newline='', encoding='utf-8-sig') as f:
        out = csv.writer(f)
        out.writerow(['번호', '제목', '내용', '작성일'])
        for i in items:
            d = date.fromisoformat(i.date)
            out.writerow([i.id, i.title, i.text, f'{d.year}년 {d.month}월 {d.day}일'])
    write_rows(tmp_path / 'a.jsonl', items)
    assert list(read_dated(tmp_path / 'a.csv')) == [NewsItem(i.id, i.date, i.title, i.text) for i in items]
    one, two = (
        count(TemporalConfig(news=str(tmp_path / f'a.{e}'), planted='', analyzer='kiwi'), DatedTally())[0]
        for e in ('csv', 'jsonl')
    )
    for kind in ('content', 'found'):
        assert table(one, kind) == table(two, kind)


def test_days_added_one_by_one_are_the_days_counted_at_once(tmp_path):
    items = sample_items()

    def run(name, part, state=''):
        write_rows(tmp_path / f'{name}.jsonl', part)
        cfg = TemporalConfig(
            news=str(tmp_path / f'{name}.jsonl'),
            planted='',
            analyzer='kiwi',
            min_support=50,  # no new words: they depend on what was read
            state=str(state),
        )
        counts, _, about = count(cfg, DatedTally())
        save_counts(counts, tmp_path / f'{name}.state', about)
        return counts

    whole = run('whole', items)
    days = sorted({i.date for i in items})
    cuts = [days[100], days[-2], days[-1]]
    run('first', [i for i in items if i.date < cuts[0]])
    run('most', [i for i in items if cuts[0] <= i.date < cuts[1]], tmp_path / 'first.state')
    run('next', [i for i in items if cuts[1] <= i.date < cuts[2]], tmp_path / 'most.state')
    added = run('last', [i for i in items if i.date >= cuts[2]], tmp_path / 'next.state')
    for kind in ('content', 'found'):
        assert table(added, kind) == table(whole, kind)
    for half_life in (30.0, math.inf):
        assert temporal_idf(added.content, None, half_life) == temporal_idf(whole.content, None, half_life)
    again = load_counts(tmp_path / 'last.state', {'analyzer': 'kiwi', 'sources': []})
    assert table(again, 'found') == table(whole, 'found')
    with pytest.raises(ValueError, match='was counted already'):
        run('last', [i for i in items if i.date >= cuts[2]], tmp_path / 'last.state')


@pytest.fixture(scope='module')
def refreshed(tmp_path_factory):
    "The sample's news brought to a small model's idf, twice."
    tmp = tmp_path_factory.mktemp('refresh')
    vocab = train_vocabulary([f'{i.title}\n{i.text}' for i in sample_items()], get_analyzer('kiwi'), 3000)
    terms = [vocab.tokenizer.id_to_token(i) for i in range(vocab.tokenizer.get_vocab_size())]
    idf = {
        t: round(2.0 + (n % 70) / 10, 6) if len(t) > 1 else MUTED_WEIGHT
        for n, t in enumerate(terms)
        if t not in SPECIALS
    }
    (tmp / 'model').mkdir()
    vocab.tokenizer.save(str(tmp / 'model/tokenizer.json'))
    (tmp / 'model/idf.json').write_text(json.dumps(idf, ensure_ascii=False), encoding='utf-8')
    with pytest.MonkeyPatch.context() as m:
        results = []
        for name, processes in (('one', 1), ('two', 2)):
            m.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp / name))
            cfg = TemporalConfig(analyzer='kiwi', model=str(tmp / 'model'), blend=1.0, processes=processes)
            results.append(build(cfg))
    return tmp / 'model', idf, *results


def test_a_deployed_idf_follows_the_news(refreshed, tmp_path):
    model, before, result, _ = refreshed
    after = json.loads(result.path('idf.json').read_text(encoding='utf-8'))
    assert list(after) == list(before) and all(0 < w <= 64 for w in after.values())
    assert all(after[t] == w for t, w in before.items() if w == MUTED_WEIGHT)
    for emerging in ('온디바이스', '통합돌봄', '전고체'):
        if emerging in before:
            assert after[emerging] < before[emerging]
    for gone in ('탕후루', '빈대'):  # for more than a year
        assert after[gone] > before[gone] + 0.3
    words = [t for t, w in before.items() if w > MUTED_WEIGHT and len(t) > 1]
    assert sum(abs(after[t] - before[t]) < 1e-9 for t in words) < len(before)
    changes = [json.loads(line) for line in open(result.path('idf_changes.jsonl'), encoding='utf-8')]
    first, last = (abs(change['after'] - change['before']) for change in (changes[0], changes[-1]))
    assert changes[0]['term'] in before and first >= last
    deployed = tmp_path / 'deployed'
    deployed.mkdir()
    for folder, name in ((result.folder, 'idf.json'), (model, 'tokenizer.json')):
        (deployed / name).write_bytes((folder / name).read_bytes())
    query = QueryEncoder.load(deployed)  # the query side takes it
    lifted, plain = (side.matrix(['탕후루']).data.sum() for side in (query, QueryEncoder.load(model)))
    assert lifted > plain


def test_two_runs_and_two_processes_give_the_same_bytes(refreshed):
    *_, one, two = refreshed
    for name in (
        'trends.jsonl',
        'clusters.jsonl',
        'synonyms.jsonl',
        'temporal_idf.json',
        'idf.json',
        'state/counts.jsonl.gz',
        'trend_heat.png',
        'clusters_umap.png',
    ):
        assert one.path(name).read_bytes() == two.path(name).read_bytes(), name


def test_the_rows_of_the_stage_are_what_others_read(refreshed):
    *_, result, _ = refreshed
    trends, clusters, pairs = (
        list(read_rows(result.path(f'{n}.jsonl'), t))
        for n, t in (('trends', TermTrend), ('clusters', TermCluster), ('synonyms', SynonymPair))
    )
    assert trends and all(t.q <= 0.05 and t.support >= 5 and 1 <= len(t.examples) <= 5 for t in trends)
    text = {i.id: f'{i.title}\n{i.text}'.lower() for i in sample_items()}
    assert all(t.term in text[e] for t in trends for e in t.examples)
    assert clusters and all(2 <= len(c.terms) <= 12 and c.centre == c.terms[0] for c in clusters)
    assert pairs and all(p.source.split(':')[1] in ('spacing', 'spelling', 'meaning') for p in pairs)


def test_one_papermill_line_brings_last_week_into_a_deployed_idf(refreshed, tmp_path):
    model, before, first, _ = refreshed
    rng = random.Random(0)
    with open(tmp_path / 'week.csv', 'w', newline='', encoding='utf-8') as f:
        out = csv.writer(f)
        out.writerow(['제목', '본문', '등록일'])
        for n, i in enumerate(rng.sample(sample_items(), 90)):
            text = f'{i.text} 시에서 싱크홀 신고가 들어왔다.' if n % 2 else i.text
            out.writerow([i.title, text, f'2025. 7. {1 + n % 7}.'])
    parameters = {
        'run': 'week-27',
        'news': tmp_path / 'week.csv',
        'planted': '',
        'model': model,
        'state': first.path('state'),
        'analyzer': 'kiwi',
        'half_life': '30',
        'blend': '1',
        'algorithm': 'agglomerative',
    }
    command = [sys.executable, '-m', 'papermill', ROOT / 'nbs/03_temporal_clustering.ipynb']
    command += [tmp_path / 'refresh.ipynb', '--no-progress-bar']
    for name, value in parameters.items():
        command += ['-p', name, value]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        env={**os.environ, 'KOREAN_SPARSE_OUTPUTS': str(tmp_path / 'outputs')},
    )
    assert done.returncode == 0, done.stderr[-2500:]
    folder = tmp_path / 'outputs/week-27/03_temporal_clustering'
    after, manifest, read = (
        json.loads((folder / f'{name}.json').read_text(encoding='utf-8'))
        for name in ('idf', 'manifest', 'read')
    )
    assert list(after) == list(before)
    assert after['싱크홀'] < before['싱크홀'] - 1 and after['탕후루'] > before['탕후루']
    assert manifest['counts']['news'] == 90 and manifest['counts']['counted'] == 90 + len(sample_items())
    assert read['columns'] == {'text': '본문', 'title': '제목', 'date': '등록일'}
    assert (folder / 'refresh.png').exists() and (folder / 'state/state.json').exists()


def test_what_is_later_than_the_reference_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path))
    cfg = TemporalConfig(analyzer='kiwi', reference='2024-06-30', planted='', algorithm='agglomerative')
    result = build(cfg)
    early = sum(i.date <= '2024-06-30' for i in sample_items())
    counted = result.manifest['counts']
    assert counted['news'] == early and counted['future_date'] == len(sample_items()) - early
    assert '럼피스킨' not in json.loads(result.path('temporal_idf.json').read_text(encoding='utf-8'))


@pytest.mark.parametrize('name', ['kiwi', 'mecab', 'konlpy:Okt', 'konlpy:Komoran'])
def test_analysers_are_interchangeable(name, tmp_path):
    if not importlib.util.find_spec(name.split(':')[0].replace('kiwi', 'kiwipiepy')):
        pytest.skip(f'{name} is not installed')
    write_rows(tmp_path / 'n.jsonl', [i for i in sample_items() if '탕후루' in i.text or '전고체' in i.text])
    code = f"""
from korean_sparse.temporal_clustering import TemporalConfig, count
from korean_sparse.timeline.dated import DatedTally
if __name__ == "__main__":
    cfg = TemporalConfig(news={str(tmp_path / 'n.jsonl')!r}, planted="", analyzer={name!r})
    counts, *_ = count(cfg, DatedTally())
    df = dict(zip(counts.found.index, counts.found.df().tolist()))
    print(df.get("탕후루", 0), df.get("전고체", 0))
"""
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-1500:]
    skewers, batteries = map(int, done.stdout.split()[-2:])
    # Okt calls 전 a modifier, a tag that `text` does not know
    assert skewers >= 12 and (batteries >= 16 or name == 'konlpy:Okt'), done.stdout


PEAK = """
import random, sys
from datetime import date, timedelta
from pathlib import Path
from korean_sparse.core.rows import NewsItem
from korean_sparse.timeline.counts import count_stream

words = [f"{a}{b}{c}" for a in "가나다라마바사" for b in "국원장력문" for c in "기도서실"]
n = int(sys.argv[1])

def items():
    rng = random.Random(0)
    for i in range(n):
        day = date(2024, 1, 1) + timedelta(i * 365 // n)
        yield NewsItem(str(i), day.isoformat(), "", " ".join(rng.choices(words, k=12)))

counts = count_stream(items(), "kiwi", processes=1, size=500)
assert sum(counts.content.totals.values()) == n
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def test_memory_follows_vocabulary_and_days_not_documents():
    if not Path('/proc/self/status').exists():
        pytest.skip('needs /proc')

    def peak(n):
        command = [sys.executable, '-c', PEAK, str(n)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        return int(done.stdout.split()[-1]) / 1024

    assert peak(60_000) - peak(6_000) < 60  # MB; 54,000 texts more would be as much in themselves
