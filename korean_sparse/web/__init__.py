"A search that runs in a browser, from static files: the query side, the postings and the texts as files"

import lazy_loader

# The names are listed in __init__.pyi beside this file; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
