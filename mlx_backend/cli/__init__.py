"""The command line. `overnight` alone opens the window; `overnight --help` says the rest."""

from mlx_backend.cli.main import main

__all__ = ["main"]
