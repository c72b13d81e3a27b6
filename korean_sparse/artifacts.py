"Where earlier cards and READMEs import from; the module is `korean_sparse.opensearch.artifacts`."

from .opensearch.artifacts import *  # noqa: F403
