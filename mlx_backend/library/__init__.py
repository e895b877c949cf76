"""The library: the folder that holds everything of one person."""

from mlx_backend.library.home import Library

__all__ = ["Library"]
