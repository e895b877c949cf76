"""A model as other programs keep it on this machine, and what of it must stay as it was."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from mlx_backend.files import sha256_of_file

REVISION = "89abcdef0123456789abcdef0123456789abcdef"
WEIGHTS = "model.safetensors"


def grown_old(folder: Path, seconds: float = 3600) -> Path:
    """The folder, with files so old that no adoption waits for a writer."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (time.time() - seconds,) * 2)
    return folder


def in_lm_studio(files: Path, home: Path) -> Path:
    """The model as LM Studio downloads it."""
    folder = home / ".lmstudio" / "models" / "someone" / "Tiny-1B-MLX"
    shutil.copytree(files, folder)
    return grown_old(folder)


def in_cache(files: Path, home: Path, revision: str = REVISION, shared: bool = False) -> Path:
    """The model's entry in Hugging Face's cache; `shared`: its blobs lie in the shared store."""
    entry = home / "hub" / "models--someone--Tiny-1B"
    snapshot = entry / "snapshots" / revision
    for folder in (entry / "blobs", entry / "refs", snapshot):
        folder.mkdir(parents=True, exist_ok=True)
    for path in files.iterdir():
        digest = sha256_of_file(path)
        name = digest if path.name == WEIGHTS else digest[:40]
        blob = entry / "blobs" / name
        if shared:
            store = entry.parent / "blobs" / digest[:2] / digest
            store.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, store)
            blob.symlink_to(Path("../..") / "blobs" / digest[:2] / digest)
        elif not blob.exists():
            shutil.copyfile(path, blob)
        (snapshot / path.name).symlink_to(Path("../..") / "blobs" / name)
    (entry / "refs" / "main").write_text(revision)
    return grown_old(home / "hub") / entry.name


def state_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that another program could notice of its folder: names, links, bytes, times, modes."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        said = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        target = str(path.readlink()) if path.is_symlink() else ""
        times = (said.st_mtime_ns, said.st_mode, said.st_ino) if path.is_file() else ()
        found[str(path.relative_to(folder))] = (content, target, *times)
    return found
