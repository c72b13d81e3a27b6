from .rows import (
    Article as Article,
    DataError as DataError,
    NewsItem as NewsItem,
    Passage as Passage,
    SynonymPair as SynonymPair,
    TermCluster as TermCluster,
    TermTrend as TermTrend,
    TitleLink as TitleLink,
    TrainExample as TrainExample,
    check_name as check_name,
)
from .left_out import (
    LeftOut as LeftOut,
)
from .files import (
    find_rows as find_rows,
    join_rows as join_rows,
    locked as locked,
    make_row as make_row,
    open_text as open_text,
    read_json_lines as read_json_lines,
    read_rows as read_rows,
    write_json as write_json,
    write_rows as write_rows,
    write_text as write_text,
)
from .places import (
    find_root as find_root,
    outputs_root as outputs_root,
    resolve as resolve,
    shown_url as shown_url,
    without_secrets as without_secrets,
)
from .settings import (
    from_notebook as from_notebook,
    make_config as make_config,
)
from .code import (
    code_hash as code_hash,
    modules_of as modules_of,
    stale_modules as stale_modules,
)
from .stage import (
    STAGES as STAGES,
    StageResult as StageResult,
    file_hash as file_hash,
    read_manifest as read_manifest,
    run_stage as run_stage,
    upstream as upstream,
)
from .tensors import (
    content_hash as content_hash,
    read_tensors as read_tensors,
    write_tensors as write_tensors,
)
from .pictures import (
    axes as axes,
    draw_map as draw_map,
    project as project,
    save_picture as save_picture,
)
from .records import (
    DATED as DATED,
    DOCUMENT as DOCUMENT,
    PAIR as PAIR,
    RECORD_FORMATS as RECORD_FORMATS,
    Ids as Ids,
    Schema as Schema,
    as_id as as_id,
    as_text as as_text,
    read_lines as read_lines,
    read_records as read_records,
    read_text as read_text,
    record_files as record_files,
    settle as settle,
    whole as whole,
)
from .safe_writes import (
    atomic as atomic,
    standing as standing,
    whole_folder as whole_folder,
)
from .checked_json import (
    parse_json as parse_json,
    parse_yaml as parse_yaml,
    read_json as read_json,
    read_yaml as read_yaml,
)
from .matrices import (
    SparseRows as SparseRows,
    checked_rows as checked_rows,
    read_matrix as read_matrix,
    write_matrix as write_matrix,
)
from .extras import (
    needed as needed,
)
