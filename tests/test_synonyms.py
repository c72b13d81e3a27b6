"Synonyms: what must hold whatever the links, the dictionary and the articles look like."

import hashlib
import json
import random
from collections import Counter

import pytest

from korean_sparse.core.files import read_json_lines, read_rows, write_rows
from korean_sparse.core.rows import Article, DataError, SynonymPair, TitleLink
from korean_sparse.pairs.confidence import ends, gather, splits
from korean_sparse.pairs.sources import Evidence, link_evidence
from korean_sparse.synonyms import SynonymConfig, build
from korean_sparse.text.terms import distance, same_spelling, squeeze

SYLLABLES = '가나다라마바사아자차카타파하강논돈론몽봉송'


def word(rng, lang):
    if lang == 'ko':
        return ''.join(rng.choices(SYLLABLES, k=rng.randint(2, 4)))
    return ' '.join(
        ''.join(rng.choices('abcdefghijklmnop', k=rng.randint(3, 7))) for _ in range(rng.randint(1, 2))
    )


def made_links(rng, n=300):
    """Links of every kind, with what real ones have.

    Circles, chains, titles that are redirects, sections, brackets, spaces, broken characters."""
    ko, en = [word(rng, 'ko') for _ in range(n)], [word(rng, 'en').capitalize() for _ in range(n)]
    links = [
        TitleLink(k, e, 'interlanguage', 'ko', 'en', mutual=rng.choice((True, False, None)))
        for k, e in zip(ko, en)
    ]
    links += [
        TitleLink(link.target, link.source, 'interlanguage', 'en', 'ko', mutual=True)
        for link in links
        if link.mutual
    ]
    for _ in range(2 * n):
        lang, titles = rng.choice((('ko', ko), ('en', en)))
        source = rng.choice(
            (
                word(rng, lang),
                rng.choice(titles),
                rng.choice(titles)[:1] + ' ' + rng.choice(titles)[1:],
                f'{rng.choice(titles)} (동음이의)',
                rng.choice(titles) + '\ufffd',
                '1984년',
                ''.join(rng.sample('#[]', 2)),
            )
        )
        links.append(
            TitleLink(
                source,
                rng.choice(titles),
                rng.choice(('redirect', 'redirect', 'disambiguation')),
                lang,
                lang,
                rng.choice(('', '', '', '분류')),
            )
        )
    rng.shuffle(links)
    return links


@pytest.fixture(scope='module')
def home(tmp_path_factory):
    "A folder for outputs, and in it a folder of stage 01 with made-up links and some articles."
    home = tmp_path_factory.mktemp('synonyms')
    rng, source = random.Random(7), home / 'wiki'
    source.mkdir()
    links = made_links(rng)
    titles = [link for link in links if link.kind == 'interlanguage' and link.source_lang == 'ko'][:40]
    korean, english = [word(rng, 'ko') for _ in range(30)], [word(rng, 'en') for _ in range(30)]
    articles = []
    for n, link in enumerate(titles):
        for lang, title, other, words in (
            ('ko', link.source, link.target, korean),
            ('en', link.target, link.source, english),
        ):
            text = f'{title}({other}) ' + ' '.join(rng.choices(words, k=40))
            anchors = tuple((rng.choice(words), rng.choice(titles).source) for _ in range(5))
            articles.append(Article(f'{lang}{n}', lang, title, text, anchors))
    write_rows(source / 'links.jsonl.gz', links)
    write_rows(source / 'articles.jsonl.gz', articles)
    return home


def built(home, run, source='wiki', **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('KOREAN_SPARSE_OUTPUTS', str(home / 'outputs'))
        return build(SynonymConfig(run=run, wikipedia=str(home / source), held_out=0.5, dim=8, **options))


@pytest.fixture(scope='module')
def result(home):
    return built(home, 'a')


def sides(p):
    "A pair's two terms as (language, squeezed term)."
    return frozenset(((p.left_lang, squeeze(p.left)), (p.right_lang, squeeze(p.right))))


def test_splits_leak_nothing_and_pairs_teach_something(result):
    pairs = list(read_rows(result.path('pairs.jsonl'), SynonymPair))
    assert len(pairs) > 200 and {p.split for p in pairs} == {'train', 'dev', 'test'}
    parts = {split: set() for split in ('train', 'dev', 'test')}
    for p in pairs:
        parts[p.split] |= sides(p)
    assert not parts['train'] & parts['dev']
    assert not parts['train'] & parts['test']
    assert not parts['dev'] & parts['test']
    keys = Counter(sides(p) for p in pairs)
    assert max(keys.values()) == 1 and all(len(key) == 2 for key in keys)
    for p in pairs:
        assert '\ufffd' not in p.left + p.right and not same_spelling(p.left, p.right)
        assert p.left.strip() and p.right.strip()


def test_same_bytes_for_the_same_seed(home, result):
    def hashes(folder):
        return {
            p.name: hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.iterdir())
            if p.name != 'manifest.json'
        }

    assert hashes(result.folder) == hashes(built(home, 'b').folder)


def test_the_order_of_links_does_not_matter(home):
    links = list(read_rows(home / 'wiki/links.jsonl.gz', TitleLink))

    def found(rows):
        return sorted(gather(link_evidence(rows, Counter()), Counter()), key=str)

    once = found(links)
    random.Random(1).shuffle(links)
    assert len(once) > 300 and found(links) == once


