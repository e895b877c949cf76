"""What a run freezes at its first start, so that a resumed run ends with the very same adapter.

`samples.json`: the dataset. `canaries.json`: the canaries in it, where there are any.
`plan.json`: how many steps, and how a step saves memory; what bad ends change about that is in
other files (see `attempt_way`).
`before.json`: what the model could before the training. `targets`: what the base model as teacher
finds likely, until the adapter is filed. `cores`: on how many it computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from mlx_backend import protocol
from mlx_backend.dataset.samples import Dataset, load_dataset, save_dataset
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import remove_tree, write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.library.canaries import Canary, encode_canaries, read_canaries
from mlx_backend.machine.accelerator import has_gpu
from mlx_backend.machine.cores import CoreShare, fix_cores, fixed_cores, free_cores, usable_cores
from mlx_backend.run.plan import RunPlan

_T = TypeVar("_T")


class FrozenFiles:
    """The frozen files in a run's folder."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder

    @property
    def before(self) -> Path:
        """The assessment before the training."""
        return self._folder.path / "before.json"

    @property
    def targets(self) -> Path:
        """The folder of the soft targets that the base model made as a teacher."""
        return self._folder.path / "targets"

    def forget_targets(self) -> None:
        """Remove the soft targets, which nothing needs once the adapter is filed."""
        if self.targets.exists():
            remove_tree(self.targets, must_succeed=True)

    def dataset(self) -> Dataset | None:
        """The frozen samples; None before they are written.

        Raises OvernightError when they cannot be read.
        """
        return _read(self._folder.path / "samples.json", load_dataset)

    def save_dataset(self, dataset: Dataset) -> None:
        """Freeze the samples."""
        save_dataset(self._folder.path / "samples.json", dataset)

    def canaries(self) -> tuple[Canary, ...] | None:
        """The canaries of the run; None before they are invented, and in a run without.

        Raises OvernightError when they cannot be read.
        """
        return _read(self._folder.path / "canaries.json", read_canaries)

    def save_canaries(self, canaries: Sequence[Canary]) -> None:
        """Freeze the canaries."""
        write_atomically(self._folder.path / "canaries.json", encode_canaries(canaries))

    def plan(self) -> RunPlan | None:
        """The frozen plan; None before it is made. Raises OvernightError when it is damaged."""
        return _read(
            self._folder.path / "plan.json",
            lambda path: msgspec.json.decode(path.read_bytes(), type=RunPlan),
        )

    def save_plan(self, plan: RunPlan) -> None:
        """Freeze the plan."""
        write_atomically(self._folder.path / "plan.json", msgspec.json.encode(plan))

    def forget_training(self) -> None:
        """Remove all that follows from the samples: checkpoints, plan, assessment, targets."""
        if self._folder.checkpoints.exists():
            remove_tree(self._folder.checkpoints, must_succeed=True)
        (self._folder.path / "plan.json").unlink(missing_ok=True)
        self.before.unlink(missing_ok=True)
        self.forget_targets()

    def keep_to_cores(self) -> None:
        """Compute on as many cores as at the first start, because the last bits depend on it.

        Where fewer may be used now, on those: more threads than cores would take ten times as long.
        """
        if has_gpu():
            return
        path = self._folder.path / "cores"
        if not fixed_cores():
            if not path.exists():
                write_atomically(path, str(free_cores()).encode())
            text = path.read_text(encoding="ascii", errors="replace")
            fix_cores(int(text) if text.isdecimal() else free_cores())
            self._tell_if_cores_are_fewer()
        CoreShare()  # sets the number of threads for what is computed before the first step

    def _tell_if_cores_are_fewer(self) -> None:
        if fixed_cores() > usable_cores():
            text = (
                f"This run began on {fixed_cores()} processor cores and goes on with the"
                f" {usable_cores()} that it may use now: its results can differ in the last digits."
            )
            self._folder.append(protocol.Notice(text=text))


def _read(path: Path, read: Callable[[Path], _T]) -> _T | None:
    if not path.exists():
        return None
    try:
        return read(path)
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError) as error:
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN,
            f"The file {path} of this run is damaged.",
            "Start a new run; the notes are all there.",
            str(error),
        ) from error
