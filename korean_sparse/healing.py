"Where earlier cards and READMEs import from; the module is `korean_sparse.encoder.healing`."

from .encoder.healing import *  # noqa: F403
