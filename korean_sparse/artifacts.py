"Where earlier cards and READMEs import from; the modules are `opensearch.artifacts` and `opensearch.documents`."

from .opensearch.artifacts import *  # noqa: F403
from .opensearch.artifacts import __getattr__  # noqa: F401 (what needs torch)
