"""The bin: what was deleted stays here until it is restored or deleted for good."""

from mlx_backend.library.bin.bin import Bin
from mlx_backend.library.bin.items import BinKind, Binned, Restored

__all__ = ["Bin", "BinKind", "Binned", "Restored"]
