"""Running the system's own small tools, which may be missing, fail or hang."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Callable, Sequence

Ask = Callable[[Sequence[str]], str]

_PATIENCE_S = 5.0

_log = logging.getLogger(__name__)


def answer_of(command: Sequence[str]) -> str:
    """What a command prints; "" when it is missing, fails or takes longer than five seconds."""
    printed = _run(command)
    return "" if printed is None else printed.decode(errors="replace")


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command exists and succeeds within five seconds."""
    return _run(command) is not None


def _run(command: Sequence[str]) -> bytes | None:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=True,
            env=os.environ | {"LC_ALL": "C"},
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        _log.debug("no answer from %s: %s", command[0], error)
        return None
