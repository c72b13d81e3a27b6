"""Pages are read as their readers see them: the same anchors and words as a renderer makes, nothing hidden, and
no file of a folder, however broken or hostile, stops the reading of the others."""

import os
import random
import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from conftest import ROOT
from office_files import hangul_paragraph, hangul_table, write_docx, write_hwpx, write_pdf

from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.rows import DataError
from korean_sparse.pages import (
    READERS,
    Page,
    html_page,
    markdown_page,
    read_docx,
    read_hwpx,
    read_pages,
    read_pdf,
)

DOCS = [*sorted((ROOT / 'docs').rglob('*.md')), *sorted(ROOT.glob('*.md')), ROOT / 'benchmarks/README.md']


def words(text: str) -> list[str]:
    return re.findall(r'\w+', text)


# Markdown


@pytest.mark.parametrize('style', ['unicode', 'pymdownx', 'ascii'])
def test_anchors_are_those_of_mkdocs(style):
    markdown = pytest.importorskip('markdown')
    from markdown.extensions.toc import slugify, slugify_unicode

    pymdownx = pytest.importorskip('pymdownx.slugs').slugify(case='lower')

    extensions = ['tables', 'attr_list', 'fenced_code', 'admonition', 'footnotes', 'md_in_html', 'toc']
    slugs = {'unicode': slugify_unicode, 'pymdownx': pymdownx, 'ascii': slugify}
    settings = {'toc': {'slugify': slugs[style]}}
    odd = '# 가\n\n# 가\n\n# 가\n\n## 가_1\n\n# `코드` **굵게** [말](x.md)\n\n# ?!\n\n# ?!\n\n둘\n--\n\n# A {#a-b}\n\n# a b\n\n# C++ & C#\n'
    odd += unicodedata.normalize('NFD', '# 설치 방법\n')  # as a Mac writes names
    compared = 0
    for text in [odd, *(path.read_text(encoding='utf-8') for path in DOCS)]:
        rendered = markdown.markdown(text, extensions=extensions, extension_configs=settings)
        theirs = re.findall(r'<h[1-6] id="([^"]*)"', rendered)
        assert [s.anchor for s in markdown_page(text, anchors=style).sections if s.anchor] == theirs
        compared += len(theirs)
    assert compared > 150


def test_words_are_those_that_a_renderer_shows():
    markdown = pytest.importorskip('markdown')
    for path in DOCS:
        text = path.read_text(encoding='utf-8')
        rendered = html_page(
            markdown.markdown(text, extensions=['tables', 'fenced_code', 'attr_list', 'toc'])
        )
        ours, theirs = set(words(markdown_page(text).text)), set(words(rendered.text))
        numbers = {
            word for word in ours - theirs if word.isdigit()
        }  # of lists: a renderer counts them itself
        assert len((ours ^ theirs) - numbers) <= 2, (path, sorted(ours ^ theirs)[:10])


def test_anchors_of_github():
    text = '# 한글 제목 (Hangul)!\n# C++ & C#:\n# a_b-C\n# 😀 웃음\n# 가\n# 가\n# 가\n'
    anchors = [s.anchor for s in markdown_page(text, anchors='github').sections]
    assert anchors == ['한글-제목-hangul', 'c--c', 'a_b-c', '-웃음', '가', '가-1', '가-2']


def test_what_only_looks_like_a_heading_is_none():
    text = '```\n# 하나\n```\n\n    # 둘\n\n<!--\n# 셋\n-->\n\n`# 넷`\n\n~~~~\n~~~\n# 다섯\n~~~~\n\n<pre>\n여섯\n===\n</pre>\n\n# 참'
    page = markdown_page(text, 'a.md')
    assert [s.title for s in page.sections] == ['', '참']
    for kept in ('하나', '둘', '넷', '다섯', '여섯'):
        assert kept in page.sections[0].text
    assert '셋' not in page.text


def test_no_text_is_too_odd_and_none_takes_long():
    dice = random.Random(7)
    pieces = [
        '# ',
        '## ',
        '```',
        '~~~',
        '<!--',
        '-->',
        '---',
        '===',
        '|',
        '\n',
        '\n\n',
        '> ',
        '- ',
        '1. ',
        '[',
        '](',
        ')',
        '![',
        '`',
    ]
    pieces += [
        '**',
        '__',
        '~~',
        '==',
        '{#',
        '}',
        '<b',
        '>',
        '</pre>',
        '<pre>',
        '<script',
        '\\',
        '&amp;',
        '\0',
        '가나',
        'a b',
        ' ',
        '\t',
        ':',
    ]
    for _ in range(2500):
        page = markdown_page(''.join(dice.choices(pieces, k=40)), 'x.md')
        anchors = [s.anchor for s in page.sections if s.anchor]
        assert page.title and len(anchors) == len(set(anchors))
    start = time.perf_counter()
    for hard in (
        '[' * 50_000,
        '*a ' * 50_000,
        '<!--\n' * 20_000,
        '<!-- ' * 20_000,
        '`' * 50_000,
        '![a](' * 20_000,
        '# a\n' * 20_000,
        '| a ' * 20_000,
    ):
        markdown_page(hard)
    assert time.perf_counter() - start < 30


