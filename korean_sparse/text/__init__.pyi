from .normal import (
    language as language,
    normalize as normalize,
    text_hash as text_hash,
    tokenizer_normalizer as tokenizer_normalizer,
)
from .stopwords import (
    STOPWORDS_EN as STOPWORDS_EN,
    STOPWORDS_KO as STOPWORDS_KO,
    stopword_ids as stopword_ids,
)
from .analysers import (
    Analyzer as Analyzer,
    content_terms as content_terms,
    cut as cut,
    get_analyzer as get_analyzer,
    is_content as is_content,
)
from .prose import (
    even_parts as even_parts,
    length_in_words as length_in_words,
    only_numbers as only_numbers,
    pieces as pieces,
    sections as sections,
    sentences as sentences,
    without_headings as without_headings,
)
from .vocabulary import (
    ENGLISH as ENGLISH,
    KOREAN as KOREAN,
    MUTED as MUTED,
    OTHER as OTHER,
    Vocabulary as Vocabulary,
    train_vocabulary as train_vocabulary,
)
from .terms import (
    distance as distance,
    is_term as is_term,
    near_identical as near_identical,
    same_spelling as same_spelling,
    squeeze as squeeze,
    term_lang as term_lang,
    title_term as title_term,
)
from .transliteration import (
    Transliterator as Transliterator,
    letters as letters,
    match as match,
    named_letters as named_letters,
    read_out as read_out,
    sounds as sounds,
    transliterator as transliterator,
)
from .vectors import (
    TermVectors as TermVectors,
    join_linked as join_linked,
    phrase_vector as phrase_vector,
    ppmi_vectors as ppmi_vectors,
)
from .spellings import (
    other_spellings as other_spellings,
    spelling_spans as spelling_spans,
)
from .dates import (
    date_fault as date_fault,
    parse_date as parse_date,
)
