"Where earlier cards and READMEs import from; the module is `korean_sparse.encoder.model`."

from .encoder.model import *  # noqa: F403
from .runtime.model import installed_model  # noqa: F401
