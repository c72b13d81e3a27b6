from .config import (
    EncoderConfig as EncoderConfig,
)
from .folders import (
    installed_model as installed_model,
)
from .layers import (
    Layers as Layers,
)
from .model import (
    SparseEncoder as SparseEncoder,
)
