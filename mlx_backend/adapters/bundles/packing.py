"""Writing a bundle from a folder with its files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from mlx_backend.adapters.bundles.manifest import (
    MANIFEST,
    SIGNATURE,
    ListedFile,
    Manifest,
    encoded,
)
from mlx_backend.adapters.bundles.signing import SigningKey
from mlx_backend.files import sha256_of_file

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_CHUNK = 1 << 20


def listed_files(folder: Path) -> tuple[ListedFile, ...]:
    """All files below a folder, sorted, as a manifest lists them."""
    return tuple(
        ListedFile(
            path=path.relative_to(folder).as_posix(),
            bytes=path.stat().st_size,
            sha256=sha256_of_file(path),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


def pack(
    folder: Path,
    manifest: Manifest,
    key: SigningKey | None,
    to: Path,
    stop_requested: Callable[[], bool] = lambda: False,
) -> None:
    """Write the files of `folder` as a bundle to the file `to`; `manifest` lists none yet.

    The same files give the same bytes, since a zip's dates and rights say nothing of the person's
    machine. Weights are stored as they are: they do not get smaller. Ends early where a stop is
    requested; what is at `to` then is worth nothing.
    """
    data = encoded(msgspec.structs.replace(manifest, files=listed_files(folder)))
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr(_entry(MANIFEST), data)
        if key is not None:
            archive.writestr(_entry(SIGNATURE), msgspec.json.encode(key.sign(data)))
        for listed in listed_files(folder):
            _add(archive, folder / listed.path, listed.path, stop_requested)


def _add(
    archive: zipfile.ZipFile, path: Path, name: str, stop_requested: Callable[[], bool]
) -> None:
    with path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as target:
        while (chunk := source.read(_CHUNK)) and not stop_requested():
            target.write(chunk)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.external_attr = _READABLE
    entry.create_system = 3  # Unix, wherever it is written
    is_text = name.endswith((".md", ".json", ".txt"))
    entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    return entry
