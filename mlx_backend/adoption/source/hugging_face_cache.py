"""Hugging Face's cache of models: `models--OWNER--NAME/{refs,blobs,snapshots/REVISION}`.

A snapshot's files are links into `blobs`, named by their digests; those may be links into a store
that all entries share (huggingface_hub 2.4, `utils/_shared_blobs.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError

_ENTRY = re.compile(r"models--([\w.-]{1,96}?)(?:--([\w.-]{1,96}))?", re.ASCII)
_REVISION = re.compile(r"[\w.-]{1,255}", re.ASCII)
_LONGEST_REF = 255


@dataclass(frozen=True)
class Snapshot:
    """A model at one revision in the cache; `repository` is OWNER/NAME, or NAME alone."""

    folder: Path
    repository: str
    revision: str
    entry: Path

    @property
    def blobs(self) -> tuple[Path, ...]:
        """Where its links may lead: the entry's own blobs, and those that all entries share."""
        return self.entry / "blobs", self.entry.parent / "blobs"


def find_snapshot(folder: Path) -> Snapshot | None:
    """The snapshot that a resolved folder is, or holds as an entry; None where it is no cache.

    Of an entry, that of the branch main, else the newest. Raises OvernightError where it has none.
    """
    if (folder / "snapshots").is_dir() and (repository := _repository(folder)):
        revision = _main(folder) or _newest(folder)
        if revision is None:
            raise OvernightError(
                ErrorKind.BAD_INPUT,
                f"{repository} is in the cache of Hugging Face, but none of its files is.",
                f"Download it: overnight download {repository}",
            )
        return Snapshot(folder / "snapshots" / revision, repository, revision, folder)
    entry = folder.parent.parent
    if folder.parent.name == "snapshots" and (repository := _repository(entry)):
        return Snapshot(folder, repository, folder.name, entry)
    return None


def _repository(entry: Path) -> str:
    found = _ENTRY.fullmatch(entry.name)
    return "/".join(filter(None, found.groups())) if found else ""


def _main(entry: Path) -> str | None:
    ref = entry / "refs" / "main"
    if ref.is_symlink() or not ref.is_file():
        return None
    with ref.open("rb") as file:
        said = file.read(_LONGEST_REF).decode("ascii", "replace").strip()
    return said if _is_snapshot(entry / "snapshots" / said, said) else None


def _newest(entry: Path) -> str | None:
    found = [path for path in (entry / "snapshots").iterdir() if _is_snapshot(path, path.name)]
    newest = max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
    return newest.name if newest else None


def _is_snapshot(path: Path, name: str) -> bool:
    is_name = _REVISION.fullmatch(name) and name not in (".", "..")
    return bool(is_name) and path.is_dir() and not path.is_symlink()
