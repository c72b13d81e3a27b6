"""A Wikipedia's files, spoilt in many ways each: a value, a count or a `DataError` that names the file;
and markup of any kind in time that grows with its length."""

import bz2
import gzip
import re
import time
from pathlib import Path

import pytest
from mutate import MUTATIONS, mutations, survive

from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.rows import DataError
from korean_sparse.wiki.dumps import iter_pages, read_index, read_sql
from korean_sparse.wiki.markup import clean, is_disambiguation, is_stub, meanings, redirect_target

GOLD = Path(__file__).with_name('wikitext_gold.txt')

SQL = """-- MySQL dump 10.19
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `page`;
CREATE TABLE `page` (
  `page_id` int(8) unsigned NOT NULL AUTO_INCREMENT,
  `page_namespace` int(11) NOT NULL DEFAULT 0,
  `page_title` varbinary(255) NOT NULL DEFAULT ',)',
  `page_random` double,
  PRIMARY KEY (`page_id`),
  KEY `title` (`page_namespace`,`page_title`)
) ENGINE=InnoDB DEFAULT CHARSET=binary;
LOCK TABLES `page` WRITE;
INSERT INTO `page` VALUES (1,0,'두부',0.5),(2,0,'당뇨병_(\\'병\\')',NULL),(3,-1,'a\\\\b);',1.5e-3);
REPLACE INTO page (page_id, page_namespace, page_title) VALUES (4, 0, 'it''s'), (5, 0, _binary '배');
insert ignore into `page` values
  (6, 0, 'six', 0x41),
  (7, 0,
   'seven', -2) -- the last
;UNLOCK TABLES; INSERT INTO `page` VALUES (8,0,'eight',NULL) ON DUPLICATE KEY UPDATE page_title='x;';
"""
ROWS = [1, 2, 3, 4, 5, 6, 7, 8]

REVISION = (
    '<revision><timestamp>2024-01-02T03:04:05Z</timestamp><text xml:space="preserve">{}</text></revision>'
)

PAGES = [
    (
        '두부',
        '',
        REVISION.format(
            "'''두부'''(豆腐, {{llang|en|tofu}})는 [[콩]]으로 만든 음식이다.&lt;ref&gt;책&lt;/ref&gt;"
        ),
    ),
    ('당뇨', '<redirect title="당뇨병" />', REVISION.format('#넘겨주기 [[당뇨병]]')),
    ('AT&amp;T', '', REVISION.format('<![CDATA[A < B & <page> C]]>')),
    ('배', '', REVISION.format('옛글') + REVISION.format('{{동음이의}}\n* [[배 (과일)]]')),
]

XML = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ko">\n'
    '<siteinfo><sitename>위키백과</sitename><dbname>kowiki</dbname></siteinfo>\n'
    + ''.join(
        f'<page>\n<title>{title}</title>\n<ns>0</ns>\n<id>{i}</id>\n{redirect}{revision}\n</page>\n'
        for i, (title, redirect, revision) in enumerate(PAGES, 1)
    )
    + '</mediawiki>\n'
)


def read_pages(path: Path) -> None:
    "Counting and strictly: what is counted never raises anything but what a strict reader may raise."
    problems = LeftOut()
    try:
        pages = list(iter_pages(path, 'ko', problems))
    except DataError:
        pages = []
    strict = list(iter_pages(path, 'ko'))
    assert strict == pages and not problems.counts, str(problems)
    assert all(page.id >= 0 and page.title for page in pages)


def read_table(path: Path) -> None:
    problems = LeftOut()
    counted = list(read_sql(path, 'page_id', 'page_title', problems=problems))
    strict = list(read_sql(path, 'page_id', 'page_title'))
    assert strict == counted and not problems.counts, str(problems)


def test_what_is_spoilt_here_is_read_when_it_is_whole(tmp_path):
    (tmp_path / 'page.sql').write_text(SQL)
    assert [i for i, _ in read_sql(tmp_path / 'page.sql', 'page_id', 'page_title')] == ROWS
    (tmp_path / 'a.xml').write_text(XML)
    pages = list(iter_pages(tmp_path / 'a.xml', 'ko'))
    assert [page.title for page in pages] == ['두부', '당뇨', 'AT&T', '배']
    assert pages[2].text == 'A < B & <page> C' and pages[3].text.startswith('{{')


