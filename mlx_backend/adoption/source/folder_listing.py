"""The files of a folder that a model consists of, found without opening any of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from mlx_backend.adoption.source.placing import not_regular
from mlx_backend.models.hub.wanted import no_model, wanted_names

_MOST_ENTRIES = 10_000
_MOST_HOPS = 2  # from a snapshot of Hugging Face's cache to a blob, and on to a shared one


class LocalFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when it was found: its name in the model, and the real file behind that.

    size: bytes. modified_ns, inode, device: as the file system has them. sha256: where the cache
    says it, else "".
    """

    name: str
    path: str
    size: int
    modified_ns: int
    inode: int
    device: int
    sha256: str = ""


def list_names(name: str, folder: Path) -> list[str]:
    """The names in a folder. Raises OvernightError for more than a model's folder can hold."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _MOST_ENTRIES + 1)]
    if len(names) > _MOST_ENTRIES:
        raise no_model(name, f"Its folder holds more than {_MOST_ENTRIES:,} files.")
    return names


def model_files(name: str, folder: Path, blobs: Sequence[Path]) -> tuple[LocalFile, ...]:
    """The files of the model `name` in a folder, the small ones first.

    Links are followed to files directly in the folder, and to `blobs`, the places of Hugging Face's
    cache; others raise OvernightError, as does a folder that is no model.
    """
    names = list_names(name, folder)
    sizes = {each: _size(folder / each) for each in names}
    return tuple(_found(folder / each, (folder, *blobs)) for each in wanted_names(name, sizes))


def look_again(file: LocalFile) -> LocalFile | None:
    """The same file as it is now; None where it is gone."""
    try:
        now = os.lstat(file.path)
    except OSError:
        return None
    return _as_found(file.name, Path(file.path), now)


def real_path(path: Path, places: Sequence[Path]) -> Path:
    """The regular file that a path leads to. Raises OvernightError where a link leads elsewhere."""
    for _ in range(_MOST_HOPS + 1):
        kind = path.lstat().st_mode
        if stat.S_ISREG(kind):
            return path
        if not stat.S_ISLNK(kind):
            break
        target = Path(os.path.normpath(path.parent / path.readlink()))
        is_inside = any(_is_in(target, place) for place in places)
        if not is_inside or not os.path.lexists(target):
            break
        path = target
    raise not_regular(path.name)


def _is_in(target: Path, place: Path) -> bool:
    """Whether a path is in a place, or one folder below it, with no link on the way."""
    return (
        place in (target.parent, target.parent.parent) and target.parent.resolve() == target.parent
    )


def _found(path: Path, places: Sequence[Path]) -> LocalFile:
    real = real_path(path, places)
    return _as_found(path.name, real, real.lstat())


def _as_found(name: str, path: Path, now: os.stat_result) -> LocalFile:
    return LocalFile(
        name=name,
        path=str(path),
        size=now.st_size,
        modified_ns=now.st_mtime_ns,
        inode=now.st_ino,
        device=now.st_dev,
    )


def _size(path: Path) -> int:
    """The size of a regular file, or of what a link leads to; 0 of anything else."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def folders_with_models(folder: Path) -> Iterator[str]:
    """The paths, from `folder`, of the folders in it and in these that look like models."""
    for inside in _folders_in(folder):
        name = inside.name
        if name.startswith("models--") or os.path.lexists(inside / "config.json"):
            yield name
        else:
            for each in _folders_in(inside):
                if os.path.lexists(each / "config.json"):
                    yield f"{name}/{each.name}"


def _folders_in(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        some = sorted(islice(entries, _MOST_ENTRIES), key=lambda entry: entry.name)
        return [Path(each.path) for each in some if each.is_dir(follow_symlinks=False)]
