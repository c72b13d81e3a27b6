from .node import (
    Node as Node,
    start as start,
    start_cluster as start_cluster,
    stop as stop,
    stop_cluster as stop_cluster,
)
from .client import (
    ClusterError as ClusterError,
    call as call,
    connect as connect,
)
from .artifacts import (
    Artifact as Artifact,
    describe as describe,
    faults as faults,
    write_query as write_query,
)
from .documents import (
    run_onnx as run_onnx,
    write_document as write_document,
    write_onnx as write_onnx,
)
from .cluster import (
    BulkReport as BulkReport,
    ClusterHit as ClusterHit,
    as_terms as as_terms,
    bulk_index as bulk_index,
    create_index as create_index,
    delete_model as delete_model,
    deploy as deploy,
    drop_index as drop_index,
    models as models,
    point as point,
    predict as predict,
    query_body as query_body,
    register as register,
    search as search,
    set_pipeline as set_pipeline,
    undeploy as undeploy,
)
from .passages import (
    chunk_rows as chunk_rows,
    split_into_passages as split_into_passages,
)
from .relevance import (
    Match as Match,
    cluster_system as cluster_system,
    draw_matches as draw_matches,
    explain as explain,
    index_bytes as index_bytes,
    judge as judge,
    prune_terms as prune_terms,
)
from .refresh import (
    Refresh as Refresh,
    blended_from_index as blended_from_index,
    draw_changes as draw_changes,
    go_live as go_live,
    index_frequencies as index_frequencies,
    live_model as live_model,
    refresh_from_index as refresh_from_index,
    refresh_query as refresh_query,
    switch_model as switch_model,
)
from .shards import (
    encode_rows as encode_rows,
    encode_shards as encode_shards,
    read_documents as read_documents,
    read_shards as read_shards,
)
