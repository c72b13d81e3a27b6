"Where earlier cards and READMEs import from; the module is `korean_sparse.encoder.start`."

from .encoder.start import *  # noqa: F403