def test_tables(tmp_path):
    fine, refused = survive(read_table, SQL.encode(), tmp_path / 'page.sql')
    assert fine > MUTATIONS * 0.1 and refused > MUTATIONS * 0.3, (fine, refused)


def test_packed_tables(tmp_path):
    survive(read_table, gzip.compress(SQL.encode()), tmp_path / 'page.sql.gz', count=300)


def test_pages(tmp_path):
    fine, refused = survive(read_pages, XML.encode(), tmp_path / 'kowiki.xml')
    assert fine > MUTATIONS * 0.1 and refused > MUTATIONS * 0.3, (fine, refused)


@pytest.mark.parametrize('ending', ['gz', 'bz2', 'zst'])
def test_packed_pages(tmp_path, ending):
    if ending == 'zst':
        packed = pytest.importorskip('zstandard').compress(XML.encode())
    else:
        packed = {'gz': gzip, 'bz2': bz2}[ending].compress(XML.encode())
    survive(read_pages, packed, tmp_path / f'kowiki.xml.{ending}', count=300)


def test_indexes(tmp_path):
    index = '\n'.join(f'{i * 600}:{i}:글 {i}' for i in range(1, 20)).encode()
    path = tmp_path / 'index.txt.bz2'
    for spoilt in mutations(index, 300):
        path.write_bytes(bz2.compress(spoilt))
        try:
            assert read_index(path)
        except DataError as error:
            assert path.name in str(error)
    survive(read_index, bz2.compress(index), path, count=300)


def test_markup(tmp_path):
    "All snippets of the gold file at once, spoilt: prose without marks of ours."

    def read(path: Path) -> None:
        markup = path.read_text(encoding='utf-8', errors='replace')
        text, links = clean(markup, ('ko', 'en')[len(markup) % 2], '두부')
        assert not re.search('[\0-\x08]', text + ''.join(anchor + title for anchor, title in links))
        is_stub(markup), is_disambiguation(markup), meanings(markup), redirect_target(markup)

    fine, refused = survive(read, GOLD.read_bytes(), tmp_path / 'page.txt', count=1000)
    assert (fine, refused) == (1000, 0)


UNITS = [
    *(
        '[mailto:a',
        '[http://a',
        'http://a',
        ' http://.',
        '[[',
        '{{',
        '{{{a|',
        '{|\n',
        '|}\n',
        '{{(!}}',
        '{{!)}}\n',
    ),
    *(
        '<ref>',
        '<!--',
        '\n<!-- ',
        '\n<!-- a -->b',
        '<table>',
        '<span style="display:',
        '<sup>',
        '(',
        '({{x}} ',
    ),
    *(
        '({{x}}, a ',
        '{{x}}',
        "'''",
        '\n== ',
        '=',
        '\n* ',
        '&#',
        '__',
        '[[a|',
        '[[File:a|',
        '{{nowrap|',
        '{{[',
        '][',
        '\t',
    ),
    *(
        '{{nowrap|99=a}}',
        '{{lang|fr|text=',
        '{{stub|',
        'stub{{ ',
        'dab{{',
        '*\n',
        '*"',
        '#redirect ',
        ',{{x}} ,',
        '; : ',
    ),
]


@pytest.mark.parametrize(
    'read', [lambda t: clean(t, 'ko'), is_stub, is_disambiguation, meanings, redirect_target]
)
def test_time_grows_with_the_length(read):
    "A hundred kilobytes of one construct that nobody closed; what is quadratic would take minutes."
    for unit in UNITS:
        for size in (4_000, 100_000):
            start = time.process_time()
            read('stub dab' * (read in (is_stub, is_disambiguation)) + unit * (size // len(unit)))
            seconds = time.process_time() - start
            assert seconds < 2, f'{unit!r} over {size:,} characters: {seconds:.1f} s'


def test_a_table_in_which_nothing_is_closed(tmp_path):
    path = tmp_path / 'page.sql'
    head = SQL.partition('LOCK')[0]
    for line in (
        "(1,0,'a',",
        "(1,0,'a",
        '/* ',
        "'",
        '(',
        'INSERT INTO `page` ',
        "INSERT INTO `page` VALUES (1,0,'",
    ):
        for text in (line * 20_000, (line + '\n') * 5_000):
            path.write_text(head + 'INSERT INTO `page` VALUES\n' + text)
            start, problems = time.process_time(), LeftOut()
            assert list(read_sql(path, problems=problems)) == []
            assert problems.counts and time.process_time() - start < 5, line
