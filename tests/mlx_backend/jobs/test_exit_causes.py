"""Real last words of processes that trained, and what is made of them."""

from __future__ import annotations

import errno
import os
import signal

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs.exit_causes import (
    AbnormalExit,
    cause_of_error,
    cause_of_exit,
    final_error,
    retry_sentence,
)
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.protocol import Ending

_THROWN = "libc++abi: terminating due to uncaught exception of type std::runtime_error: "
_METAL = _THROWN + "[METAL] Command buffer execution failed: "
_CUDA = "terminate called after throwing an instance of 'std::runtime_error'\n  what():  "
_PROGRESS = "Loading: 100%|######| 9/9\n2026-11-24 02:10:07 INFO Going on.\n"

ABRT, SEGV, BUS = -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS
KILL, TERM = -signal.SIGKILL, -signal.SIGTERM

# What the system gave as return code, what was printed last, whether memory had run out.
ENDS: list[tuple[int, str, bool, Ending]] = [
    (
        ABRT,
        _METAL + "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",
        False,
        "out of memory",
    ),
    (
        1,
        "RuntimeError: [metal::malloc] Attempting to allocate 48736917632 bytes which is greater"
        " than the maximum allowed buffer size of 30150672384 bytes.",
        False,
        "out of memory",
    ),
    (
        ABRT,
        _THROWN + "[malloc_or_wait] Unable to allocate 9663676416 bytes.",
        False,
        "out of memory",
    ),
    (
        ABRT,
        _CUDA + "cudaMallocAsync(&data, size, stream) failed: out of memory",
        False,
        "out of memory",
    ),
    (
        ABRT,
        "terminate called after throwing an instance of 'std::bad_alloc'",
        False,
        "out of memory",
    ),
    (1, "Traceback (most recent call last):\nMemoryError", False, "out of memory"),
    (KILL, _PROGRESS, True, "out of memory"),
    (
        ABRT,
        _METAL + "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout).",
        False,
        "gpu timeout",
    ),
    (
        ABRT,
        _METAL + "Impacting Interactivity"
        " (0000000e:kIOGPUCommandBufferCallbackErrorImpactingInteractivity)",
        False,
        "gpu timeout",
    ),
    (
        ABRT,
        _METAL + "Innocent Victim (00000005:kIOGPUCommandBufferCallbackErrorInnocentVictim)",
        False,
        "gpu timeout",
    ),
    (
        ABRT,
        _METAL
        + "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)\n"
        + _METAL
        + "Innocent Victim (00000005:kIOGPUCommandBufferCallbackErrorInnocentVictim)",
        False,
        "out of memory",  # the second fault came of the first
    ),
    (ABRT, _METAL + "Internal Error (0000000e:Internal Error)", False, "crash"),
    (
        ABRT,
        _METAL + "Invalid Resource (00000009:kIOGPUCommandBufferCallbackErrorInvalidResource)",
        False,
        "crash",
    ),
    (
        ABRT,
        _CUDA + "cudaFreeAsync(buf->data, free_streams_[buf->device]) failed: an illegal memory"
        " access was encountered.",
        False,
        "crash",
    ),
    (
        SEGV,
        "Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):",
        False,
        "crash",
    ),
    (SEGV, "", True, "crash"),
    (BUS, "", False, "crash"),
    (1, "ImportError: libmlx.so: cannot open shared object file", False, "crash"),
    (0, "", False, "crash"),  # it ended in order, and yet without a word of its work
    (KILL, _PROGRESS, False, "killed"),
    (TERM, "", True, "killed"),
    (-signal.SIGHUP, "", False, "killed"),
    (1, "OSError: [Errno 28] No space left on device: '/runs/x/events.jsonl'", False, "disk full"),
    (1, "OSError: [Errno 30] Read-only file system: '/runs/x'", False, "disk full"),
]


@pytest.mark.parametrize(("code", "printed", "short", "ending"), ENDS)
def test_the_cause_is_told(code: int, printed: str, short: bool, ending: Ending) -> None:
    assert cause_of_exit(AbnormalExit(code, printed, short)) == ending


def test_signs_are_found_among_other_output() -> None:
    printed = _PROGRESS * 20 + ENDS[0][1] + "\n[1]    72864 abort\n" + _PROGRESS
    assert cause_of_exit(AbnormalExit(ABRT, printed, False)) == "out of memory"


REPORTED: list[tuple[BaseException, Ending | None]] = [
    (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "disk full"),
    (OSError(errno.EIO, os.strerror(errno.EIO)), "disk full"),
    (OSError(errno.EROFS, os.strerror(errno.EROFS)), "disk full"),
    (MemoryError(), "out of memory"),
    (RuntimeError("[malloc] Unable to allocate 1099511627776 bytes."), "out of memory"),
    (ZeroDivisionError(), "crash"),
    (OvernightError(ErrorKind.NO_MEMORY, "It does not fit."), None),
    (OvernightError(ErrorKind.NO_NOTES, "No notes."), None),
    (OvernightError(ErrorKind.MODEL_DAMAGED, "Damaged.", detail="why"), None),
]


@pytest.mark.parametrize(("error", "ending"), REPORTED, ids=lambda value: repr(value)[:40])
def test_only_surprises_are_tried_again(error: BaseException, ending: Ending | None) -> None:
    assert cause_of_error(report_of(error)) == ending


ALL: tuple[Ending, ...] = ("out of memory", "gpu timeout", "crash", "killed", "disk full")


@pytest.mark.parametrize("ending", ALL)
def test_every_ending_is_explained(ending: Ending) -> None:
    assert "saved last" in retry_sentence(ending, checkpoint=1200)
    assert "beginning" in retry_sentence(ending, checkpoint=0)
    error = final_error(ending, tries=3, checkpoint=1200, printed="the last words")
    assert "3 times" in error.message
    assert "kept" in error.hint
    assert error.detail == "the last words"
    assert error.kind in (ErrorKind.NO_MEMORY, ErrorKind.DISK_FULL, ErrorKind.CRASHED)
    assert "kept" not in final_error(ending, 3, 0, "").hint
