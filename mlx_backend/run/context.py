"""What all stages of a run share: its library, folder and spec, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlx_backend import protocol
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library.home import Library
from mlx_backend.night.deadline import length_of, training_deadline
from mlx_backend.night.shares import Budget, budget_of
from mlx_backend.protocol import TrainSpec
from mlx_backend.run.exam_telling import Watch
from mlx_backend.run.frozen import FrozenFiles
from mlx_backend.run.preparing_clock import PreparingClock
from mlx_backend.training.checkpoints import elapsed_before
from mlx_backend.training.hosts.crew import Crew
from mlx_backend.training.stop_requests import Check, check_of


@dataclass(frozen=True)
class RunContext:
    """One attempt at a run.

    `crew` are the other machines, None where this one trains alone. `began` is when the attempt
    began (Unix time), `studied_s` the seconds that earlier attempts spent on study: they count
    against the hours of the run, as do those that `preparing` counts.
    """

    library: Library
    folder: JobFolder
    spec: TrainSpec
    crew: Crew | None
    began: float
    studied_s: float
    preparing: PreparingClock
    stop_requested: Callable[[], bool]

    @property
    def files(self) -> FrozenFiles:
        """The files that the run wrote at its first start."""
        return FrozenFiles(self.folder)

    @property
    def check(self) -> Check:
        """Called between the parts of longer work; raises StoppedEarly when asked to stop."""
        is_to_stop = check_of(self.stop_requested)

        def check() -> None:
            self.preparing.tick()
            is_to_stop()

        return check

    @property
    def watch(self) -> Watch:
        """The person, who sees what is done and can stop it."""
        return Watch(self.folder.append, self.check)

    def deadline(self, after_training_s: float) -> float | None:
        """When the training ends at the latest (Unix time); None when nothing bounds it.

        `after_training_s` are the seconds that the exam after the training takes.
        """
        end = training_deadline(self.spec, self.began, self._spent_s)
        return None if end is None else end - after_training_s

    @property
    def budget(self) -> Budget:
        """The most time that each part of the run may take."""
        return budget_of(length_of(self.spec, self.began, self._spent_s))

    @property
    def _spent_s(self) -> float:
        """The seconds that earlier attempts took."""
        trained_s = elapsed_before(self.folder.checkpoints)
        return trained_s + self.studied_s + self.preparing.before_s

    def dismiss_crew(self) -> None:
        """Let the other machines go: there is nothing left for them to compute."""
        if self.crew is not None:
            self.crew.dismiss()

    def begin_stage(self, name: str) -> None:
        """Tell that a stage begins."""
        self.folder.append(protocol.StageBegan(stage=name))

    def notice(self, text: str) -> None:
        """Tell the person something, in a sentence or two."""
        self.folder.append(protocol.Notice(text=text))

    def tell_remaining(self, seconds: float) -> None:
        """Tell how long the present stage takes."""
        self.folder.append(protocol.Progress(done=0, total=0, unit="steps", remaining_s=seconds))
