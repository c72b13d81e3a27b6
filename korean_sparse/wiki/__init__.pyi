from .markup import (
    clean as clean,
    is_disambiguation as is_disambiguation,
    is_stub as is_stub,
    meanings as meanings,
    redirect_target as redirect_target,
)
from .dumps import (
    Page as Page,
    Problems as Problems,
    check_dump as check_dump,
    iter_pages as iter_pages,
    read_sql as read_sql,
    title_links as title_links,
)
from .download import (
    download_dump as download_dump,
    find_dump as find_dump,
    needed_files as needed_files,
)
from .articles import (
    Filter as Filter,
    examine as examine,
    passages as passages,
    to_article as to_article,
)
