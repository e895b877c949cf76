"""What a path is that somebody wants to adopt: which model, from where, and of which files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import msgspec

from mlx_backend.adoption.source.folder_listing import LocalFile, folders_with_models, model_files
from mlx_backend.adoption.source.hugging_face_cache import Snapshot, find_snapshot
from mlx_backend.adoption.source.placing import being_written
from mlx_backend.adoption.source.stated_licence import stated_licence
from mlx_backend.adoption.source.stillness import is_being_fetched, unfinished_file
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.wanted import NoModel

_DIGEST_LENGTH = 64  # of SHA-256 in hexadecimal: so the cache names large files
_LM_STUDIO = (".lmstudio", "lm-studio")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """A model on this machine.

    folder: absolute, without links. repository: OWNER/NAME where it is known, else "". source: what
    a card records. in_place: it is in the library's folder of models already, without a card.
    """

    folder: str
    title: str
    repository: str
    source: str
    licence: str
    files: tuple[LocalFile, ...]
    in_place: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def find_origin(path: Path, models: Path) -> Origin:
    """What `path` is: a model's folder, an entry of Hugging Face's cache, or a snapshot there.

    models: the library's folder of models. Opens nothing but small text files. Raises
    OvernightError where it is no model, or is being written to.
    """
    folder = _folder(path)
    snapshot = find_snapshot(folder)
    if snapshot is not None:
        return _of_snapshot(snapshot)
    _refuse_data_set(folder)
    if busy := unfinished_file(folder):
        raise being_written(busy)
    title = "".join(c if c.isprintable() else " " for c in folder.name)
    files = _files(title, folder, ())
    repository = _lm_studio_repository(folder)
    return Origin(
        folder=str(folder),
        title=title,
        repository=repository,
        source=repository or f"the folder {title}",
        licence=stated_licence(folder),
        files=files,
        in_place=folder.parent == models.resolve(),
    )


def _of_snapshot(snapshot: Snapshot) -> Origin:
    name = snapshot.repository
    if is_being_fetched(snapshot.blobs[0]):
        raise being_written(name)
    files = _files(name, snapshot.folder, snapshot.blobs)
    return Origin(
        folder=str(snapshot.folder),
        title=name.rpartition("/")[2],
        repository=name,
        source=f"{name}@{snapshot.revision}",
        licence=stated_licence(snapshot.folder, snapshot.blobs),
        files=tuple(_with_digest(file, snapshot) for file in files),
    )


def _folder(path: Path) -> Path:
    try:
        folder = path.expanduser().resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise OvernightError(
            ErrorKind.PATH_MISSING, f"There is nothing at {path}.", "Check the path."
        ) from error
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle
        raise OvernightError(
            ErrorKind.UNREADABLE, f"{path} cannot be opened.", "Check the path.", str(error)
        ) from error
    if not folder.is_dir():
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"{path} is no folder.",
            "Name the folder that holds the model: config.json, tokenizer.json and its weights in"
            " safetensors files. GGUF files cannot be adopted.",
        )
    return folder


def _files(name: str, folder: Path, blobs: Sequence[Path]) -> tuple[LocalFile, ...]:
    try:
        return model_files(name, folder, blobs)
    except NoModel as error:
        inside = list(islice(folders_with_models(folder), 4))
        if not inside:
            raise
        shown = ", ".join(inside[:3]) + (" ..." if inside[3:] else "")
        hint = f"Adopt one of the models in it: {shown}"
        raise NoModel(ErrorKind.BAD_INPUT, f"{folder} is no model.", hint) from error


def _refuse_data_set(folder: Path) -> None:
    if folder.name.startswith("datasets--") or (folder / "dataset_infos.json").exists():
        raise NoModel(
            ErrorKind.BAD_INPUT,
            f"{folder.name} is a data set, not a base model.",
            "Name the folder of a model.",
        )


def _with_digest(file: LocalFile, snapshot: Snapshot) -> LocalFile:
    """The same with its SHA-256, by which the cache names the blobs of large files."""
    link = Path(snapshot.folder) / file.name
    blob = link.readlink().name if link.is_symlink() else ""
    is_digest = len(blob) == _DIGEST_LENGTH and set(blob) <= set("0123456789abcdef")
    return msgspec.structs.replace(file, sha256=blob if is_digest else "")


def _lm_studio_repository(folder: Path) -> str:
    """PUBLISHER/MODEL of a folder of LM Studio; "" of another."""
    publisher = folder.parent
    is_its = publisher.parent.name == "models" and publisher.parent.parent.name in _LM_STUDIO
    return f"{publisher.name}/{folder.name}" if is_its else ""
