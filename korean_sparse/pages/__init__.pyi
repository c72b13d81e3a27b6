from .folder import (
    READERS as READERS,
    read_pages as read_pages,
)
from .html import (
    html_page as html_page,
    read_html as read_html,
)
from .markdown import (
    markdown_page as markdown_page,
    read_markdown as read_markdown,
)
from .office import (
    read_docx as read_docx,
    read_hwpx as read_hwpx,
    read_pdf as read_pdf,
)
from .page import (
    Page as Page,
    Section as Section,
    plain_page as plain_page,
    read_plain as read_plain,
)