def test_no_negative_is_a_synonym_by_any_source(result):
    synonyms = {
        frozenset((squeeze(row['left']), squeeze(row['right'])))
        for _, row in read_json_lines(result.path('evidence.jsonl.gz'))
    }
    rows = []
    for field in ('legal', 'medical', 'general'):
        rows += [row for _, row in read_json_lines(result.path(f'triplets_{field}.jsonl'))]
    assert len(rows) > 50
    for row in rows:
        anchor, positive, negative = (squeeze(row[name]) for name in ('anchor', 'positive', 'negative'))
        assert frozenset((anchor, negative)) not in synonyms
        assert frozenset((positive, negative)) not in synonyms
        assert negative not in (anchor, positive)


def test_a_hub_with_thousands_of_partners_is_counted_and_gone():
    refused = Counter()
    hub = [Evidence('목록', f'thing {n}', 'ko', 'en', 'dictionary', 0.9) for n in range(3000)]
    kept = list(gather([*hub, Evidence('당뇨병', 'diabetes', 'ko', 'en', 'dictionary', 0.9)], refused))
    assert [c.left for c in kept] == ['당뇨병'] and refused == Counter({'hub with more than 30 partners': 1})


def test_every_circle_of_redirects_ends():
    for size in (1, 2, 3, 7, 50):
        ring = [
            TitleLink(f'고리{n}고리', f'고리{(n + 1) % size}고리', 'redirect', 'ko', 'ko')
            for n in range(size)
        ]
        tail = [
            TitleLink(f'꼬리{n}꼬리', f'꼬리{n + 1}꼬리' if n < 30 else '고리0고리', 'redirect', 'ko', 'ko')
            for n in range(31)
        ]
        refused = Counter()
        assert list(link_evidence(ring + tail, refused)) == [] or size == 1
        assert refused['redirect: to itself' if size == 1 else 'redirect: circle'] >= size


def test_random_pairs_split_whole_components():
    rng = random.Random(3)
    for _ in range(30):
        pairs = [
            SynonymPair(
                f'말{rng.randrange(60)}', f'w{rng.randrange(60)}', 'ko', 'en', 'x', rng.uniform(0.1, 1)
            )
            for _ in range(rng.randint(1, 60))
        ]
        where, parent = splits(ends(pairs), 0.6, rng.randrange(9)), {}
        for p, w in zip(pairs, where):
            assert parent.setdefault(p.left, w) == w and parent.setdefault(p.right, w) == w


def test_nothing_to_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    source = tmp_path / 'wiki'
    source.mkdir()
    write_rows(source / 'links.jsonl', [])
    write_rows(source / 'articles.jsonl', [])
    with pytest.raises(DataError, match='gave no synonym pair'):
        build(SynonymConfig(run='t', wikipedia=str(source)))
    write_rows(source / 'links.jsonl', [TitleLink('가나', '다라', 'redirect', 'ko', 'ko')])
    with pytest.raises(DataError, match='lower the parameter `min_score`'):
        build(SynonymConfig(run='t', wikipedia=str(source), min_score=0.95))
    (tmp_path / 'bad.json').write_text('{"당뇨병": 3}', encoding='utf-8')
    with pytest.raises(DataError, match='bad.json.당뇨병: 3'):
        build(SynonymConfig(run='t', wikipedia=str(source), dictionary=str(tmp_path / 'bad.json')))
    assert not list((tmp_path / 'outputs').rglob('pairs*'))


def test_a_dictionary_and_clusters_join_the_pairs(home):
    (home / 'enhanced_synonyms.json').write_text(
        json.dumps(
            {'전고체 전지': {'english': 'solid-state battery', 'synonyms': ['전고체 배터리']}},
            ensure_ascii=False,
        ),
        encoding='utf-8',
    )
    write_rows(
        home / 'clusters.jsonl', [SynonymPair('전고체 전지', '전고체 배터리', 'ko', 'ko', 'kmeans', 0.9)]
    )
    result = built(
        home, 'c', dictionary=str(home / 'enhanced_synonyms.json'), clusters=str(home / 'clusters.jsonl')
    )
    sources = {
        frozenset((p.left, p.right)): p.source for p in read_rows(result.path('pairs.jsonl'), SynonymPair)
    }
    assert sources[frozenset(('전고체 전지', 'solid-state battery'))] == 'dictionary'
    assert sources[frozenset(('전고체 전지', '전고체 배터리'))] == 'cluster,dictionary'
    rows = json.loads(result.path('combined_synonyms.json').read_text(encoding='utf-8'))
    assert ('전고체 전지', 'solid-state battery') in [(row.get('korean'), row.get('english')) for row in rows]


def test_distance_is_a_metric_on_short_words():
    rng = random.Random(5)

    def slow(a, b):
        table = {(i, j): i + j for i in range(len(a) + 1) for j in range(len(b) + 1) if not i or not j}
        for i in range(1, len(a) + 1):
            for j in range(1, len(b) + 1):
                table[i, j] = min(
                    table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
                )
                if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                    table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
        return table[len(a), len(b)]

    for _ in range(2000):
        a, b = (''.join(rng.choices('abc', k=rng.randint(0, 6))) for _ in 'xy')
        assert distance(a, b, 6) == slow(a, b)
        assert distance(a, b, 1) == min(slow(a, b), 2)
