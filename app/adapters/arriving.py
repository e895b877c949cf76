"""What of the things that a person drops or chooses is an adapter, and not notes.

All of this reads files, so it is never done on the window's thread. Nothing is unpacked here: the
job that receives an adapter looks at it closely, in a process of its own.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from app.adapters.export_choices import BUNDLE
from mlx_backend.errors import ErrorKind, OvernightError

_CONFIG = "adapter_config.json"
_WEIGHTS = ("adapters.safetensors", "adapter_model.safetensors")

# The end of a zip: its signature, and where the directory before it is (APPNOTE.TXT, 4.3.16).
_END = struct.Struct("<4s4H2LH")
_SIGNATURE = b"PK\x05\x06"
_LONGEST_COMMENT = 65_535
_LARGEST_DIRECTORY = 4 << 20  # bytes; that of an adapter is a thousandth of it


@dataclass(frozen=True)
class Arrivals:
    """What was dropped: adapters (each by the file or folder to receive), and everything else."""

    adapters: tuple[Path, ...]
    others: tuple[Path, ...]


def sort_arrivals(paths: Sequence[Path]) -> Arrivals:
    """Tell adapters from notes and models."""
    found = [(path, adapter_at(path)) for path in paths]
    adapters = dict.fromkeys(source for _, source in found if source is not None)
    return Arrivals(tuple(adapters), tuple(path for path, source in found if source is None))


def adapter_at(path: Path) -> Path | None:
    """The bundle, zip or folder with an adapter that a path stands for; None where it is none."""
    try:
        if path.suffix.lower() == BUNDLE and path.is_file():
            return path
        if path.name in (_CONFIG, *_WEIGHTS) and path.is_file():
            path = path.parent
        if path.is_dir():
            return path if _is_folder_of_adapter(path) else None
        return path if path.suffix.lower() == ".zip" and _is_zip_of_adapter(path) else None
    except OSError:
        return None


def no_adapters(paths: Sequence[Path]) -> OvernightError:
    """The error that says of what was chosen that it is no adapter."""
    more = len(paths) - 1
    who = f"“{paths[0].name}” and {more} more are" if more else f"“{paths[0].name}” is"
    hint = (
        f"Choose a file that ends in {BUNDLE}, a zip, or the weights of an adapter beside its"
        f" {_CONFIG}."
    )
    return OvernightError(ErrorKind.BAD_INPUT, f"{who} no adapter.", hint)


class ArrivalSorter(QObject):
    """Sorts in a thread of its own: what is dropped may lie on a slow disk."""

    sorted = Signal(object)
    """The Arrivals."""

    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._done.connect(self.sorted, Qt.ConnectionType.QueuedConnection)

    def sort(self, paths: Sequence[Path]) -> None:
        """Look what these are."""
        run = threading.Thread(target=self._run, args=(tuple(paths),), name="sorter", daemon=True)
        run.start()

    def _run(self, paths: Sequence[Path]) -> None:
        arrivals = sort_arrivals(paths)
        try:
            self._done.emit(arrivals)
        except RuntimeError:
            return  # the window is gone


def _is_folder_of_adapter(folder: Path) -> bool:
    return (folder / _CONFIG).is_file() and any((folder / name).is_file() for name in _WEIGHTS)


def _is_zip_of_adapter(path: Path) -> bool:
    """Whether a zip lists the files of an adapter; of a zip with a huge list that is not asked."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END.size - _LONGEST_COMMENT))
        tail = file.read(_END.size + _LONGEST_COMMENT)
        at = tail.rfind(_SIGNATURE)
        if at < 0 or len(tail) - at < _END.size:
            return False
        length = _END.unpack_from(tail, at)[5]
        begin = size - len(tail) + at - length
        if length > _LARGEST_DIRECTORY or begin < 0:
            return False
        file.seek(begin)
        listed = file.read(length)
    return _CONFIG.encode() in listed and any(name.encode() in listed for name in _WEIGHTS)
