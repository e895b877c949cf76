"""What the steps of taking a model in share: library, job's folder, events, requests to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.files import remove_tree, settle_exchange
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.library.home import Library
from mlx_backend.models.hub.transfer import Stopped


@dataclass(frozen=True)
class Work:
    """A job that brings a model into the library, and the places of what it has so far.

    `model` holds the files that are whole, `parts` those that are not, `filed` the name under which
    the model was filed.
    """

    library: Library
    folder: JobFolder
    journal: Journal
    stop_requested: Callable[[], bool]

    @property
    def model(self) -> Path:
        """The candidate: files that are whole."""
        return self.folder.path / "model"

    @property
    def parts(self) -> Path:
        """Files that are not whole yet."""
        return self.folder.path / "parts"

    @property
    def filed(self) -> Path:
        """The file with the name that the model got in the library."""
        return self.folder.path / "filed.json"

    def begin(self, stage: str) -> None:
        """Tell that a stage begins."""
        self.journal.append(protocol.StageBegan(stage=stage))

    def stop_if_asked(self) -> None:
        """Raise Stopped if somebody asked for it."""
        if self.stop_requested():
            raise Stopped

    def settle(self) -> None:
        """Put the candidate back where a process was killed while it exchanged its folder."""
        settle_exchange(self.model)

    def prepare(self) -> None:
        """Make the folders for what comes, once `settle` was called."""
        for parent in (self.parts, self.model):
            parent.mkdir(exist_ok=True)

    def discard(self) -> None:
        """Remove what has come so far, and what killed processes left beside it."""
        left = self.folder.path.glob(f".*{self.model.name}.*")
        for part in (self.parts, self.model, *left):
            if part.exists():
                remove_tree(part)
