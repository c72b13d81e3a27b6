from .build import (
    SiteReport as SiteReport,
    build_site as build_site,
    write_site as write_site,
)
from .kept import (
    KeptRows as KeptRows,
)
from .shards import (
    BuiltIndex as BuiltIndex,
    Shown as Shown,
    read_built as read_built,
)
from .table import (
    character_tables as character_tables,
    table_payload as table_payload,
)
