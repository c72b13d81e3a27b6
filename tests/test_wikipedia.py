"""Stage 01 against what real dumps do to it: damage anywhere, kills at any moment, any number of processes, a
full disk."""

import bz2
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import mwparserfromhell
import mwxml
import pytest

from korean_sparse.core.files import read_rows
from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.rows import Article, DataError, TitleLink
from korean_sparse.wiki.articles import Filter, examine
from korean_sparse.wiki.dumps import TABLES, iter_pages, pages_in, read_sql
from korean_sparse.wiki.markup import clean
from korean_sparse.wikipedia import WikipediaConfig, build

WIKI = Path(__file__).parents[1] / 'data' / 'sample' / 'wiki'
DUMPS = {lang: WIKI / f'{lang}wiki-sample-pages-articles.xml.bz2' for lang in ('ko', 'en')}
ROWS = ('articles.jsonl.gz', 'passages.jsonl.gz', 'links.jsonl.gz')


@pytest.fixture(autouse=True)
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv('KOREAN_SPARSE_OUTPUTS', str(tmp_path / 'outputs'))
    return tmp_path / 'outputs'


def copies(folder: Path, times: int, multistream: bool = False) -> Path:
    """The Korean sample `times` over, as a dump of its own with its tables.

    In one bz2 stream, or in streams of 50 pages with an index."""
    xml = bz2.open(DUMPS['ko']).read()
    head, tail = xml[: xml.index(b'<page>')], b'</mediawiki>\n'
    pages = re.findall(rb'<page>.*?</page>\n?', xml, re.S)
    many = [p.replace(b'<id>', b'<id>%d' % k, 1) if k else p for k in range(times) for p in pages]
    stem = folder / 'kowiki-20240101'
    for t in TABLES:
        (folder / f'{stem.name}-{t}.sql.gz').write_bytes((WIKI / f'kowiki-sample-{t}.sql.gz').read_bytes())
    if not multistream:
        path = folder / f'{stem.name}-pages-articles.xml.bz2'
        path.write_bytes(bz2.compress(head + b''.join(many) + tail))
        return path
    path = folder / f'{stem.name}-pages-articles-multistream.xml.bz2'
    whole, index = bytearray(bz2.compress(head)), []
    for i in range(0, len(many), 50):
        index.append(f'{len(whole)}:{i}:x')
        whole += bz2.compress(b''.join(many[i : i + 50]))
    path.write_bytes(whole + bz2.compress(tail))
    (folder / f'{stem.name}-pages-articles-multistream-index.txt.bz2').write_bytes(
        bz2.compress('\n'.join(index).encode())
    )
    return path


def content(result) -> dict[str, bytes]:
    return {n: result.path(n).read_bytes() for n in ROWS}


def unpacked(result) -> dict[str, bytes]:
    return {n: gzip.decompress(data) for n, data in content(result).items()}


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_pages_are_those_of_mwxml(lang):
    "Our block reader against the library that knows the format best."
    expected = []
    with bz2.open(DUMPS[lang]) as f:
        for page in mwxml.Dump.from_file(f):
            *_, revision = page
            day = revision.timestamp.long_format()[:10]
            expected.append((page.id, page.namespace, page.title, revision.text or '', day))
    assert [(p.id, p.ns, p.title, p.text, p.date) for p in iter_pages(DUMPS[lang], lang)] == expected


APPENDIX = re.compile(
    r'\n==\s*(?:References|See also|External links|Further reading|Notes'
    r'|각주|같이 보기|외부 링크|참고 문헌|참고 자료)\s*=='
)
LEFT_OUT = re.compile(
    r'<ref[^>]*/>|<ref.*?</ref>|<gallery.*?</gallery>|<math>.*?</math>|\{\|.*?\n\|\}'
    r'|\[\[(?:파일|File|분류|Category):(?:[^\[\]]|\[\[[^\[\]]*\]\])*\]\]',
    re.S,
)


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_words_are_those_of_a_full_parser(lang):
    """Outside of what we leave out on purpose, hardly a word of mwparserfromhell's plain text is missing.

    And hardly one is added."""
    missing = added = total = 0
    for page in iter_pages(DUMPS[lang], lang):
        if examine(page, lang)[0] is None:
            continue
        ours = Counter(re.findall(r'\w+', clean(page.text, lang, page.title)[0]))
        body = LEFT_OUT.sub(' ', APPENDIX.split(page.text)[0])
        theirs = Counter(re.findall(r'\w+', mwparserfromhell.parse(body).strip_code()))
        missing += sum((theirs - ours).values())
        added += sum((ours - theirs).values())
        total += sum(theirs.values())
    assert total > 10_000
    assert missing < 0.01 * total, (missing, total)
    assert added < 0.06 * total, (added, total)  # what is added stood in templates


