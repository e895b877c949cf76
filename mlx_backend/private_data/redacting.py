"""Log files that never show what is private."""

from __future__ import annotations

import logging

from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets


class Redacting(logging.Formatter):
    """Formats as `inner` does, traceback included, and masks what is private in the result."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        return mask(line, find_secrets(line))


def log_to_stderr() -> None:
    """Let everything that is logged in this process go to stderr, without what is private."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting(logging.Formatter("%(asctime)s %(levelname)s %(message)s")))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
