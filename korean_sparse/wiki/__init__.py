"A Wikipedia dump becomes prose: pages as a stream, markup cleaned, articles and passages"

import lazy_loader

# The names are listed in __init__.pyi beside this file; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
