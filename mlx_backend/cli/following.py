"""Showing a job while it goes on: a progress bar in a terminal, elsewhere a line now and then."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NoReturn, Self, TextIO

from tqdm import tqdm

from mlx_backend import protocol
from mlx_backend.cli.amounts import data_size, duration
from mlx_backend.cli.console import Console
from mlx_backend.cli.printing import harmless
from mlx_backend.jobs import JobFolder, JobState, JobStatus
from mlx_backend.jobs.paced_progress import PacedProgress

_POLL_S = 0.1
_LINE_EVERY_S = 30.0
_STAGES = {
    "answering": "Getting to know the base model, once for each",
    "studying": "Studying the notes",
    "preparing": "Preparing",
    "privacy": "Looking for what should not leave",
    "training": "Training",
    "saving": "Saving",
    "checking": "Checking",
    "looking up": "Asking the Hub",
    "downloading": "Downloading",
    "looking": "Looking at the model",
    "placing": "Bringing its files into the library",
    "comparing": "Computing its check sums",
    "quantising": "Making its weights smaller",
    "reading": "Reading its files",
    "trying": "Trying it out",
    "publishing": "Publishing",
    "files": "Looking through the files",
    "secrets": "Testing what the adapter remembers of secrets",
    "canaries": "Testing how well it remembers the invented codes that were trained along",
    "passages": "Letting it go on with your most private passages",
}
_BYTES = "bytes"
_LONGEST = 100  # characters of an answer


def follow(folder: JobFolder) -> JobStatus:
    """Show a run's progress on stderr until it is over."""
    status, reader = JobStatus(), folder.reader()
    with shown_progress() as progress:
        events = since_launch(folder.refresh(status, reader))
        while True:
            for event in events:
                progress.show(event)
            if status.state.is_over:
                return status
            time.sleep(_POLL_S)
            events = folder.refresh(status, reader)


@contextlib.contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    """Show on stderr what this process counts.

    Yields a function that takes what is counted, how many are done, and of how many; each kind of
    thing is a stage of its own.
    """
    with shown_progress() as progress:
        paced = PacedProgress(progress.show)
        counted = ""

        def tell(what: str, done: int, of: int) -> None:
            nonlocal counted
            if what != counted:
                counted = what
                progress.show(protocol.StageBegan(stage=what))
            paced.show(what, done, of)

        yield tell


def shown_progress() -> ProgressBar | ProgressLines:
    """What shows a job's events on stderr: a bar in a terminal, elsewhere lines."""
    return ProgressBar() if sys.stderr.isatty() else ProgressLines(_to_stderr)


def follow_until_stopped(
    folder: JobFolder, said: str, go_on: Callable[[JobStatus], str], console: Console
) -> JobStatus:
    """Show a job that was just started until it is over.

    Ctrl-C and SIGTERM stop the job. Then this waits until it has stopped, says so with the word
    `said` and how to go on (`go_on`), and raises KeyboardInterrupt with the latter. One that is
    over before it is stopped is returned as ever.
    """
    try:
        with terminated_as_by_ctrl_c():
            return follow(folder)
    except KeyboardInterrupt:
        folder.request_stop()
        status = wait_for_end(folder)
        if status.state is not JobState.STOPPED:
            return status
        hint = go_on(status)
        console.note(f"\n{said}. {hint}")
        console.attach({"run": folder.id})
        raise KeyboardInterrupt(hint) from None


@contextlib.contextmanager
def terminated_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def wait_for_end(folder: JobFolder) -> JobStatus:
    """Wait until a run is over, and print nothing."""
    status, reader = JobStatus(), folder.reader()
    folder.refresh(status, reader)
    while not status.state.is_over:
        time.sleep(_POLL_S)
        folder.refresh(status, reader)
    return status


def since_launch(events: Sequence[protocol.JobEvent]) -> Sequence[protocol.JobEvent]:
    """The events since the run was last launched, without those of its earlier processes."""
    launches = [i for i, event in enumerate(events) if isinstance(event, protocol.Launched)]
    return events[launches[-1] :] if launches else events


