"""Log files that never show what is private."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets

_READER = (sys.executable, "-m", "mlx_backend.private_data.printed")


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


def redact_output() -> None:
    """From now on, what this process and its children print goes to stderr as it is, masked.

    Native code is covered too, and a crash loses nothing: another process reads it all to the end.
    Raises OSError when that cannot be started.
    """
    reader = subprocess.Popen(
        _READER,
        stdin=subprocess.PIPE,
        stdout=sys.stderr.fileno(),
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # no signal to this process's group ends it before the last line
    )
    assert reader.stdin is not None
    for output in (sys.stdout, sys.stderr):
        output.flush()
        os.dup2(reader.stdin.fileno(), output.fileno())
    reader.stdin.close()
