"""Search that understands Korean: neural sparse retrieval for Korean, and across Korean and English

    from korean_sparse import Search

    search = Search(['지진이 나면 탁자 아래로 몸을 피한다.', 'Two cups of coffee a day do no harm.'])
    search('커피를 마셔도 되나요')

`Search` is a list of texts, searched; `SparseEncoder` the model, computed by onnxruntime; `SparseIndex` the
query side over encoded rows (`SparseRows`). To train a model there is `korean_sparse.encoder.SparseEncoder`.
Everything else is in folders by what it is about: `korean_sparse.text`, `.retrieval`, `.opensearch` ...
"""

__version__ = "0.4.0"

import lazy_loader

# The names are listed in __init__.pyi beside this file; each is imported when it is first used, so that the
# query side loads no torch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
# `import *` brings no folder, of which some need extras
__all__ = [name for name in __all__ if name[0].isupper()]
