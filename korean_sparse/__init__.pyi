from . import (
    core as core,
    encoder as encoder,
    examples as examples,
    judging as judging,
    opensearch as opensearch,
    pairs as pairs,
    retrieval as retrieval,
    runtime as runtime,
    text as text,
    timeline as timeline,
    training as training,
    wiki as wiki,
)
from .core.matrices import SparseRows as SparseRows
from .retrieval.query import SparseIndex as SparseIndex
from .runtime.model import SparseEncoder as SparseEncoder
from .search import Hit as Hit, Search as Search

__version__: str
