from . import (
    core as core,
    encoder as encoder,
    examples as examples,
    judging as judging,
    opensearch as opensearch,
    pages as pages,
    pairs as pairs,
    retrieval as retrieval,
    runtime as runtime,
    store as store,
    text as text,
    timeline as timeline,
    training as training,
    web as web,
    wiki as wiki,
)
from .core.matrices import SparseRows as SparseRows
from .retrieval.query import SparseIndex as SparseIndex
from .runtime.model import SparseEncoder as SparseEncoder
from .search import Search as Search
from .store.disk import Store as Store
from .store.hits import Hit as Hit

__version__: str
