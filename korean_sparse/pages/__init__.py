"Pages to search: Markdown, HTML, plain text, Word, Hangul and PDF files, cut where their headings stand"

import lazy_loader

# The names are listed in __init__.pyi beside this file; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
