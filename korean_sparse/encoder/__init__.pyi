from .dictionary import (
    translations as translations,
)
from .fused import (
    fused_max as fused_max,
    max_logits as max_logits,
    mlm_parts as mlm_parts,
    prune as prune,
)
from .healing import (
    HealConfig as HealConfig,
    heal as heal,
)
from .heads import (
    AnchoredHead as AnchoredHead,
    EncoderConfig as EncoderConfig,
    SpladeHead as SpladeHead,
    lexical_weights as lexical_weights,
)
from .made import (
    anchored as anchored,
    calibrate_head as calibrate_head,
    checkpoint_vocabulary as checkpoint_vocabulary,
    from_scratch as from_scratch,
    splade as splade,
)
from .model import (
    SparseEncoder as SparseEncoder,
    installed_model as installed_model,
    pack as pack,
    unpack as unpack,
)
from .start import (
    Start as Start,
    aligned_matrix as aligned_matrix,
    centred_cosine as centred_cosine,
    embed as embed,
    load_start as load_start,
    move as move,
    save_moved as save_moved,
    string_matrix as string_matrix,
    term_vectors as term_vectors,
)
from .widening import (
    widen as widen,
)
