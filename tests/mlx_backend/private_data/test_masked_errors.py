"""What is private never leaves a process in an error."""

from __future__ import annotations

import ast
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlx_backend import job, protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState
from mlx_backend.jobs.exit_causes import final_error
from mlx_backend.library import Library
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.protocol import ImportSpec, LoadRequest, WorkerReply
from mlx_backend.run.process import outcome_of
from mlx_backend.worker import Worker

KEY = "AKIA" + "Q3EGTX7" + "MN2RWDVLZ"  # put together, so that no scanner takes it for a leak
ROOT = Path(__file__).parents[3]
MAKER = ROOT / "mlx_backend" / "private_data" / "masked_errors.py"


def quoting() -> OvernightError:
    """An error that quotes a note."""
    return OvernightError(
        ErrorKind.INTERNAL, f"cannot read {KEY}", "Try again.", f"ValueError: {KEY}"
    )


def fail() -> dict[str, object]:
    raise quoting()


def test_an_error_that_quotes_a_note_tells_nothing_private() -> None:
    report = report_of(quoting())
    assert report.message == "cannot read [AWS key removed]"
    assert report.detail == "ValueError: [AWS key removed]"
    assert report.hint == "Try again."
    assert report.kind == ErrorKind.INTERNAL


def test_any_exception_is_told_without_what_is_private() -> None:
    try:
        raise ValueError(f"no such note: {KEY}")
    except ValueError as error:
        report = report_of(error)
    assert report.kind == ErrorKind.INTERNAL
    assert "[AWS key removed]" in report.message
    assert "Traceback" in report.detail
    assert KEY not in f"{report.message} {report.detail}"


def sources() -> Iterator[Path]:
    for folder in ("mlx_backend", "app", "scripts"):
        yield from (ROOT / folder).rglob("*.py")


def makes_a_report(node: ast.AST) -> bool:
    """Whether this calls the class `ErrorReport` itself, or one of its class methods."""
    if not isinstance(node, ast.Call):
        return False
    called = ast.unparse(node.func)
    return called.rpartition(".")[2] == "ErrorReport" or "ErrorReport." in called


def test_nothing_else_makes_an_error_report() -> None:
    makers = {
        path
        for path in sources()
        if any(makes_a_report(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }
    assert makers == {MAKER}


def test_a_failed_training_tells_its_supervisor_nothing_private() -> None:
    line = protocol.encode_line(outcome_of(fail))
    assert b"[AWS key removed]" in line
    assert KEY.encode() not in line


def test_a_run_that_is_given_up_tells_nothing_private() -> None:
    report = report_of(final_error("crash", tries=3, checkpoint=0, printed=f"the note says {KEY}"))
    assert report.detail == "the note says [AWS key removed]"


@pytest.mark.parametrize("how", [quoting, lambda: ValueError(KEY), lambda: OSError(5, "?", KEY)])
def test_a_failed_job_writes_nothing_private(
    library: Library, monkeypatch: pytest.MonkeyPatch, how: Callable[[], Exception]
) -> None:
    folder = JobFolder.create(library.jobs, ImportSpec(paths=("/nowhere",)))

    def failing(*_: object) -> None:
        raise how()

    for name in ("redact_output", "log_to_stderr", "_signal_switch"):
        monkeypatch.setattr(job, name, lambda: bool)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "nice", lambda _: None)
    monkeypatch.setattr(job, "_run", failing)
    assert job.main([str(folder.path)]) == 1
    assert folder.status().state is JobState.FAILED
    for path in folder.path.iterdir():
        assert KEY.encode() not in path.read_bytes(), path
    assert b"[AWS key removed]" in folder.events_path.read_bytes()


def test_the_worker_replies_nothing_private(tiny_library: Library) -> None:
    replies: list[WorkerReply] = []
    adapters = (protocol.WeightedAdapter(name=KEY),)
    Worker(tiny_library, replies.append).serve(LoadRequest(id="1", model="tiny", adapters=adapters))
    (reply,) = replies
    assert isinstance(reply, protocol.RequestFailed)
    assert reply.error.kind == ErrorKind.ADAPTER_UNKNOWN
    assert "[AWS key removed]" in reply.error.message
    assert KEY.encode() not in protocol.encode_line(reply)
