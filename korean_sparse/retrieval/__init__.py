"Retrieval sets, metrics, BM25, and the query side of a sparse model; nothing here loads torch"

import lazy_loader

# The names are listed in __init__.pyi beside this file; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
