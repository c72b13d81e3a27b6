from .reading import (
    Report as Report,
)
from .readers import (
    KINDS as KINDS,
    examples_set as examples_set,
    hub_examples as hub_examples,
    kind_of as kind_of,
    news_examples as news_examples,
    read_any as read_any,
    read_bitext as read_bitext,
    read_examples as read_examples,
    read_id_triples as read_id_triples,
    read_labelled as read_labelled,
    read_mrc as read_mrc,
    read_news as read_news,
    read_retrieval as read_retrieval,
    read_sts as read_sts,
    read_synonyms as read_synonyms,
    read_titled as read_titled,
    read_triples as read_triples,
    read_triplets as read_triplets,
    read_written as read_written,
    retrieval_examples as retrieval_examples,
    written_pairs as written_pairs,
)
from .shapes import (
    LabelledRow as LabelledRow,
    PassageQuestion as PassageQuestion,
    labelled_rows as labelled_rows,
    passage_questions as passage_questions,
    titled_documents as titled_documents,
)
from .from_articles import (
    VIEWS as VIEWS,
    article_examples as article_examples,
    article_view as article_view,
    cloze_examples as cloze_examples,
    read_articles as read_articles,
    read_cloze as read_cloze,
    read_crops as read_crops,
)
from .corpus import (
    TextSource as TextSource,
    healing_texts as healing_texts,
    read_text_sources as read_text_sources,
    weighted_texts as weighted_texts,
)
from .mixing import (
    Source as Source,
    document_batches as document_batches,
    homogeneous_batches as homogeneous_batches,
    load_examples as load_examples,
    mix as mix,
    read_source as read_source,
)
