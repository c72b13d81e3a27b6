"""Sentences against a gold file; passages of a size, whatever the text; a million signs in seconds."""

import random
import re
import time
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import pytest
from mutate import MUTATIONS, survive

from korean_sparse.core import Article
from korean_sparse.core.files import write_rows
from korean_sparse.examples.from_articles import (
    VIEWS,
    article_view,
    cloze_examples,
    read_articles,
    read_cloze,
    read_crops,
)
from korean_sparse.opensearch.passages import split_into_passages
from korean_sparse.text.prose import (
    even_parts,
    length_in_words,
    only_numbers,
    pieces,
    sentences,
)
from korean_sparse.wiki.articles import passages

GOLD = Path(__file__).with_name('sentences_gold.txt')
FLOOR = {'ko': 0.97, 'en': 0.98}  # F1 of the boundaries


class GoldText(NamedTuple):
    "One text of the gold file."

    lang: str
    kind: str
    text: str
    sentences: list[str]


def gold() -> Iterator[GoldText]:
    "The texts of the gold file."
    for block in GOLD.read_text(encoding='utf-8').split('\n%% ')[1:]:
        head, *lines = block.strip().split('\n')
        lang, joined, kind = head.split(' ', 2)
        yield GoldText(lang, kind, {'space': ' ', 'nothing': ''}[joined].join(lines), lines)


def boundaries(found: list[str]) -> set[int]:
    "Where sentences end inside a text, in letters and signs from its beginning, spaces left out."
    places, so_far = set(), 0
    for sentence in found:
        so_far += len(''.join(sentence.split()))
        places.add(so_far)
    return places - {so_far}


def score(split: Callable[[str], list[str]], lang: str) -> tuple[float, float, float]:
    "Precision, recall and F1 of the boundaries that `split` finds in the gold texts of a language."
    right = found = wanted = 0
    for text in gold():
        if text.lang == lang:
            ours, theirs = boundaries(split(text.text)), boundaries(text.sentences)
            right, found, wanted = right + len(ours & theirs), found + len(ours), wanted + len(theirs)
    return right / found, right / wanted, 2 * right / (found + wanted)


def test_the_gold_file_holds_sixty_boundaries_of_each_language():
    for lang in ('ko', 'en'):
        texts = [text for text in gold() if text.lang == lang]
        assert sum(len(text.sentences) - 1 for text in texts) >= 60
        assert all(sentence == sentence.strip() != '' for text in texts for sentence in text.sentences)


@pytest.mark.parametrize('lang', ['ko', 'en'])
def test_sentences_end_where_people_see_an_end(lang):
    precision, recall, f1 = score(sentences, lang)
    assert f1 >= FLOOR[lang], f'{lang}: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}'


def test_nothing_of_a_text_is_lost():
    for text in gold():
        for words in (1, 10, 60):
            for found in (
                sentences(text.text),
                pieces(text.text, words),
                split_into_passages(text.text, words),
            ):
                assert ''.join(''.join(found).split()) == ''.join(text.text.split()), text.kind


# what people feed in: a talk without stops, no spaces, numbers, long sentences beside short ones
TALK = '그래서 어제 말씀드린 대로 요금은 밤에 싸고 낮에 비싸거든요 다들 알고 계시죠 그러면 다음 안건으로 '
ENGLISH = 'so what we did was look at the meters again and then nobody could say why they were off '
STRANGE = {
    'talk': TALK * 300,
    'english talk': ENGLISH * 300,
    'no spaces': '회의를시작하겠습니다네알겠습니다' * 400,
    'one letter': '가' * 5000,
    'one Latin letter': 'x' * 5000,
    'Han': '天下大同' * 1500,
    'combining': 'e\u0301' * 3000,
    'emoji': '👩\u200d🚀' * 1500,
    'no space behind the stop': '오늘은 날씨가 맑다.내일은 비가 온다.' * 200,
    'numbers': '12 ' * 3000,
    'dates': '2024. 3. 5. ' * 1000,
    'lines': '우산\n' * 2000,
    'commas': '콩, 두부, 된장, 간장, ' * 500,
    'a quotation without end': '그는 “' + TALK * 50,
    'mixed': f'맑다. {TALK * 30}비가 온다.\n{"오늘회의를시작하겠습니다" * 200} 끝이다. {ENGLISH * 20}',
    'long sentences': f'{"가나다라 " * 70}이다. ' * 20,
    'long and short': f'{"가나다라 " * 75}이다. 짧다. 더 짧다. ' * 20,
    'links': 'https://example.com/' + 'a' * 200 + ' ' + '보라. ' * 300,
}


