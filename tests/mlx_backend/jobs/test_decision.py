from __future__ import annotations

import pytest

from mlx_backend import protocol
from mlx_backend.jobs.attempt import AttemptResult
from mlx_backend.jobs.decision import Decision, Done, GiveUp, GoOn, Judge, Retry, Wait
from mlx_backend.jobs.exit_causes import AbnormalExit
from mlx_backend.jobs.training_process import Outcome
from mlx_backend.protocol import ErrorReport

FINISHED = protocol.Finished(result={})
WAITING = protocol.Waiting(reason="memory", text="It needs it.", needed_bytes=1)
CRASH = AbnormalExit(3, "", memory_ran_out=False)


def failed(kind: str, detail: str = "") -> protocol.Failed:
    return protocol.Failed(error=ErrorReport(kind=kind, message="", hint="", detail=detail))


def judged(
    *ends: Outcome | AbnormalExit,
    asked: bool = False,
    progress: bool = False,
    must_end: bool = False,
    has_room: bool = True,
) -> Decision:
    """What is decided after the last of these attempts."""
    judge = Judge(tries=3, has_room=lambda: has_room)
    results = [AttemptResult(end, asked, progress) for end in ends]
    *_, last = [judge.decide(result, must_end, checkpoint=0) for result in results]
    return last


def test_each_end_has_its_decision() -> None:
    assert judged(FINISHED) == Done(FINISHED)
    assert judged(WAITING) == Wait(WAITING, times=1)
    assert judged(WAITING, WAITING) == Wait(WAITING, times=2)
    assert judged(WAITING, WAITING, progress=True) == Wait(WAITING, times=1)
    assert judged(protocol.Stopped(), asked=True) == GoOn()
    assert judged(protocol.Stopped()) == Retry("killed", is_last=False)
    assert judged(CRASH) == Retry("crash", is_last=False)
    assert judged(CRASH, must_end=True) == GoOn()
    assert judged(*[failed("busy")] * 5) == GoOn()


@pytest.mark.parametrize("has_room", [True, False])
def test_an_error_on_a_full_disk_is_retried_for_ever(has_room: bool) -> None:
    unreadable = failed("unreadable")
    expected = GiveUp(unreadable) if has_room else Retry("disk full", is_last=False)
    assert judged(*[unreadable] * 5, has_room=has_room) == expected


def test_the_third_failure_without_progress_is_the_last() -> None:
    assert judged(CRASH, CRASH) == Retry("crash", is_last=True)
    assert judged(*[CRASH] * 5, progress=True) == Retry("crash", is_last=False)
    end = judged(CRASH, CRASH, CRASH)
    assert isinstance(end, GiveUp)
    assert end.end.error.kind == "crashed"
    surprise = failed("internal", "Traceback")
    assert judged(surprise, surprise, surprise) == GiveUp(surprise)