# HTML


SITE = """<!DOCTYPE html><html lang="ko-KR"><head><meta charset="{charset}"><title>요금 | 수도 사업소</title></head><body>
<a class="skip" href="#main">본문으로</a><header><h1>수도 사업소</h1></header><nav><ul><li>메뉴<li>찾기</ul></nav>
<div role="main"><h1 id="fee">요금</h1><p>두 달에 한 번 낸다.</p><div style="DISPLAY:NONE">숨김</div>
<template><p>틀</p></template><section id="late"><h2>늦으면<a class="headerlink" href="#late">¶</a></h2>
<p aria-hidden="true">장식</p><p>3&#37;를 더 낸다.</section><dialog>창</dialog><noscript>스크립트</noscript></div>
<aside>광고</aside><footer>주소</footer></body></html>"""


@pytest.mark.parametrize(
    'charset, encoding', [('utf-8', 'utf-8'), ('euc-kr', 'cp949'), ('euc-kr', 'utf-8'), ('utf-8', 'utf-16')]
)
def test_a_page_of_a_site_in_any_encoding(charset, encoding):
    page = html_page(SITE.format(charset=charset).encode(encoding), 'fee.html')
    assert (page.title, page.lang) == ('요금', 'ko-KR')
    assert [(s.title, s.anchor, s.text) for s in page.sections] == [
        ('요금', 'fee', '두 달에 한 번 낸다.'),
        ('늦으면', 'late', '3%를 더 낸다.'),
    ]


def test_a_page_cut_anywhere_and_random_tags_are_read():
    raw = SITE.format(charset='euc-kr').encode('cp949')
    for n in range(len(raw)):
        assert html_page(raw[:n], 'cut.html').title
    dice = random.Random(3)
    for _ in range(1000):
        html_page(bytes(dice.choices(b'<>/!-"=&#;[]?', k=30)) + bytes(dice.choices(range(256), k=20)))


def test_a_thousand_elements_in_one_another_are_read_in_time():
    start = time.perf_counter()
    page = html_page('<div>' * 30_000 + '<h2 id="x">속</h2>' + '</div>' * 30_000)
    assert page.sections[0].anchor == 'x' and time.perf_counter() - start < 10


# Office


def test_a_word_document_is_read_whole(tmp_path):
    pytest.importorskip('docx')
    page = read_docx(write_docx(tmp_path / 'trip.docx'))
    assert page.title == '출장 규정'
    lodging = [
        '하루에 십만 원까지 낸다.',
        '서식 칸의 글',
        '상자 앞',
        '글상자',
        '직급, 금액',
        '부장, 국내, 국외',
    ]
    assert page.sections[1].title == '숙박비' and page.sections[1].text.split('\n') == lodging
    assert (page.sections[2].title, page.sections[2].text) == ('식비', '영수증을 낸다.')


def test_a_hangul_document_is_read_in_the_order_of_its_sections(tmp_path):
    bodies = [hangul_paragraph(f'{n}째 절이다.') for n in range(12)]  # section10 comes behind section2
    bodies[0] = hangul_paragraph('예산', shape=1) + hangul_table([['연도', '금액'], ['2024', '3억 & 2천']])
    bodies[1] = hangul_paragraph('세부', style=2) + bodies[1]
    page = read_hwpx(write_hwpx(tmp_path / 'plan.hwpx', *bodies, title='사업 계획.hwpx'))
    assert (page.title, page.lang) == ('사업 계획', 'ko')
    assert [s.title for s in page.sections] == ['예산', '세부']
    assert page.sections[0].text == '연도, 금액\n2024, 3억 & 2천'
    assert page.sections[1].text.split('\n') == [f'{n}째 절이다.' for n in range(1, 12)]


@pytest.mark.parametrize(
    'part, text, reason',
    [
        (
            'section0.xml',
            '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            'declares a document type',
        ),
        (
            'section0.xml',
            '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>',
            'declares a document type',
        ),
        ('header.xml', '<!DOCTYPE a><a/>', 'declares a document type'),
        ('section0.xml', '<a', 'not well-formed'),
        ('section0.xml', ' ' * 17_000_000, 'a zip bomb'),
        ('../section0.xml', 'x', 'leave the folder'),
    ],
)
def test_hostile_hangul_documents_are_refused(tmp_path, part, text, reason):
    path = write_hwpx(tmp_path / 'x.hwpx', hangul_paragraph('글'), **{f'Contents/{part}': text})
    with pytest.raises(DataError, match=reason):
        read_hwpx(path)