class ProgressLines:
    """Tells in lines what a run does: each stage, each notice, and its progress now and then.

    `say` prints a line; `clock` returns seconds.
    """

    def __init__(
        self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._clock = clock
        self._said_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def show(self, event: protocol.JobEvent) -> None:
        """Print a line about an event, if it is worth one."""
        remark = _remark(event)
        if remark:
            self._tell(remark)
        elif isinstance(event, protocol.Examined):
            for line in _answers(event):
                self._tell(line)
        elif isinstance(event, protocol.StepDone) and self._is_time():
            self._tell(_step(event))
        elif isinstance(event, protocol.Progress) and self._is_time():
            self._tell(f"{_done(event)}.")

    def _is_time(self) -> bool:
        return self._clock() - self._said_at >= _LINE_EVERY_S

    def _tell(self, line: str) -> None:
        self._said_at = self._clock()
        self._say(line)


class ProgressBar:
    """Shows a run as a progress bar, with its notices above."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stderr
        self._steps: int | None = None
        self._bar: tqdm[NoReturn] = tqdm(unit=" step", file=self._file, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()

    def show(self, event: protocol.JobEvent) -> None:
        match event:
            case protocol.StageBegan():
                self._begin_stage(event)
            case protocol.Progress():
                # A study counts notes at first, and then passages.
                self._bar.unit = f" {event.unit.removesuffix('s')}"
                self._bar.unit_scale = event.unit == _BYTES
                self._bar.n, self._bar.total = event.done, event.total or None
                self._bar.set_postfix_str(", ".join(filter(None, (event.text, _left(event)))))
            case protocol.Planned():
                self._bar.total = self._steps = event.steps
                self._bar.refresh()
            case protocol.StepDone():
                speed = f"loss {event.loss:.2f}, {event.tokens_per_second:.0f} tokens/s"
                self._bar.set_postfix_str(speed, refresh=False)
                self._bar.update(event.step - self._bar.n)
            case protocol.Examined():
                for line in _answers(event):
                    self._bar.write(harmless(line), file=self._file)
            case _:
                if remark := _remark(event):
                    self._bar.write(harmless(remark), file=self._file)

    def _begin_stage(self, event: protocol.StageBegan) -> None:
        self._bar.reset()  # the stage before is done
        self._bar.total = self._steps
        self._bar.unit = " step"
        self._bar.set_postfix_str("", refresh=False)
        self._bar.set_description_str(_stage(event))


def _remark(event: protocol.JobEvent) -> str:
    """The line that an event is worth by itself; "" for none."""
    match event:
        case protocol.StageBegan():
            return f"{_stage(event)} ..."
        case protocol.Waiting() | protocol.AttemptEnded() | protocol.Notice():
            return event.text
        case protocol.WaitOver():
            return "Going on."
        case _:
            return ""


def _answers(event: protocol.Examined) -> Iterator[str]:
    """A line for each answer of the exam: + for a right one, - for a wrong one."""
    for each in event.answers:
        said = " ".join(each.text.split())
        short = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
        yield f"{'+' if each.right else '-'} {' '.join(each.question.split())}  {short}"


def _stage(event: protocol.StageBegan) -> str:
    return _STAGES.get(event.stage, event.stage.capitalize())


def _done(event: protocol.Progress) -> str:
    left = _left(event)
    if not (event.done or event.total):
        return left.capitalize() or "Working"
    return ", ".join(filter(None, (_amount(event), event.text, left)))


def _amount(event: protocol.Progress) -> str:
    if event.unit == _BYTES:
        return f"{data_size(event.done)} of {data_size(event.total)}"
    of = f" of {event.total:,}" if event.total else ""
    return f"{event.done:,}{of} {event.unit}"


def _left(event: protocol.Progress) -> str:
    return "" if event.remaining_s is None else f"about {duration(event.remaining_s)} left"


def _step(event: protocol.StepDone) -> str:
    done = f"Step {event.step:,} of {event.steps:,}, loss {event.loss:.2f}"
    speed = f"{event.tokens_per_second:,.0f} tokens a second"
    return f"{done}, {speed}, about {duration(event.remaining_s)} left."


def _to_stderr(line: str) -> None:
    print(harmless(line), file=sys.stderr, flush=True)
