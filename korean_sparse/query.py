"Where earlier cards and READMEs import from; the module is `korean_sparse.retrieval.query`."

from .retrieval.query import *  # noqa: F403
