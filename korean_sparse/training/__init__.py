"Losses, teachers, negatives, curriculum, and a loop that goes on after a kill"

import lazy_loader

from korean_sparse.core.extras import needed

needed('torch', 'transformers', 'scipy', extra='train', of=__name__)

# The names are listed in __init__.pyi beside this file; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
