"""What a command prints about a run that it leaves to itself, or that is over."""

from __future__ import annotations

from collections.abc import Iterator

from mlx_backend.cli.amounts import counted, duration
from mlx_backend.cli.console import Console
from mlx_backend.cli.following import follow, terminated_as_by_ctrl_c, wait_for_end
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.jobs import JobFolder, JobState, JobStatus
from mlx_backend.jobs.resume_point import resume_sentence
from mlx_backend.library import Library
from mlx_backend.protocol import RunReport, TrainSpec, Waiting
from mlx_backend.protocol.report import Coverage


def follow_or_leave(
    library: Library, folder: JobFolder, leave: bool, console: Console
) -> dict[str, object]:
    """Show a run that was just started until it is over; with `leave`, return at once.

    Returns what the command gives with --json. Raises OvernightError when the run fails. Ctrl-C
    and SIGTERM stop the run, with a checkpoint, unless it is over just then; when the terminal is
    closed, it goes on by itself.
    """
    if leave:
        return _left(library, folder, console)
    try:
        with terminated_as_by_ctrl_c():
            status = follow(folder)
    except KeyboardInterrupt:
        status = _stop_politely(folder, console)
        if status.state is JobState.STOPPED:
            console.attach({"run": folder.id})
            raise KeyboardInterrupt(_go_on(folder)) from None
    return _outcome(folder, status, console)


def _left(library: Library, folder: JobFolder, console: Console) -> dict[str, object]:
    waiting = _wait_of(library, folder)
    why = f" {waiting.text}" if waiting else ""
    console.say(f"Started {folder.id}.{why} It goes on by itself: overnight runs")
    return {
        "run": folder.id,
        "status": JobState.STARTING.value,
        "waiting": waiting.reason if waiting else None,
    }


def _wait_of(library: Library, folder: JobFolder) -> Waiting | None:
    from mlx_backend.night.queue import Queue

    spec = folder.spec()
    return Queue(library, folder, spec).turn() if isinstance(spec, TrainSpec) else None


def _stop_politely(folder: JobFolder, console: Console) -> JobStatus:
    console.note("\nStopping after this step; press Ctrl-C again not to wait for it.")
    folder.request_stop()
    status = wait_for_end(folder)
    if status.state is JobState.STOPPED:
        console.note(f"{stopped(folder, status)} {_go_on(folder)}")
    return status


def _go_on(folder: JobFolder) -> str:
    return f"Go on with: overnight resume {folder.id}"


def stopped(folder: JobFolder, status: JobStatus) -> str:
    """At which step a run was stopped, and from where it goes on."""
    if status.checkpoint and status.checkpoint >= status.step:
        return f"Stopped at step {status.step:,} of {status.steps:,}; that is saved."
    where = f" at step {status.step:,} of {status.steps:,}" if status.step else ""
    return f"Stopped{where}. {goes_on(folder, status)}"


def goes_on(folder: JobFolder, status: JobStatus) -> str:
    """From where a run that is over before its end goes on."""
    return resume_sentence(status.checkpoint, folder.studied_at() > 0)


def _outcome(folder: JobFolder, status: JobStatus, console: Console) -> dict[str, object]:
    go_on = _go_on(folder)
    if status.state is JobState.FAILED and status.error is not None:
        error = status.error.to_error()
        has_begun = status.step or status.checkpoint or folder.studied_at()
        kept = goes_on(folder, status) if has_begun else ""
        error.hint = " ".join(filter(None, (error.hint, kept, go_on)))
        raise error
    if status.state is JobState.INTERRUPTED:
        raise OvernightError(
            ErrorKind.RUN_STATE,
            f"The process of run {folder.id} was killed, or it crashed.",
            f"{goes_on(folder, status)} {go_on}",
            _tail(folder),
        )
    if status.state is JobState.STOPPED:
        console.say(f"{stopped(folder, status)} {go_on}")
        return {"run": folder.id, "status": "stopped", "step": status.step}
    _tell(status.report, console)
    return status.result


def _tell(report: RunReport, console: Console) -> None:
    """The report in short: first what came of the run, then the numbers, and what to do next."""
    for sentence in (*_achieved(report), *_measured(report), *report.judgement.advice):
        console.say(sentence)
    console.say(f'Chat with it: overnight chat --adapter "{report.filed.adapter}"')
    if report.filed.report:
        console.say(f"The whole report: {report.filed.report}")


def _achieved(report: RunReport) -> Iterator[str]:
    if report.judgement.verdict:
        yield report.judgement.verdict
    if report.coverage.asked:
        yield _coverage(report.coverage)
    if report.general.asked:
        yield (
            f"General questions, to see what was forgotten: {report.general.after} of"
            f" {report.general.asked} right; before: {report.general.before}."
        )


def _coverage(coverage: Coverage) -> str:
    if coverage.asked < coverage.facts:
        return (
            f"It was taught {coverage.facts:,} facts. Of {coverage.asked:,} that it was asked for"
            f" afterwards, it knows {coverage.known:,} by heart."
        )
    return f"{coverage.known:,} of {coverage.facts:,} facts are known by heart."


def _measured(report: RunReport) -> Iterator[str]:
    training = report.training
    took = f"{counted(training.steps, 'step')}, {duration(training.minutes * 60)}"
    yield f"Trained '{report.filed.adapter}' in {took}."
    if training.valid_loss is not None and training.base_valid_loss is not None:
        yield (
            f"Held-out loss: {training.base_valid_loss:.2f} before,"
            f" {training.valid_loss:.2f} after (lower is better)."
        )
    if (far := report.adaptation.divergence) is not None:
        yield (
            "On general questions it differs from the base model by"
            f" {far:.2f} nats per token (KL divergence)."
        )
    if report.energy.how:
        yield f"Energy: {report.energy.watt_hours:.2g} Wh. {report.energy.how}."


def _tail(folder: JobFolder) -> str:
    try:
        return folder.log_path.read_text(errors="replace")[-4000:]
    except OSError:
        return ""
