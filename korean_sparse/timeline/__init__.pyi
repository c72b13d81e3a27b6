from .dated import (
    DatedTally as DatedTally,
    dated_files as dated_files,
    read_dated as read_dated,
)
from .new_words import (
    Beginning as Beginning,
    Beginnings as Beginnings,
    WordReader as WordReader,
    WordTerms as WordTerms,
    new_words as new_words,
    select_terms as select_terms,
)
from .counts import (
    Counts as Counts,
    DayCounts as DayCounts,
    count_stream as count_stream,
    idf_change as idf_change,
    load_counts as load_counts,
    most_changed as most_changed,
    refresh_idf as refresh_idf,
    save_counts as save_counts,
    temporal_idf as temporal_idf,
)
from .trends import (
    Series as Series,
    TrendSettings as TrendSettings,
    TrendWindow as TrendWindow,
    ewma_windows as ewma_windows,
    find_trends as find_trends,
    kleinberg_windows as kleinberg_windows,
    make_series as make_series,
    settings as settings,
    signitrend as signitrend,
)
from .clusters import (
    ALGORITHMS as ALGORITHMS,
    Clustering as Clustering,
    choose_clusters as choose_clusters,
    cluster_rows as cluster_rows,
    compare_algorithms as compare_algorithms,
    encoder_vectors as encoder_vectors,
    label_terms as label_terms,
    mixed as mixed,
    synonym_pairs as synonym_pairs,
)
from .pictures import (
    draw_change as draw_change,
    draw_clusters as draw_clusters,
    draw_heat as draw_heat,
    draw_rankings as draw_rankings,
    draw_term as draw_term,
    draw_timelines as draw_timelines,
)
