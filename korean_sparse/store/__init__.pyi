from .disk import (
    Store as Store,
)
from .filters import (
    Filter as Filter,
    check_metadata as check_metadata,
)
from .hits import (
    Document as Document,
    Hit as Hit,
    Hits as Hits,
)
from .snippets import (
    Snippet as Snippet,
    snippet as snippet,
)
