"""Why a training process ended before its work was done, and how that is told.

A fault of the GPU ends the process inside a C++ library, where Python hears nothing of it
(https://github.com/ml-explore/mlx/issues/3390): what is left are the signal, the last lines on
stderr, and how much memory there was.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Ending, ErrorReport

# What the libraries print, in lower case. The first group that is found counts, since what went
# wrong first draws other faults after it.
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
class AbnormalEnd:
    """The end of a process that did not say how its work went.

    return_code: as the system gave it, negative for a signal. printed: its last lines on stderr.
    memory_ran_out: whether the machine was out of memory at that time.
    """

    return_code: int
    printed: str
    memory_ran_out: bool


def classify(end: AbnormalEnd) -> Ending:
    """Why the process ended, as far as it can be told."""
    printed = end.printed.lower()
    for ending, signs in _SIGNS:
        if any(sign in printed for sign in signs):
            return ending
    if end.return_code == -signal.SIGKILL and end.memory_ran_out:
        return "out of memory"
    return "killed" if -end.return_code in _ENDED_FROM_OUTSIDE else "crash"


def ending_of_error(error: ErrorReport) -> Ending | None:
    """What an error that the process itself reported amounts to; None when trying again is idle.

    An error that was raised on purpose (no notes, a damaged model, a plan that does not fit) is
    no better the second time; one that came as a surprise, and so has a traceback, may be.
    """
    if error.kind == ErrorKind.DISK_FULL:
        return "disk full"
    if error.kind == ErrorKind.NO_MEMORY and error.detail:
        return "out of memory"
    return "crash" if error.kind == ErrorKind.INTERNAL else None


def explain(ending: Ending, checkpoint: int) -> str:
    """What happened, and what is done about it, in one or two sentences."""
    start = "from what was saved last" if checkpoint else "from its beginning"
    return f"{_WHAT_HAPPENED[ending]}. It goes on {start}, {_WHAT_IS_DONE[ending]}."


def give_up(ending: Ending, tries: int, checkpoint: int, printed: str) -> OvernightError:
    """The error of a run that does not get on. Whoever shows it says how to go on with the run."""
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
