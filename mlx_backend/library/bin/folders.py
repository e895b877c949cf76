"""The part of the bin that holds folders: deleted adapters and base models, moved as they are.

`<bin>/<id>/item.json` describes `<bin>/<id>/content`. It is written before the content arrives and
removed after the content has left, so that a process killed in between loses nothing. An entry
without content is no item; `sweep` removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import (
    folder_bytes,
    remove_tree,
    sweep_leftovers,
    sync_path,
    write_atomically,
)
from mlx_backend.library.bin.damaged_labels import guessed_kind, guessed_name
from mlx_backend.library.bin.items import ITEM_ID, BinKind, Binned, new_id
from mlx_backend.locks import held

_PATIENCE_S = 10.0
_ITEM, _CONTENT, _LEAVING = "item.json", "content", "leaving"


class _Item(msgspec.Struct, frozen=True, kw_only=True):
    kind: BinKind
    name: str
    deleted: float
    bytes: int
    to: str = ""
    """The name that it gets when it is restored; "" while nobody restores it."""


class FolderBin:
    """Moves folders into the bin and out of it. Creating the object touches no disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the bin's lock during a block. Raises OvernightError if it is not to be had."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with held(self._folder / ".lock", _PATIENCE_S) as alone:
            if not alone:
                raise OvernightError(
                    ErrorKind.BUSY,
                    "The bin is being changed by another process.",
                    "Wait a moment and try again.",
                )
            yield

    def items(self) -> list[Binned]:
        """All items, in no particular order."""
        return [self._read(path) for path in self._paths() if os.path.lexists(path / _CONTENT)]

    def find(self, item_id: str) -> Binned | None:
        """The item with this id; None when there is none."""
        path = self._folder / item_id
        is_there = ITEM_ID.fullmatch(item_id) and os.path.lexists(path / _CONTENT)
        return self._read(path) if is_there else None

    def has(self, item_id: str) -> bool:
        """Whether this id is taken."""
        return os.path.lexists(self._folder / item_id)

    def content(self, item: Binned) -> Path:
        """The path of an item's content."""
        return self._folder / item.id / _CONTENT

    def announce(self, kind: BinKind, name: str, path: Path, item_id: str) -> Binned:
        """Prepare an entry for the folder at `path`, which `take` moves here. Raises OSError."""
        size = 0 if path.is_symlink() else folder_bytes(path)
        item = Binned(item_id, kind, name, time.time(), size)
        label = _Item(kind=kind, name=name, deleted=item.deleted, bytes=size)
        own = self._folder / item_id
        try:
            own.mkdir(mode=0o700)
            write_atomically(own / _ITEM, msgspec.json.encode(label))
            sync_path(self._folder)
        except OSError:
            self._tidy(own)
            raise
        return item

    def take(self, item: Binned, path: Path) -> None:
        """Move a folder that was announced into the bin; on failure it stays where it is.

        Raises OvernightError when the bin is on another disk, else OSError.
        """
        try:
            path.rename(self.content(item))
        except OSError as error:
            self._tidy(self._folder / item.id)
            if error.errno == errno.EXDEV:
                raise _on_another_disk(item) from error
            raise
        _flush(path.parent, self._folder / item.id)

    @contextlib.contextmanager
    def given(self, item: Binned, to: Path) -> Iterator[None]:
        """Move an item's content to the free path `to`; if the block fails, move it back."""
        own = self._folder / item.id
        label = _Item(
            kind=item.kind, name=item.name, deleted=item.deleted, bytes=item.bytes, to=to.name
        )
        write_atomically(own / _ITEM, msgspec.json.encode(label))
        self.content(item).rename(to)
        try:
            yield
        except BaseException:
            to.rename(self.content(item))
            raise
        _flush(to.parent, own)
        self._tidy(own)

    def give(self, item: Binned, to: Path) -> None:
        """Move an item's content to the free path `to`."""
        with self.given(item, to):
            pass

    def half_given(self) -> list[tuple[Binned, str]]:
        """Items whose restoring was interrupted after the move, with their names in the library."""
        gone = [path for path in self._paths() if not os.path.lexists(path / _CONTENT)]
        found = [(path, _label(path)) for path in gone if not os.path.lexists(path / _LEAVING)]
        return [(_binned(path, label), label.to) for path, label in found if label and label.to]

    def remove(self, item: Binned) -> None:
        """Delete an item for good. `sweep` tries again what cannot be deleted now."""
        own = self._folder / item.id
        (own / _CONTENT).rename(own / _LEAVING)
        self._tidy(own)

    def sweep(self) -> None:
        """Remove what interrupted moves left behind. The caller holds the lock (`alone`)."""
        for path in self._paths():
            if not os.path.lexists(path / _CONTENT):
                sweep_leftovers(path)
                self._tidy(path)

    def new_id(self) -> str:
        """An id that no folder of the bin has."""
        return new_id(self.has)

    def _paths(self) -> list[Path]:
        try:
            paths = list(self._folder.iterdir())
        except OSError:
            return []
        return [path for path in paths if ITEM_ID.fullmatch(path.name) and path.is_dir()]

    def _read(self, path: Path) -> Binned:
        content = path / _CONTENT
        label = _label(path)
        if label is None:
            kind, name = guessed_kind(content), guessed_name(content)
            return Binned(path.name, kind, name, _changed(path), _size(content))
        return _binned(path, label)

    def _tidy(self, own: Path) -> None:
        """Remove an entry that has no content; files that are not ours stay."""
        leaving = own / _LEAVING
        with contextlib.suppress(OSError):
            if os.path.lexists(leaving):
                remove_tree(leaving)
            if not os.path.lexists(leaving) and not os.path.lexists(own / _CONTENT):
                (own / _ITEM).unlink(missing_ok=True)
                own.rmdir()


def _label(path: Path) -> _Item | None:
    """The description of an item; None when it is missing or damaged."""
    try:
        return msgspec.json.decode((path / _ITEM).read_bytes(), type=_Item)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.DecodeError):
        return None


def _binned(path: Path, label: _Item) -> Binned:
    return Binned(path.name, label.kind, label.name, label.deleted, label.bytes)


def _on_another_disk(item: Binned) -> OvernightError:
    what = "adapter" if item.kind == "adapter" else "base model"
    option = f'`overnight remove "{item.name}" --now`'
    hint = f"{option} deletes it for good." if item.kind == "adapter" else "Delete its folder."
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"The {what} “{item.name}” is on another disk than the bin, so it cannot be moved there.",
        hint,
    )


def _flush(*folders: Path) -> None:
    """Flush folders to the disk if possible; the move itself is already done."""
    for folder in folders:
        with contextlib.suppress(OSError):
            sync_path(folder)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() else folder_bytes(path)
    except OSError:
        return 0
