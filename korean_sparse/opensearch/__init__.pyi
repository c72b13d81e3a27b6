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
    describe as describe,
    faults as faults,
    run_onnx as run_onnx,
    write_document as write_document,
    write_onnx as write_onnx,
    write_query as write_query,
)
from .cluster import (
    BulkReport as BulkReport,
    Hit as Hit,
    bulk_index as bulk_index,
    create_index as create_index,
    delete_model as delete_model,
    deploy as deploy,
    drop_index as drop_index,
    models as models,
    predict as predict,
    query_body as query_body,
    register as register,
    search as search,
    set_pipeline as set_pipeline,
    undeploy as undeploy,
)
from .passages import (
    chunk_rows as chunk_rows,
)
from .relevance import (
    explain as explain,
    index_bytes as index_bytes,
    judge as judge,
    prune_terms as prune_terms,
)
from .refresh import (
    go_live as go_live,
    live_model as live_model,
    refresh_query as refresh_query,
    switch_model as switch_model,
)
from .shards import (
    encode_shards as encode_shards,
    read_shards as read_shards,
)
