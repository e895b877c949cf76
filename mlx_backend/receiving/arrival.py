"""What arrives: the few files of an adapter, copied out of a folder, a zip or a bundle.

Only files of known names are taken, each once, within bounds, and under names of ours. Templates,
tokenizers, scripts, pickles and everything else stay where they are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlx_backend.adapters.bundles.manifest import MANIFEST, SIGNATURE, SUFFIX
from mlx_backend.adapters.bundles.unpacking import UnpackingError, names_in, sums_of, take
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.receiving.refusal import unfit

AdapterForm = Literal["mlx", "peft"]

WEIGHTS_OF: dict[AdapterForm, str] = {
    "mlx": "adapters.safetensors",
    "peft": "adapter_model.safetensors",
}
"""The file with the weights, by the form of the adapter."""

CONFIG = "adapter_config.json"

LARGEST_WEIGHTS = 8 << 30
"""Bytes; an adapter of rank 256 for a model of 8 billion parameters takes a quarter of that."""

_LARGEST_TEXT = 4 << 20
_CHUNK = 1 << 20
_MOST_ENTRIES = 10_000
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_IN_BUNDLES = {"mlx": "mlx/", "peft": "peft/"}


@dataclass(frozen=True)
class Arrival:
    """The files of an adapter in a folder of ours, called as `WEIGHTS_OF` and `CONFIG` have them.

    place: what it came in, for the card. manifest, signature: the bytes of a bundle's, or None.
    taken: the paths within the bundle of what was taken, by our names. there, sums: the sizes and
    the SHA-256 sums of all that is in the bundle.
    """

    folder: Path
    form: AdapterForm
    place: str
    manifest: bytes | None = None
    signature: bytes | None = None
    taken: Mapping[str, str] = field(default_factory=dict)
    there: Mapping[str, int] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)

    @property
    def weights(self) -> Path:
        """The file with the weights."""
        return self.folder / WEIGHTS_OF[self.form]

    @property
    def config(self) -> Path:
        """The adapter's configuration."""
        return self.folder / CONFIG


def collect(path: Path, into: Path) -> Arrival:
    """Copy the files of the adapter at `path` into the empty folder `into`.

    `path` is a folder, a zip or bundle, or the weights' file in a folder. Raises OvernightError
    where there is no adapter, or one that cannot be taken in.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise OvernightError(
            ErrorKind.PATH_MISSING,
            f"There is nothing at {path}.",
            "Check the path, or name a repository of the Hub as OWNER/NAME.",
            str(error),
        ) from error
    if stat.S_ISDIR(mode):
        return _from_folder(path, into)
    if not stat.S_ISREG(mode):
        raise unfit("is neither a file nor a folder")
    if path.name in WEIGHTS_OF.values():
        return _from_folder(path.parent, into)
    if path.name.lower().endswith(_PICKLES):
        raise unfit("is a pickle file, which can run code")
    return _from_archive(path, into)


def form_among(names: Mapping[str, int], prefix: str = "") -> AdapterForm | None:
    """The form of the adapter among files (with their sizes); None where there is none."""
    for form, weights in WEIGHTS_OF.items():
        if {f"{prefix}{weights}", f"{prefix}{CONFIG}"} <= set(names):
            return form
    return None


def check_sizes(names: Mapping[str, int], weights: str, config: str) -> None:
    """Raise OvernightError where files are larger than those of any adapter."""
    if names[weights] > LARGEST_WEIGHTS or names[config] > _LARGEST_TEXT:
        raise unfit("is far too large for an adapter")


def nothing_in(names: Mapping[str, int]) -> OvernightError:
    """The error for files among which there is no adapter."""
    lowered = [name.lower() for name in names]
    if any(name.endswith(_PICKLES) for name in lowered):
        return unfit("has its weights in a pickle file, which can run code")
    if any(name.endswith(".gguf") for name in lowered):
        return unfit("is a GGUF file, which can crash a program that reads it")
    return unfit(
        "has no adapter_config.json beside adapters.safetensors or adapter_model.safetensors"
    )


def _from_folder(path: Path, into: Path) -> Arrival:
    sizes = _regular_files(path)
    form = form_among(sizes)
    if form is None:
        raise nothing_in(sizes)
    check_sizes(sizes, WEIGHTS_OF[form], CONFIG)
    for name in (WEIGHTS_OF[form], CONFIG):
        copy_regular(path / name, into / name, sizes[name])
    return Arrival(into, form, path.name)


def _regular_files(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                found[entry.name] = entry.stat(follow_symlinks=False).st_size
            if len(found) > _MOST_ENTRIES:
                raise unfit("lies in a folder with far too many files")
    return found


def copy_regular(source: Path, to: Path, size: int | None = None) -> None:
    """Copy a regular file, which must be of this size where one is given.

    A link is not followed. Raises OvernightError and OSError.
    """
    size = source.lstat().st_size if size is None else size
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file, to.open("xb") as copy:
        left = size
        while left and (chunk := file.read(min(_CHUNK, left))):
            copy.write(chunk)
            left -= len(chunk)
        if left or file.read(1):
            raise unfit("changed while it was read", hint="Try again when it is complete.")


def _from_archive(path: Path, into: Path) -> Arrival:
    try:
        names = names_in(path)
        is_bundle = MANIFEST in names or path.name.lower().endswith(SUFFIX)
        return (_from_bundle if is_bundle else _from_zip)(path, names, into)
    except UnpackingError as error:
        raise unfit(str(error)) from error


def _from_zip(path: Path, names: dict[str, int], into: Path) -> Arrival:
    """An adapter's folder as a zip, with or without the folder's own name."""
    folders = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] == CONFIG}
    for folder in sorted(folders, key=len):
        prefix = f"{folder}/" if folder else ""
        form = form_among(names, prefix)
        if form is not None:
            _take(path, names, {n: f"{prefix}{n}" for n in (WEIGHTS_OF[form], CONFIG)}, into)
            return Arrival(into, form, path.name)
    raise nothing_in(names)


def _from_bundle(path: Path, names: dict[str, int], into: Path) -> Arrival:
    forms = (form for form in WEIGHTS_OF if form_among(names, _IN_BUNDLES[form]) == form)
    form = next(forms, None)
    if form is None or MANIFEST not in names:
        raise unfit("is a bundle without a manifest or without an adapter")
    wanted = {name: f"{_IN_BUNDLES[form]}{name}" for name in (WEIGHTS_OF[form], CONFIG)}
    texts = [name for name in (MANIFEST, SIGNATURE) if name in names]
    if any(names[name] > _LARGEST_TEXT for name in texts):
        raise unfit("has a manifest that is far too large")
    _take(path, names, wanted, into)
    take(path, {name: into / name for name in texts}, 2 * _LARGEST_TEXT)
    read = {name: (into / name).read_bytes() for name in texts}
    texts_read = (read[MANIFEST], read.get(SIGNATURE))
    if sum(names.values()) > LARGEST_WEIGHTS:
        raise unfit("is far too large for an adapter")
    sums = sums_of(path, names)
    return Arrival(into, form, path.name, *texts_read, wanted, names, sums)


def _take(path: Path, names: Mapping[str, int], wanted: Mapping[str, str], into: Path) -> None:
    weights, config = wanted.values()
    check_sizes(names, weights, config)
    most = names[weights] + names[config]
    take(path, {theirs: into / ours for ours, theirs in wanted.items()}, most)