def test_korean_in_a_pdf(tmp_path):
    pytest.importorskip('pypdf')
    pages = [['연차는 입사한 날부터 한 해에 열닷새를 주고', '쓰지 않으면 사라진다.'], ['끝.']]
    page = read_pdf(write_pdf(tmp_path / 'holiday.pdf', pages, title='휴가 규정'))
    assert (page.title, page.lang) == ('휴가 규정', 'ko')
    assert [(s.anchor, s.text) for s in page.sections] == [
        ('page=1', '연차는 입사한 날부터 한 해에 열닷새를 주고 쓰지 않으면 사라진다.'),
        ('page=2', '끝.'),
    ]
    with pytest.raises(DataError, match='needs OCR'):
        read_pdf(write_pdf(tmp_path / 'odd.pdf', pages, mapped=False))


def test_a_locked_pdf_says_so(tmp_path):
    pypdf = pytest.importorskip('pypdf')
    writer = pypdf.PdfWriter(clone_from=write_pdf(tmp_path / 'a.pdf', [['비밀']]))
    writer.encrypt('열쇠', algorithm='RC4-128')
    writer.write(tmp_path / 'locked.pdf')
    with pytest.raises(DataError, match='encrypted by a password'):
        read_pdf(tmp_path / 'locked.pdf')


@pytest.mark.parametrize('kind', ['docx', 'hwpx', 'pdf'])
def test_damaged_office_files_raise_nothing_but_data_errors(tmp_path, kind):
    path = tmp_path / f'x.{kind}'
    if kind != 'hwpx':
        pytest.importorskip('docx' if kind == 'docx' else 'pypdf')
    whole = {
        'docx': lambda: write_docx(path),
        'hwpx': lambda: write_hwpx(path, hangul_paragraph('글이다.') * 50),
        'pdf': lambda: write_pdf(path, [['글이다.']]),
    }[kind]().read_bytes()
    dice, refused = random.Random(11), 0
    for n in range(60):
        damaged = bytearray(whole)
        if n % 2:
            del damaged[dice.randrange(len(whole)) :]
        else:
            for _ in range(20):
                damaged[dice.randrange(len(whole))] = dice.randrange(256)
        path.write_bytes(damaged)
        try:
            assert isinstance(READERS[f'.{kind}'](path), Page)
        except DataError as e:
            refused += 1
            assert str(e).startswith(str(path))
    assert refused > 20


# A folder


def test_everything_that_lies_in_a_folder(tmp_path):
    folder = tmp_path / 'docs'
    (folder / '나 라').mkdir(parents=True)
    (folder / '.venv').mkdir()
    (folder / '.venv/hidden.md').write_text('# 숨김')
    (folder / '나 라/다.md').write_text('# 다\n\n글', encoding='utf-8')
    (folder / 'b.HTML').write_text('<title>B</title><p>글')
    (folder / 'a.txt').write_bytes('제목\n\n완성형'.encode('cp949'))
    write_hwpx(folder / 'c.hwpx', hangul_paragraph('한글 문서'))
    (folder / 'noise.txt').write_bytes(bytes(range(128, 256)))
    (folder / 'broken.hwpx').write_bytes(b'PK\3\4')
    (folder / 'logo.png').write_bytes(b'\x89PNG')
    (folder / 'Makefile').write_text('all:')
    (folder / 'blank.md').write_text('\n')
    (folder / 'large.txt').write_bytes(b'a' * 5001)
    os.mkfifo(folder / 'pipe.txt')  # reading it would never end
    (folder / 'loop.md').symlink_to(folder / 'loop.md')
    (folder / 'gone.md').symlink_to(folder / 'nothing.md')
    (folder / 'up').symlink_to(tmp_path)
    (folder / 'inside').symlink_to(folder / '나 라')
    (folder / 'same.txt').symlink_to(folder / 'a.txt')
    (tmp_path / 'secret.txt').write_text('비밀')
    (folder / 'secret.txt').symlink_to(tmp_path / 'secret.txt')
    left_out = LeftOut()
    pages = list(read_pages(folder, left_out, most_bytes=5000))
    assert [(p.id, p.title) for p in pages] == [
        ('a.txt', '제목'),
        ('b.HTML', 'B'),
        ('c.hwpx', 'c'),
        ('same.txt', '제목'),
        ('나 라/다.md', '다'),
    ]
    assert pages[-1].url == '%EB%82%98%20%EB%9D%BC/%EB%8B%A4.md'
    assert abs(pages[0].modified - time.time()) < 600
    reasons = {Path(name).name: reason for reason, names in left_out.examples.items() for name in names}
    assert sum(left_out.counts.values()) == len(reasons) == 12
    assert 'neither UTF-8 nor CP949' in reasons['noise.txt'] and 'truncated' in reasons['broken.hwpx']
    assert reasons['logo.png'] == 'no reader for .png' and 'without an ending' in reasons['Makefile']
    assert reasons['blank.md'] == 'nothing to read in it' and 'most_bytes' in reasons['large.txt']
    assert reasons['pipe.txt'] == 'neither a file nor a folder'
    assert reasons['up'] == reasons['secret.txt'] == 'a link that leaves the folder'
    assert reasons['inside'] == 'a link to a folder' and reasons['gone.md'] == 'a link that leads nowhere'