def test_any_number_of_processes_writes_the_same_bytes(tmp_path):
    (tmp_path / 'single').mkdir()
    (tmp_path / 'multi').mkdir()
    single, multi = copies(tmp_path / 'single', 40), copies(tmp_path / 'multi', 40, multistream=True)
    assert single.stat().st_size > 1 << 20, 'too small for several blocks'
    one = build(WikipediaConfig('one', str(single), '', processes=1))
    assert one.manifest['counts']['articles'] == 40 * 120
    assert not [name for name in one.manifest['counts'] if name.startswith('problem')]
    assert content(build(WikipediaConfig('three', str(single), '', processes=3))) == content(one)
    assert unpacked(build(WikipediaConfig('multi', str(multi), '', processes=2))) == unpacked(one)
    some = build(WikipediaConfig('some', str(multi), '', processes=2, max_articles=1000))
    assert some.manifest['counts']['articles'] == 1000
    assert unpacked(one)['articles.jsonl.gz'].startswith(unpacked(some)['articles.jsonl.gz'])


@pytest.mark.parametrize('processes', [1, 2])
def test_kill_at_any_moment_and_run_again(tmp_path, processes):
    dump = copies(tmp_path, 40, multistream=processes == 2)
    expected = content(build(WikipediaConfig('calm', str(dump), '', processes=processes)))
    code = (
        'from korean_sparse.wikipedia import *\n'
        f'build(WikipediaConfig("wild", {str(dump)!r}, "", processes={processes}))'
    )
    rng, kills = random.Random(processes), 0
    work = tmp_path / 'outputs' / 'wild'

    def finished_blocks():
        return len(list(work.glob('.01_wikipedia.work-*/*.json')))

    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, '-c', code], stderr=subprocess.DEVNULL, start_new_session=True
        )
        finished = finished_blocks()
        until = time.time() + 60
        while time.time() < until and child.poll() is None and finished_blocks() < finished + 1:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.4)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
        assert (work / '01_wikipedia').exists() == (child.returncode == 0)
    assert kills >= 1
    assert content(build(WikipediaConfig('wild', str(dump), '', processes=processes))) == expected
    assert [p.name for p in work.iterdir() if not p.name.endswith('.lock')] == ['01_wikipedia']


def test_a_killed_worker_is_named(tmp_path):
    dump = copies(tmp_path, 40, multistream=True)
    code = (
        'import os, signal, korean_sparse.wikipedia as w\n'
        'parent, real = os.getpid(), w.examine\n'
        'def kill(page, *rest):\n'
        '    if os.getpid() != parent and page.title == "두부":\n'
        '        os.kill(os.getpid(), signal.SIGKILL)\n'
        '    return real(page, *rest)\n'
        'w.examine = kill\n'
        f'w.build(w.WikipediaConfig("x", {str(dump)!r}, "", processes=2))'
    )
    child = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert 'was killed (out of memory?); run again to go on' in child.stderr
    assert not (tmp_path / 'outputs' / 'x' / '01_wikipedia').exists()


def test_a_full_disk_is_named(tmp_path):
    code = (
        'import resource, signal\n'
        'from korean_sparse.wikipedia import *\n'
        'signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n'
        f'build(WikipediaConfig("x", {str(DUMPS["ko"])!r}, ""))'
    )
    child = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    named = r'DataError: 01_wikipedia: .* cannot be written any further \(File too large'
    assert child.returncode and re.search(named, child.stderr), child.stderr[-500:]
    assert not (tmp_path / 'outputs' / 'x' / '01_wikipedia').exists()
    assert not list((tmp_path / 'outputs').rglob('*.articles.jsonl.gz'))


@pytest.mark.parametrize('ending', ['jsonl.gz', 'jsonl.zst', 'parquet'])
def test_datasets_reads_what_we_write(tmp_path, ending):
    datasets = pytest.importorskip('datasets')
    result = build(WikipediaConfig('d', str(DUMPS['ko']), '', format=ending))
    for name, column in (('articles', 'title'), ('passages', 'section'), ('links', 'target')):
        found = datasets.load_dataset(
            'parquet' if ending == 'parquet' else 'json',
            data_files=str(result.path(f'{name}.{ending}')),
            split='train',
            cache_dir=str(tmp_path / 'cache'),
        )
        assert len(found) == result.manifest['counts'][name] and column in found.column_names


