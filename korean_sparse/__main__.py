"Run the command: python -m korean_sparse."

from korean_sparse.command import main

raise SystemExit(main())
