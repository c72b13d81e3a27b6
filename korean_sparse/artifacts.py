"Where earlier cards and READMEs import from; now `opensearch.artifacts`, `opensearch.documents`."

from .opensearch.artifacts import *  # noqa: F403
from .opensearch.artifacts import __getattr__  # noqa: F401 (what needs torch)
