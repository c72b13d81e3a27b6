from .layouts import (
    Qrels as Qrels,
    read_qrels as read_qrels,
)
from .sets import (
    DIRECTIONS as DIRECTIONS,
    METRICS as METRICS,
    RetrievalSet as RetrievalSet,
    Run as Run,
    averages as averages,
    load_retrieval as load_retrieval,
    measure as measure,
    sample_retrieval as sample_retrieval,
    top_k as top_k,
)
from .bm25 import (
    BM25 as BM25,
    morpheme_bm25 as morpheme_bm25,
)
from .query import (
    QueryEncoder as QueryEncoder,
    SparseIndex as SparseIndex,
    blended_idf as blended_idf,
    idf_weights as idf_weights,
    load_idf as load_idf,
    load_tokenizer as load_tokenizer,
    plain_idf as plain_idf,
    raise_numbers as raise_numbers,
    read_idf as read_idf,
    special_ids as special_ids,
)
from .runs import (
    check_run as check_run,
    read_trec as read_trec,
    reciprocal_rank_fusion as reciprocal_rank_fusion,
    write_trec as write_trec,
)
