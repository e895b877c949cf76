"""`python -m mlx_backend.cli` is the same as `overnight`."""

import sys

from mlx_backend.cli.main import main

sys.exit(main())