@pytest.mark.parametrize('name', STRANGE)
@pytest.mark.parametrize('words', [10, 60, 150])
def test_passages_have_the_size_asked_for_whatever_the_text(name, words):
    text = STRANGE[name]
    ours = split_into_passages(text, words)
    theirs = [p.text for p in passages(Article('ko-1', 'ko', '회의', text), words)]
    for found in (ours, theirs):
        assert ''.join(''.join(found).split()) == ''.join(text.split())
        assert max(map(length_in_words, found)) <= 1.5 * words
        assert max(len(p.split()) for p in found) <= 1.5 * words
        assert max(map(len, found)) <= 1.5 * words * 40  # a word may have 40 letters
        assert not any(re.match('[\u0301\u200d]', p) for p in found)  # no letter is cut
    assert len(ours) <= 4 * length_in_words(text) / words + 2  # nor far too small


@pytest.mark.parametrize('words', [20, 60])
def test_a_talk_is_cut_where_it_sounds_like_an_end(words):
    natural = [
        p for p in split_into_passages(TALK * 100, words) if p.endswith(('거든요', '계시죠', '안건으로'))
    ]
    assert len(natural) >= 0.9 * len(split_into_passages(TALK * 100, words))


def test_parts_of_random_lengths_hold_every_sentence_once_and_none_is_too_long():
    rng = random.Random(0)
    for _ in range(2000):
        lengths = [rng.choice((0, 1, 5, 20, 60, 80)) for _ in range(rng.randrange(40))]
        parts = even_parts(lengths, 60)
        assert [i for part in parts for i in range(part.start, part.stop)] == list(range(len(lengths)))
        assert all(sum(lengths[part]) <= 90 for part in parts)


@pytest.mark.parametrize('name', STRANGE)
def test_no_query_is_a_number(name):
    article = Article('1', 'ko', '회의', f'1.\n2024. 3. 5.\n{STRANGE[name]}\n3.\n7')
    asked = [e.query for seed in range(3) for e in cloze_examples(article, seed=seed)]
    asked += [query for view in VIEWS[:2] for query, _ in article_view(article, view)]
    assert not any(only_numbers(query) for query in asked)
    assert all(length_in_words(query) <= 140 for query in asked)


# a million signs of some, a hundred thousand of the others: what takes quadratic time takes minutes even then
MANY = ['. ', '1. ', '"', 'a.', '가', '.)', '“다. ”', '2024. 3. 5. ']
FEWER = [
    '“',
    '”',
    "'",
    'a. ',
    '가. ',
    '나.',
    '다.',
    '다. ',
    '(',
    ')',
    '([',
    '." ',
    '…',
    '… ',
    '!',
    '? ',
    'ㅋ',
    '다ㅋ',
    '요~ ',
]
FEWER += [
    '니다 ',
    '니다',
    '.[1]',
    '.[',
    '.(',
    '1.\n',
    '\n',
    ' ',
    'U.S. ',
    'A. ',
    '"a" ',
    '\u200d',
    '\u0301',
    '1',
    'I. ',
]
FEWER += ['http://a.kr ', '.\u200d', '라고 ', '다."라고 ', '0.1', '제1조. ', '"다. \'다.” ', '다 . ', '다~']


@pytest.mark.parametrize('unit', MANY + FEWER)
def test_a_million_signs_take_seconds(unit):
    text = unit * ((1_000_000 if unit in MANY else 100_000) // len(unit))
    begin = time.process_time()
    found = sentences(text)
    assert time.process_time() - begin < 15  # about 3 for a million, and .3 for the others
    assert sum(map(len, found)) <= len(text)
    begin = time.process_time()
    pieces(text[:100_000], 60)
    assert time.process_time() - begin < 5


def test_spoilt_texts_lose_nothing(tmp_path):
    def read(path):
        text = path.read_bytes().decode('utf-8', 'replace')
        kept = ''.join(text.split())
        assert ''.join(''.join(sentences(text)).split()) == kept
        found = split_into_passages(text, 20)
        assert ''.join(''.join(found).split()) == kept
        assert all(length_in_words(p) <= 30 for p in found)

    texts = '\n'.join(text.text for text in gold())
    fine, refused = survive(read, texts[: len(texts) // 3].encode(), tmp_path / 'text.txt')
    assert (fine, refused) == (MUTATIONS, 0)


@pytest.mark.parametrize('name', ['articles', 'cloze', 'crops'])
def test_spoilt_articles_are_examples_counts_or_named_errors(tmp_path, name):
    texts = [text for text in gold() if len(text.text) > 80][:6]
    rows = [
        Article(str(n), text.lang, f'제목 {n}', f'{text.text}\n## 절\n{texts[n - 1].text}')
        for n, text in enumerate(texts)
    ]
    write_rows(tmp_path / 'whole.jsonl', rows)

    def read(path):
        if name == 'articles':
            made = list(read_articles(path, views=','.join(VIEWS)))
        else:
            made = list(read_cloze(path) if name == 'cloze' else read_crops(path, words=4))
        assert all(example.query.strip() and example.positive.strip() for example in made)

    fine, refused = survive(read, (tmp_path / 'whole.jsonl').read_bytes(), tmp_path / 'spoilt.jsonl')
    assert fine + refused == MUTATIONS
