from .fused import (
    fused_max as fused_max,
    mlm_parts as mlm_parts,
    prune as prune,
)
from .heads import (
    AnchoredHead as AnchoredHead,
    EncoderConfig as EncoderConfig,
    SpladeHead as SpladeHead,
)
from .healing import (
    HealConfig as HealConfig,
    heal as heal,
)
from .start import (
    Start as Start,
    embed as embed,
    load_start as load_start,
    move as move,
    save_moved as save_moved,
    term_vectors as term_vectors,
)
from .dictionary import (
    translations as translations,
)
from .model import (
    SparseEncoder as SparseEncoder,
    installed_model as installed_model,
    pack as pack,
    unpack as unpack,
)
from .made import (
    anchored as anchored,
    calibrate as calibrate,
    from_scratch as from_scratch,
    splade as splade,
)
