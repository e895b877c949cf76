"""The folder of a library, and the paths of everything in it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.database import refuse_later_version

HOME_VARIABLE = "OVERNIGHT_HOME"
DATABASE = "library.sqlite"
"""The file whose presence marks a folder as a library."""


@dataclass(frozen=True)
class Library:
    """The paths of one library. Creating the object touches no disk; `open` does."""

    home: Path

    @classmethod
    def default_home(cls) -> Path:
        """`OVERNIGHT_HOME`, else the platform's folder for a user's application data."""
        chosen = os.environ.get(HOME_VARIABLE)
        if not chosen:
            return platformdirs.user_data_path("Overnight")
        try:
            return Path(chosen).expanduser()
        except RuntimeError:  # "~name" of an unknown user stays as it is, as in a shell
            return Path(chosen)

    @classmethod
    def open(cls, home: Path | None = None) -> Library:
        """The library at `home`, else at the default place; creates missing folders.

        A new library is readable by its owner only. Raises OvernightError when a folder cannot be
        created, and, before touching anything, when a later version of Overnight wrote the library.
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
                f"The library {library.home} cannot be created: {_reason(library, error)}.",
                f"Check its permissions and the disk, or set {HOME_VARIABLE} to another folder.",
                str(error),
            ) from error
        return library

    @property
    def database(self) -> Path:
        """The SQLite database: notes, passages, samples and conversations."""
        return self.home / DATABASE

    @property
    def settings(self) -> Path:
        """The person's settings."""
        return self.home / "settings.json"

    @property
    def models(self) -> Path:
        """The base models, one folder each."""
        return self.home / "models"

    @property
    def runs(self) -> Path:
        """The runs, one folder each."""
        return self.home / "runs"

    @property
    def jobs(self) -> Path:
        """The imports, exports and downloads, one folder each, in the same form as runs."""
        return self.home / "jobs"

    @property
    def adapters(self) -> Path:
        """The trained adapters, one folder each."""
        return self.home / "adapters"

    @property
    def bin(self) -> Path:
        """Deleted adapters and models, one folder each; created at the first deletion."""
        return self.home / "bin"

    @property
    def prompts(self) -> Path:
        """What was read of the last conversations, one folder each; created when there is one."""
        return self.home / "prompts"

    @property
    def logs(self) -> Path:
        """The log files of window, worker and jobs."""
        return self.home / "logs"

    @property
    def lane(self) -> Path:
        """The lock file for the GPU's single lane: a run holds it while it trains."""
        return self.home / "lane.lock"

    @property
    def import_lock(self) -> Path:
        """The lock file that an import holds while it writes notes."""
        return self.home / "import.lock"

    @property
    def window_lock(self) -> Path:
        """The lock file that the window of this library holds."""
        return self.home / "window.lock"


def _refuse_bytes(home: Path) -> None:
    """Raise OvernightError when the path is not valid UTF-8: not every library can write there."""
    try:
        str(home).encode()
    except UnicodeEncodeError as error:
        raise OvernightError(
            ErrorKind.MISSING_LIBRARY,
            f"The library cannot be in {home}: the path is not valid UTF-8.",
            f"Rename the folder, or set {HOME_VARIABLE} to another one.",
        ) from error


def _reason(library: Library, error: OSError) -> str:
    if library.home.is_file():
        return "a file has that name"
    if library.home.is_symlink():
        return "it is a broken symbolic link"
    return error.strerror or str(error)