def test_damage_is_counted_and_the_rest_is_kept(tmp_path):
    def counts(run):
        return build(WikipediaConfig(run, str(dump), '')).manifest['counts']

    dump = copies(tmp_path, 20, multistream=True)
    whole = counts('whole')
    raw = bytearray(dump.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 50] = bytes(50)
    dump.write_bytes(raw)
    damaged = build(WikipediaConfig('damaged', str(dump), ''))
    most = damaged.manifest['counts']
    assert most['problem_damaged_stream'] == 1
    assert 0.9 * whole['articles'] < most['articles'] < whole['articles']
    assert 'damaged stream' in json.loads(damaged.path('problems.json').read_text())['counts']
    dump.write_bytes(raw[: len(raw) * 3 // 4])
    short = counts('short')
    assert (short['problem_truncated_file'], short['problem_damaged_stream']) == (1, 2)
    assert 0.6 * whole['articles'] < short['articles'] < most['articles']
    with pytest.raises(DataError, match='it is truncated, or the index is of another dump'):
        build(WikipediaConfig('strict', str(dump), '', strict=True))
    (tmp_path / 'kowiki-20240101-pages-articles-multistream-index.txt.bz2').unlink()
    cut = counts('cut')  # without index it is read up to the damage
    assert 0 < cut['articles'] < most['articles']
    assert cut['problem_damaged_file'] == 1
    with pytest.raises(DataError, match='damaged'):
        build(WikipediaConfig('strict', str(dump), '', strict=True))


def test_a_page_of_five_megabytes_and_an_empty_dump(tmp_path):
    for t in TABLES:
        (tmp_path / f'kowiki-1-{t}.sql.gz').write_bytes((WIKI / f'kowiki-sample-{t}.sql.gz').read_bytes())
    dump = tmp_path / 'kowiki-1-pages-articles.xml'

    def write(*texts):
        pages = [
            f'<page><title>글 "{i}" \\ \'</title><ns>0</ns><id>{i}</id>'
            f'<revision><text>{text}</text></revision></page>'
            for i, text in enumerate(texts)
        ]
        dump.write_text('<mediawiki xml:lang="ko">' + ''.join(pages) + '</mediawiki>')

    big = "'''큰 글'''은 [[아주]] {{nowrap|큰}} 글이다. {{열린 틀|\n" * 100_000
    write(big, '작은 글은 작다. ' * 20)
    assert dump.stat().st_size > 5 << 20
    start = time.time()
    result = build(WikipediaConfig('big', str(dump), ''))
    assert time.time() - start < 60
    titles = [article.title for article in read_rows(result.path('articles.jsonl.gz'), Article)]
    assert titles == ['글 "0" \\ \'', '글 "1" \\ \'']
    write()
    with pytest.raises(DataError, match='none of 0 pages was kept'):
        build(WikipediaConfig('empty', str(dump), ''))


MARKS = b"""
{{ }} [[ ]] <ref> </ref> {| |} <!-- <page> </page> </text> &#0; \xff ''' <nowiki> == | &lt;math&gt;
""".split()


def mutate(data: bytes, rng: random.Random) -> bytes:
    "Flip bits, cut, double, swap tags: one to four times."
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, n, kind = rng.randrange(len(out)), rng.randint(1, 200), rng.randrange(6)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at : at + n]
        elif kind == 2:
            out[at:at] = out[at : at + n]
        elif kind == 3:
            out[at:at] = rng.choice(MARKS)
        elif kind == 4:
            tags = [m.span() for m in re.finditer(rb'</?\w+>|\{\{|\}\}|\[\[|\]\]', out)]
            if len(tags) > 1:
                (a, b), (c, d) = sorted(rng.sample(tags, 2))
                out[a:d] = out[c:d] + out[b:c] + out[a:b]
        elif len(out) > 10:
            del out[len(out) - rng.randrange(len(out) // 2) :]
        if not out:
            return b' '
    return bytes(out)


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_fuzzed_pages(lang):
    "Three thousand mutated pages: counted or read, in reasonable time, never an unnamed exception."
    rng, xml = random.Random(7), bz2.open(DUMPS[lang]).read()
    elements = re.findall(rb'<page>.*?</page>', xml, re.S)
    long = [e for e in elements if len(e) > 1500]
    seen, problems = 0, LeftOut()
    for _ in range(1500):
        spoilt = mutate(rng.choice(long) + rng.choice(elements), rng)
        block = b'<mediawiki xml:lang="%s">' % lang.encode() + spoilt
        start = time.perf_counter()
        for page in pages_in(block, lang, 'fuzz', problems):
            article, reason = examine(page, lang, Filter(1), problems)
            seen += 1
            assert (article is None) != (reason is None)
            if article:
                assert not re.search('[\0-\x08]', article.text)
        assert time.perf_counter() - start < 2
    assert seen > 700
    assert problems.counts['cut page'] + problems.counts['broken page'] > 100, str(problems)
    assert not problems.counts['unreadable markup'], str(problems)


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_fuzzed_markup(lang):
    "Two thousand pages of mutated markup give prose without marks of ours, in reasonable time."
    rng, texts = random.Random(5), [p.text for p in iter_pages(DUMPS[lang], lang) if len(p.text) > 1000]
    for _ in range(2000):
        markup = rng.choice(texts).encode()
        for _ in range(rng.randint(1, 4)):
            markup = mutate(markup, rng)
        start = time.perf_counter()
        text, links = clean(markup.decode('utf-8', 'replace'), lang)
        assert time.perf_counter() - start < 1, markup
        assert not re.search('[\0-\x08]', text + ''.join(a + t for a, t in links)), markup
        assert all(a and t for a, t in links)


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_fuzzed_files(lang, tmp_path):
    "Whole runs on mutated dumps and tables: a result that is whole, or a named error and no result."
    rng, done, refused = random.Random(11), 0, 0
    tables = {t: (WIKI / f'{lang}wiki-sample-{t}.sql.gz').read_bytes() for t in TABLES}
    head = bz2.open(DUMPS[lang]).read()[:120_000]
    whole = re.findall(rb'\A.*?<page>|(?<=<page>).*?</page>\n|<page>', head, re.S)
    xml = b''.join(whole) + b'</mediawiki>'
    for i in range(60):
        dump = tmp_path / f'{lang}wiki-{i}-pages-articles.xml{"" if i % 3 else ".bz2"}'
        data = mutate(xml, rng) if i % 2 else xml
        if i % 3 == 0:
            data = bz2.compress(data)
        dump.write_bytes(data if i % 2 else mutate(data, rng))
        for t, packed in tables.items():
            text = gzip.decompress(packed)
            spoilt = gzip.compress(mutate(text, rng)) if i % 4 else mutate(packed, rng)
            (tmp_path / f'{lang}wiki-{i}-{t}.sql.gz').write_bytes(spoilt)
        other = 'en' if lang == 'ko' else 'ko'
        cfg = WikipediaConfig(f'run{i}', **{f'{lang}_dump': str(dump), f'{other}_dump': ''})
        folder = tmp_path / 'outputs' / f'run{i}' / '01_wikipedia'
        try:
            result = build(cfg)
        except DataError:
            refused += 1
            assert not folder.exists()
            continue
        done += 1
        counts = result.manifest['counts']
        assert counts['articles'] == len(list(read_rows(folder / 'articles.jsonl.gz', Article)))
        assert counts['links'] == len(list(read_rows(folder / 'links.jsonl.gz', TitleLink)))
    assert done > 20 and refused > 0, (done, refused)


@pytest.mark.skipif(not os.path.exists('/proc/self/status'), reason='peak memory is read from /proc')
def test_memory_does_not_grow_with_the_dump(tmp_path):
    "Resident memory of a whole run, in a process of its own, for a dump and for one of ten times its size."

    def peak(times):
        folder = tmp_path / str(times)
        folder.mkdir()
        code = (
            'import re, resource\n'
            'from korean_sparse.wikipedia import *\n'
            f'build(WikipediaConfig("m{times}", {str(copies(folder, times))!r}, "", processes=2))\n'
            'print(re.search("VmHWM:.*?([0-9]+)", open("/proc/self/status").read())[1])\n'
            'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'
        )
        run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
        return max(map(int, run.stdout.split()[-2:])) // 1024

    small, large = peak(20), peak(200)
    assert large < small + 50 and large < 600, (small, large)


def test_a_table_of_long_lines(tmp_path):
    """Rows behind escapes, over many lines of a hundred kilobytes and more.

    Two million rows: benchmarks/wikipedia_tables.py."""
    path = tmp_path / 'page.sql.gz'
    row = "(%d,0,'제목_%d_it\\'s',0,0,0.5,'20240101000000',NULL,1,2,'wikitext',NULL)"
    with gzip.open(path, 'wt', encoding='utf-8', compresslevel=1) as f:
        names = 'page_id page_namespace page_title a b c d e f g h i'.split()
        definition = ''.join(f'  `{name}` int,\n' for name in names)
        f.write(f'CREATE TABLE `page` (\n{definition}) ENGINE=InnoDB;\n')
        for k in range(20):
            rows = ','.join(row % (k * 10_000 + i, i) for i in range(10_000))
            f.write(f'INSERT INTO `page` VALUES {rows};\n')
    assert sum(1 for _ in read_sql(path, 'page_id', 'page_title')) == 200_000
    assert next(read_sql(path, 'page_id', 'page_title')) == (0, "제목_0_it's")
