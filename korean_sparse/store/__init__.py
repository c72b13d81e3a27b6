"Texts that stay: hits, snippets and filters, and a store of them on disk"

import lazy_loader

# The names are listed in __init__.pyi beside this file; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
