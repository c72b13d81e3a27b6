from .config import (
    EncoderConfig as EncoderConfig,
)
from .layers import (
    Layers as Layers,
)
from .model import (
    SparseEncoder as SparseEncoder,
    installed_model as installed_model,
)
