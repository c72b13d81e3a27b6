from .systems import (
    Answer as Answer,
    System as System,
    bm25 as bm25,
    card as card,
    dense as dense,
    hybrid as hybrid,
    read_system as read_system,
    recorded as recorded,
    sparse as sparse,
)
from .significance import (
    answer as answer,
    compare as compare,
    holm as holm,
    interval as interval,
    markdown_table as markdown_table,
    randomisation_p as randomisation_p,
)
from .costs import (
    encoded_system as encoded_system,
    keep_strongest as keep_strongest,
    latency as latency,
    pruning_curve as pruning_curve,
)
from .probes import (
    garbage_report as garbage_report,
    kept_recall as kept_recall,
    pair_score as pair_score,
    strongest as strongest,
)
from .collection import (
    collection_curve as collection_curve,
    plot_collection as plot_collection,
)
from .why import (
    by_group as by_group,
    deciding_terms as deciding_terms,
    leaks as leaks,
    query_groups as query_groups,
    wins_and_losses as wins_and_losses,
)
