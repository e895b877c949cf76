"""Where things are in a library."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.database import refuse_later_version

HOME_VARIABLE = "OVERNIGHT_HOME"
DATABASE = "library.sqlite"
"""The file that makes a folder a library."""


@dataclass(frozen=True)
class Library:
    """The places of one library. Making the object touches no disk; `open` does."""

    home: Path

    @classmethod
    def default_home(cls) -> Path:
        """`OVERNIGHT_HOME`, else the platform's folder for a user's application data."""
        chosen = os.environ.get(HOME_VARIABLE)
        if not chosen:
            return platformdirs.user_data_path("Overnight")
        try:
            return Path(chosen).expanduser()
        except RuntimeError:  # "~name" of nobody here is a name like others, as in a shell
            return Path(chosen)

    @classmethod
    def open(cls, home: Path | None = None) -> Library:
        """Make the folders where they are missing. Raises OvernightError when that fails.

        A new library is for its owner's eyes alone, like the most private note in it. One that a
        later version wrote raises it too, before anything is touched.
        """
        library = cls((home or cls.default_home()).absolute())
        _refuse_bytes(library.home)
        refuse_later_version(library.database)
        try:
            library.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (
                library.models,
                library.runs,
                library.jobs,
                library.adapters,
                library.logs,
            ):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OvernightError(
                ErrorKind.MISSING_LIBRARY,
                f"The library's folder {library.home} cannot be made: {_reason(library, error)}.",
                f"Check its permissions and the disk, or set {HOME_VARIABLE} to another folder.",
                str(error),
            ) from error
        return library

    @property
    def database(self) -> Path:
        """Notes, passages and conversations."""
        return self.home / DATABASE

    @property
    def settings(self) -> Path:
        """What the person has set."""
        return self.home / "settings.json"

    @property
    def models(self) -> Path:
        """Base models, a folder each."""
        return self.home / "models"

    @property
    def runs(self) -> Path:
        """Runs, a folder each."""
        return self.home / "runs"

    @property
    def jobs(self) -> Path:
        """Imports and exports, a folder each, in the same form as runs."""
        return self.home / "jobs"

    @property
    def adapters(self) -> Path:
        """Trained adapters, a folder each."""
        return self.home / "adapters"

    @property
    def bin(self) -> Path:
        """Deleted adapters and models, a folder each; made when the first one is deleted."""
        return self.home / "bin"

    @property
    def logs(self) -> Path:
        """Log files of window, worker and jobs."""
        return self.home / "logs"

    @property
    def lane(self) -> Path:
        """The lock of the one lane to the GPU: held by a run while it trains."""
        return self.home / "lane.lock"

    @property
    def import_lock(self) -> Path:
        """Held by the one import that writes notes."""
        return self.home / "import.lock"

    @property
    def window_lock(self) -> Path:
        """Held by the one window on this library."""
        return self.home / "window.lock"


def _refuse_bytes(home: Path) -> None:
    """Raise OvernightError where a place is no text; not all that writes there can do so."""
    try:
        str(home).encode()
    except UnicodeEncodeError as error:
        raise OvernightError(
            ErrorKind.MISSING_LIBRARY,
            f"The library cannot be in {home}: the name holds bytes that are no text.",
            f"Rename the folder, or set {HOME_VARIABLE} to another one.",
        ) from error


def _reason(library: Library, error: OSError) -> str:
    if library.home.is_file():
        return "there is a file of that name"
    if library.home.is_symlink():
        return "it is a link that leads nowhere"
    return error.strerror or str(error)
