"""The library that version 0.1.0 left."""

from __future__ import annotations

import tarfile
from pathlib import Path


def unpack(folder: Path) -> Path:
    """Unpack it into a folder, beside `expected.json`; returns the library's folder."""
    with tarfile.open(Path(__file__).with_name("library_0_1.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    return folder / "library"
