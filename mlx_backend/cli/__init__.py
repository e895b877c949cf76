"""The command line. `overnight` alone opens the window; `overnight --help` lists the commands."""

from mlx_backend.cli.main import main

__all__ = ["main"]
