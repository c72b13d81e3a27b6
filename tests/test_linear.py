"""Four times the text takes four times the time, not sixteen: no function that reads foreign text has a pattern,
or a loop, whose time grows with the square of its input.

Measured is CPU time, the best of three, and only of what is slow at all: whatever reads a long evil input in a
few milliseconds is not quadratic."""

import logging
import re
import time
from pathlib import Path

import pytest

from korean_sparse.core.left_out import LeftOut
from korean_sparse.core.places import shown_url, without_secrets
from korean_sparse.core.rows import Article, DataError
from korean_sparse.text import (
    content_terms,
    date_fault,
    get_analyzer,
    is_term,
    language,
    letters,
    named_letters,
    near_identical,
    normalize,
    only_numbers,
    other_spellings,
    parse_date,
    pieces,
    read_out,
    sections,
    sentences,
    sounds,
    spelling_spans,
    squeeze,
    term_lang,
    text_hash,
    title_term,
    tokenizer_normalizer,
    without_headings,
)
from korean_sparse.text.vocabulary import cut_words
from korean_sparse.wiki import (
    clean,
    is_disambiguation,
    is_stub,
    meanings,
    passages,
    read_sql,
    redirect_target,
)
from korean_sparse.wiki.dumps import _unpack_stream, pages_in
from korean_sparse.wiki.templates import find_maker, template_name

LONG, QUICK, MOST = (
    32_000,
    0.04,
    10.0,
)  # characters; seconds; how many times as long four times the text may take

WIKI = """[mailto:a [[ [[a| [[a|b [[a]] [[:a [[#a [[ko:a [[File:a|b [[(a [[a_( [http://a [//a http://a :// // [ ]
{{ }} {{{ }}} {{a| {{a|b= {{lang|ko|a {{틀: {{template: {{formatnum:1 {{!}} {{(!}} {{1 {{convert|1| {| |} {|\\n \\n|}\\n
\\n| \\n! <ref> </ref> <ref/> <ref <nowiki> </nowiki> <!-- --> <! <table> </table> <sup> <sup>1 </sup> <math>\\\\ <math>{
<span\\sstyle="display:none"> <span\\s </span\\s display:\\s <gallery> <pre> <b> <br < > & &# &#1 &#x1 &amp; ( ) （ (\\0 )\\0
'' ''' ''''' ' \\n== \\n==\\sa \\n= = \\n; \\n* \\n# \\n: ; : \\s:\\s _ __ __T__ \\0 \\1 \\2 \\3 \\4 \\5 \\6 \\7 \\s, \\0\\s, ,\\s
\\ue000 &nbsp; | || |a= \\r \\t \\s \\s\\s \\u200b \\xa0 #redirect #redirect\\s[[ {\\s{ a 1 가 . 漢"""
PROSE = """. .\\s ! ? … 다. 다.\\s 다 다ㅋ 다ㅋ\\s ㅋㅋ\\s 니다\\s 요\\s 1. 1.\\s 가.\\s A. Dr.\\s No.\\s1\\s 2024.\\s3.\\s5.\\s 3. " "\\s “
” ‘ ’ (" (a [1] .[1] .(a .) ." "왔다."\\s하고\\s 제1장\\s step\\s1\\s i) ㄱ) 첫째 ~ ^^ \\s^^ .^^ \\n1.\\n \\n \\x85 ==\\s ==\\sa
##\\sa\\n # a a.b a@b. 1 11 1, 1,000 1.0 만 천 천만 1만 1억\\s5천 십 일 ₩ us$ krw\\s 1\\smillion\\s K 1K KTX 케이 에이 두\\s
두\\s시간\\s 열 hundred\\s and\\s km 1km % 개월 원 여 ( ) (漢 (漢) 漢 [漢 · \\u119e \\u1112\\u119e ᆨ 각 ² 10² ① \\u3164 \\u034f
e\\u0301 \\u0301 👨\\u200d \\ufe0f Σ ㎏ - – / @ # 1월\\s 2024년\\s 오전\\s PM\\s +09:00 (KST) m=+1 월요일\\s T10 10:20: the\\s s es
목록 tch h \\s \\t \\u3000 \\xa0 ' « , ?! 다요 naver.com .가 1.1 http://a 🙂 ♥ == = \\0"""
SQL = """' '' \\\\' " ` ( (1, (1,'a'), (1,'a')\\n (1\\n , \\s \\n ; /* */ /*\\n * -- --\\n # 0x 1 - . 1. 1e NULL _a' INSERT\\sINTO\\st\\sVALUES\\s
INSERT\\s[a; REPLACE\\sINTO\\s`a` CREATE\\sTABLE\\s a. `a`. [ [a [a] (a $ \\\\ x' ROW( AS\\s OR\\sa\\s \\ufffd select\\s insert\\sx;"""
XML = """<page> </page> <page <page\\s <title> <![CDATA[ ]]> <! <a: <a:page> \\sxmlns:a=" <b\\sa:b=" &a &a; & <mediawiki\\s <dbname>
<dbname>\\s xml:lang=" <revision> <text> < > \\s a: <a>"""
URL = 'http:// a: // @ ? & ; # = a=b& /@ %20 : a'


def units(text: str) -> list[str]:
    r"The words of a text; `\s` and the like in them are what they stand for."
    words = [word.replace('\\s', ' ').encode('latin-1', 'backslashreplace') for word in text.split()]
    return [word.decode('unicode_escape') for word in words]


def sql(text: str, folder: list[Path] = []) -> list:
    "Text as a file of a database."
    folder[0].write_text(text, encoding='utf-8', errors='replace')
    return list(read_sql(folder[0], 'a', problems=LeftOut()))


