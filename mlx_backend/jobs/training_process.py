"""The training process as its supervisor sees it.

The process reports its outcome in one line on its stdout, a job event: finished, stopped, failed,
or waiting for memory. It takes the request to stop from its stdin, and ends when that closes.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

from mlx_backend import protocol
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.printed_log import PrintedLog
from mlx_backend.library.home import HOME_VARIABLE

TRAINING = (sys.executable, "-m", "mlx_backend.run.process")
STOP = b"stop\n"

_TAIL_BYTES = 8_000
_PIPE_BYTES = 1 << 16
_FAREWELL_S = 20.0  # for libraries that hang while they clean up

End = protocol.Finished | protocol.Stopped | protocol.Failed
Outcome = End | protocol.Waiting


class TrainingProcess:
    """One process that works on a run. A context manager: leaving it ends the process.

    Raises OSError when it cannot be started.
    """

    def __init__(self, folder: JobFolder, command: Sequence[str] = TRAINING) -> None:
        self._said = b""
        with PrintedLog(folder.log_path, _TAIL_BYTES) as self._printed:
            self._process = subprocess.Popen(
                [*command, str(folder.path)],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed.inlet,
                cwd="/",
                env=_environment(folder),
            )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self._printed.wait()
        self._selector.close()
        self._output.close()
        self._input.close()

    @property
    def return_code(self) -> int:
        """The exit code, negative for a signal; waits until the process has ended."""
        return self._process.wait()

    def ask_to_stop(self) -> None:
        """Ask it to save and end; does nothing where it is ending already."""
        with contextlib.suppress(OSError):
            self._input.write(STOP)

    def kill(self) -> None:
        """Kill it, if it has not ended."""
        self._process.kill()
        self._process.wait()

    def is_over(self, patience: float) -> bool:
        """Whether it has ended, waiting up to `patience` seconds for that."""
        if self._selector.select(patience):
            part = self._output.read(_PIPE_BYTES)
            self._said += part
            if not part:
                self._let_it_end()
                return True
        return self._process.poll() is not None and not self._selector.select(0)

    def outcome(self) -> Outcome | None:
        """The outcome that it reported; None when it reported none."""
        lines = self._said.splitlines()
        event = protocol.decode_event(lines[-1]) if lines else None
        return event if isinstance(event, Outcome) else None

    def printed(self) -> str:
        """The end of its stderr, private data masked; to be called once it has ended."""
        return self._printed.tail()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _let_it_end(self) -> None:
        try:
            self._process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            self.kill()


def _environment(folder: JobFolder) -> dict[str, str]:
    environment = os.environ | {HOME_VARIABLE: str(folder.home), "PYTHONFAULTHANDLER": "1"}
    if sys.platform == "darwin":
        # Long GPU work beside a display: https://github.com/ml-explore/mlx/issues/3267
        environment["AGX_RELAX_CDM_CTXSTORE_TIMEOUT"] = "1"
    return environment
