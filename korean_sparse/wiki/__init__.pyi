from .templates import (
    Arguments as Arguments,
    TEXT_TEMPLATES as TEXT_TEMPLATES,
    country_name as country_name,
    read_table as read_table,
)
from .markup import (
    clean as clean,
    is_disambiguation as is_disambiguation,
    is_stub as is_stub,
    meanings as meanings,
    redirect_target as redirect_target,
)
from .dumps import (
    Page as Page,
    check_dump as check_dump,
    iter_pages as iter_pages,
    read_sql as read_sql,
    title_links as title_links,
)
from .download import (
    DumpListing as DumpListing,
    Patience as Patience,
    download_dump as download_dump,
    download_file as download_file,
    find_dump as find_dump,
    needed_files as needed_files,
)
from .articles import (
    Filter as Filter,
    examine as examine,
    passages as passages,
    to_article as to_article,
)
from .documents import (
    document_columns as document_columns,
    own_articles as own_articles,
)
