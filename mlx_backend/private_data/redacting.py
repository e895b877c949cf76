"""Masking secrets in logs and in everything that this process prints."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets

_READER = (sys.executable, "-m", "mlx_backend.private_data.printed")


class Redacting(logging.Formatter):
    """Formats records with `inner`, traceback included, and masks secrets in the result."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        return mask(line, find_secrets(line))


def log_to_stderr() -> None:
    """Send all log records of this process to stderr, with secrets masked."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting(logging.Formatter("%(asctime)s %(levelname)s %(message)s")))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def redact_output() -> None:
    """From now on, mask all output of this process and its children, and send it to stderr.

    Covers native code too. A separate process reads the output to the end, so a crash loses
    nothing. Raises OSError when that process cannot be started.
    """
    reader = subprocess.Popen(
        _READER,
        stdin=subprocess.PIPE,
        stdout=sys.stderr.fileno(),
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # no signal to this process group may end it early
    )
    assert reader.stdin is not None
    for output in (sys.stdout, sys.stderr):
        output.flush()
        os.dup2(reader.stdin.fileno(), output.fileno())
    reader.stdin.close()
