"""Why a training process ended before its work was done, and what the person is told.

A fault of the GPU ends the process inside a C++ library, where Python cannot catch it
(https://github.com/ml-explore/mlx/issues/3390). What remains to judge by: the signal, the last
lines on stderr, and how much memory was free.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Ending, ErrorReport

# What the libraries print, in lower case. The first group that is found counts: a fault causes
# others after it.
_SIGNS: tuple[tuple[Ending, tuple[str, ...]], ...] = (
    (
        "out of memory",
        (
            "kiogpucommandbuffercallbackerroroutofmemory",
            "insufficient memory",
            "[metal::malloc]",
            "attempting to allocate",
            "unable to allocate",
            "out of memory",
            "cudaerrormemoryallocation",
            "std::bad_alloc",
            "memoryerror",
        ),
    ),
    (
        "gpu timeout",
        (
            "kiogpucommandbuffercallbackerrortimeout",
            "kiogpucommandbuffercallbackerrorimpactinginteractivity",
            "kiogpucommandbuffercallbackerrorinnocentvictim",
            "caused gpu timeout error",
            "impacting interactivity",
            "innocent victim",
        ),
    ),
    (
        "disk full",
        (
            "no space left on device",
            "disk quota exceeded",
            "read-only file system",
            "input/output error",
        ),
    ),
)
_ENDED_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}

_WHAT_HAPPENED: dict[Ending, str] = {
    "stopped": "The training was stopped",
    "out of memory": "The training ran out of memory",
    "gpu timeout": "The system took the graphics processor away from the training",
    "crash": "The training process crashed",
    "killed": "The training process was ended from outside",
    "disk full": "The disk would not take what the training wrote",
}
_WHAT_IS_DONE: dict[Ending, str] = {
    "stopped": "",
    "out of memory": "in a way that needs less memory",
    "gpu timeout": "in smaller portions, after a short rest",
    "crash": "after a short rest",
    "killed": "after a short rest",
    "disk full": "as soon as there is room",
}
_WHAT_TO_DO: dict[Ending, str] = {
    "stopped": "",
    "out of memory": "Close other large programs, or start a run with a smaller base model.",
    "gpu timeout": "Let the display sleep while the run goes on, or choose a smaller base model.",
    "crash": "Restart the computer if this keeps happening; the log says more.",
    "killed": "See whether another program ends it, such as a cleaner or a memory guard.",
    "disk full": "Free some space and check that the disk is connected and writable.",
}


@dataclass(frozen=True)
class AbnormalExit:
    """The end of a process that reported no outcome.

    return_code: negative for a signal. printed: its last lines on stderr. memory_ran_out: whether
    the machine was out of memory at that time.
    """

    return_code: int
    printed: str
    memory_ran_out: bool


def cause_of_exit(end: AbnormalExit) -> Ending:
    """Why the process ended, as far as that can be found out."""
    printed = end.printed.lower()
    for ending, signs in _SIGNS:
        if any(sign in printed for sign in signs):
            return ending
    if end.return_code == -signal.SIGKILL and end.memory_ran_out:
        return "out of memory"
    return "killed" if -end.return_code in _ENDED_FROM_OUTSIDE else "crash"


def cause_of_error(error: ErrorReport) -> Ending | None:
    """The cause behind an error that the process itself reported; None when a retry cannot help.

    An error that was raised on purpose (no notes, a damaged model, a plan that does not fit) would
    come again; an unexpected one, which has a traceback, may not.
    """
    if error.kind == ErrorKind.DISK_FULL:
        return "disk full"
    if error.kind == ErrorKind.NO_MEMORY and error.detail:
        return "out of memory"
    return "crash" if error.kind == ErrorKind.INTERNAL else None


def retry_sentence(ending: Ending, checkpoint: int) -> str:
    """What happened and how the run goes on, for the person. `checkpoint`: 0 without one."""
    start = "from what was saved last" if checkpoint else "from its beginning"
    return f"{_WHAT_HAPPENED[ending]}. It goes on {start}, {_WHAT_IS_DONE[ending]}."


def final_error(ending: Ending, tries: int, checkpoint: int, printed: str) -> OvernightError:
    """The error of a run that failed so many `tries` in a row.

    `printed` are the last lines of the training process. Whoever shows the error adds how the run
    can be continued.
    """
    kept = " What was saved until then is kept." if checkpoint else ""
    kinds: dict[Ending, ErrorKind] = {
        "out of memory": ErrorKind.NO_MEMORY,
        "disk full": ErrorKind.DISK_FULL,
    }
    return OvernightError(
        kinds.get(ending, ErrorKind.CRASHED),
        f"{_WHAT_HAPPENED[ending]}, {tries} times without getting any further.",
        _WHAT_TO_DO[ending] + kept,
        printed,
    )