def in_page(text: str) -> list:
    return list(pages_in(f'<mediawiki>{text}'.encode('utf-8', 'replace'), 'ko', '', LeftOut()))


TABLE = 'CREATE TABLE t (\n a int,\n b text\n);\nINSERT INTO t VALUES '
FUNCTIONS = {
    'clean ko': (lambda t: clean(t, 'ko'), WIKI),
    'clean en': (lambda t: clean(f'x\n{t}\ny', 'en', 'Title'), WIKI),
    'is_stub': (lambda t: is_stub(t + '토막글'), WIKI),
    'is_disambiguation': (lambda t: is_disambiguation(t + ' dab '), WIKI),
    'meanings': (lambda t: meanings('*' + t), WIKI),
    'redirect_target': (redirect_target, WIKI),
    'template': (lambda t: find_maker(template_name(t), t), WIKI),
    'pages_in': (in_page, XML),
    'page of a text': (lambda t: in_page(f'<page><title>a</title><id>1</id><revision><text>{t}'), XML),
    'read_sql': (sql, SQL),
    'read_sql, rows': (lambda t: sql(TABLE + t), SQL),
    'read_sql, columns': (lambda t: sql('CREATE TABLE t (a int,' + t), SQL),
    'normalize': (normalize, PROSE),
    'tokenizer_normalizer': (lambda t, of=tokenizer_normalizer(): of.normalize_str(t), PROSE),
    'text_hash': (text_hash, PROSE),
    'language': (language, PROSE),
    'sentences': (sentences, PROSE),
    'pieces': (pieces, PROSE),
    'sections': (lambda t: (sections(t), sections(f'=={t}==')), PROSE),
    'without_headings': (without_headings, PROSE),
    'only_numbers': (only_numbers, PROSE),
    'passages': (lambda t: list(passages(Article('ko-1', 'ko', 'a', t))), PROSE),
    'title_term': (lambda t: (title_term(t), title_term(f'a{t}b'), title_term(f'a ({t}')), PROSE),
    'squeeze': (squeeze, PROSE),
    'is_term': (lambda t: is_term(t, len(t)), PROSE),
    'term_lang': (term_lang, PROSE),
    'near_identical': (lambda t: near_identical('가나다라마바사' + t, '거' + t), PROSE),
    'parse_date': (
        lambda t: (parse_date(t), parse_date('2024-03-05 ' + t), parse_date('3 May 2024 10:00' + t)),
        PROSE,
    ),
    'date_fault': (lambda t: (date_fault(t), date_fault('3일 전' + t)), PROSE),
    'spelling_spans': (spelling_spans, PROSE),
    'other_spellings': (other_spellings, PROSE),
    'named_letters': (named_letters, PROSE),
    'sounds, letters': (lambda t: (sounds(t), letters(t), read_out(t)), PROSE),
    'content_terms': (lambda t: content_terms(t, get_analyzer()), PROSE),
    'cut_words': (lambda t: list(cut_words(t, get_analyzer())), PROSE),
    'shown_url': (lambda t: (shown_url(t), shown_url('https://a:b@' + t)), URL),
    'without_secrets': (lambda t: without_secrets(t, 'https://user:secret@host/?a=' + t), URL),
}
# functions that take their time: of how many units one is tried
SLOW = {
    'sentences': 4,
    'pieces': 10,
    'passages': 12,
    'content_terms': 30,
    'cut_words': 50,
    'spelling_spans': 4,
}
SLOW |= {
    'other_spellings': 12,
    'near_identical': 5,
    'tokenizer_normalizer': 4,
    'title_term': 2,
    'language': 4,
}
SLOW |= {'text_hash': 4, 'sounds, letters': 3, 'read_sql, columns': 2, 'squeeze': 2}


@pytest.fixture(autouse=True)
def quiet(tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    sql.__defaults__[0][:] = [tmp_path / 'table.sql']
    get_analyzer()


def seconds(read, text: str, tries: int = 1) -> float:
    "CPU seconds of the best try; what is refused has been read."
    best = float('inf')
    for _ in range(tries):
        begin = time.process_time()
        try:
            read(text)
        except (DataError, RecursionError):
            pass
        best = min(best, time.process_time() - begin)
    return best


def evil(unit: str, length: int) -> list[str]:
    "About so many characters: one unit again and again, alone, and behind what a pattern may begin with."
    many = unit * (length // len(unit))
    return [many, f'a{many}\0']


def fault_of(read, unit: str) -> str:
    "What to say of a function that takes far more than four times as long for four times the text; '' if none."
    for form, (short, long) in enumerate(zip(evil(unit, LONG // 4), evil(unit, LONG))):
        many = seconds(read, long)
        if many < QUICK or many <= MOST * seconds(read, short):
            continue
        few, many = seconds(read, short, 3), seconds(read, long, 3)  # or was it the machine?
        if many > QUICK and many > MOST * few:
            return f'{unit!r} (form {form}): {few:.3f} s, four times as much: {many:.3f} s'
    return ''


@pytest.mark.parametrize('name', FUNCTIONS)
def test_four_times_the_text(name):
    read, text = FUNCTIONS[name]
    some = units(text)[:: SLOW.get(name, 2)]
    assert not [fault for unit in some if (fault := fault_of(read, unit))]


def test_this_test_would_see_it():
    assert fault_of(re.compile(r'[ \t]*x').search, ' ')
    assert not fault_of(re.compile(r'(?<![ \t])[ \t]*x').search, ' ')


@pytest.mark.parametrize('raw', [b'BZh', b'BZh9', b'BZh91AY&SY'])
def test_streams_that_are_none(raw):
    def read(text):
        data, at = raw * (len(text) * 2 // len(raw)), 0
        while at < len(data):
            _, at, _ = _unpack_stream(data, at)

    assert not fault_of(read, 'x')