def test_the_order_is_that_of_the_names(tmp_path):
    names = [f'{a}{b}.txt' for a in 'b가a' for b in (10, 9, '나')]
    orders = []
    for n in range(3):
        folder = tmp_path / str(n)
        folder.mkdir()
        random.Random(n).shuffle(names)
        for name in names:
            (folder / name).write_text(name)
        orders.append([page.id for page in read_pages(folder)])
    assert orders[0] == orders[1] == orders[2] == sorted(names)


@pytest.fixture
def deep_folder(tmp_path):
    "A folder of 2500, each in the one before: longer than a path may be, and deeper than Python calls functions."
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for depth in range(2500):
            os.mkdir('d')
            os.chdir('d')
            if depth == 500:
                Path('a.txt').write_text('글이다.')
        os.chdir(here)
        yield tmp_path
    finally:
        os.chdir(here)
        subprocess.run(['rm', '-rf', tmp_path / 'd'], check=True)  # pytest, too, finds it too deep


def test_a_folder_a_thousand_deep(deep_folder):
    (deep_folder / 'z.txt').write_text('글이다.')
    left_out = LeftOut()
    assert [page.title for page in read_pages(deep_folder, left_out)] == ['a', 'z']
    assert 'File name too long' in str(left_out)


def test_a_name_that_is_no_text_is_read(tmp_path):
    raw = os.fsencode(tmp_path) + b'/\xb0\xa1.txt'  # in CP949, from an old zip
    try:
        Path(os.fsdecode(raw)).write_text('글이다.')
    except OSError:
        pytest.skip('this file system has no such names')
    [page] = read_pages(tmp_path)
    assert page.id == page.url == '%B0%A1.txt' and page.text.endswith('글이다.')


@pytest.mark.parametrize('kind, module', [('docx', 'docx'), ('pdf', 'pypdf')])
def test_without_the_extra_the_others_are_read(tmp_path, monkeypatch, kind, module):
    (tmp_path / f'a.{kind}').write_bytes(b'x')
    (tmp_path / 'b.txt').write_text('글이다.')
    monkeypatch.setitem(sys.modules, module, None)
    left_out = LeftOut()
    assert [page.id for page in read_pages(tmp_path, left_out)] == ['b.txt']
    assert f".{kind} needs {module}: pip install 'korean_sparse[office]'" in str(left_out)


def test_who_counts_nothing_is_warned(tmp_path, caplog):
    (tmp_path / 'a.png').write_bytes(b'x')
    assert list(read_pages(tmp_path)) == []
    assert 'no reader for .png' in caplog.text


def test_a_reader_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / 'a.rst').write_text('글이다.')
    monkeypatch.setitem(READERS, '.rst', lambda path: Page(path.name, '내 것', [], ''))
    monkeypatch.setitem(READERS, '.rst', lambda path: markdown_page(path.read_text(), path.name))
    assert [page.id for page in read_pages(tmp_path)] == ['a.rst']


def test_pages_come_one_at_a_time(tmp_path):
    for n in range(3):
        (tmp_path / f'{n}.txt').write_text('글이다.')
    pages = read_pages(tmp_path)
    next(pages)
    (tmp_path / '1.txt').unlink()  # somebody deletes it meanwhile
    assert [page.id for page in pages] == ['2.txt']


def test_our_own_pages(tmp_path):
    left_out = LeftOut()
    pages = {page.id: page for page in read_pages(ROOT / 'docs', left_out)}
    assert {reason for reason in left_out.counts} <= {
        'no reader for .png',
        'no reader for .css',
        'no reader for .svg',
    }
    for path in (ROOT / 'docs').rglob('*.md'):
        assert pages[path.relative_to(ROOT / 'docs').as_posix()].sections
