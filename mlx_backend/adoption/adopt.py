"""The job that adopts a model which is on this machine already, without a second copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.adoption.checks.acceptance import check_before_weights, check_whole
from mlx_backend.adoption.filing import filed_before
from mlx_backend.adoption.source.gathering import Gathered, gather, placed_bytes
from mlx_backend.adoption.source.origin import Origin, find_origin
from mlx_backend.adoption.source.stillness import require_unchanged, wait_until_settled
from mlx_backend.adoption.taking_in import Candidate, digests_of, is_changed, result_of, take_in
from mlx_backend.adoption.work import Work
from mlx_backend.catalogue.licences import licence_notice
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.library.home import Library
from mlx_backend.library.models import BaseModel, read_model
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.models.hub.wanted import is_weights, no_model


def adopt(
    library: Library,
    folder: JobFolder,
    spec: protocol.AdoptSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    """Adopt the model at a path, or go on with that; None when it was stopped.

    Its own files stay as they are. Returns the fields of the command's --json. Raises
    OvernightError where it is no model that can be used, or is being written to; then nothing of it
    is kept.
    """
    work = Work(library, folder, Journal(folder), stop_requested)
    try:
        return _Adoption(work, spec).run()
    except Stopped:
        return None
    except OvernightError as error:
        if error.kind is not ErrorKind.DISK_FULL:
            _forget(work)
        raise
    finally:
        work.journal.close()


def origin_of(folder: JobFolder) -> Origin | None:
    """What was found when an adoption began; None before that."""
    try:
        return msgspec.json.decode(_frozen(folder).read_bytes(), type=Origin)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def require_not_adopted(models: Path, origin: Origin) -> None:
    """Raise OvernightError where the model is one of the library's already."""
    name = Path(origin.folder).name
    if not origin.in_place:
        return
    try:
        read_model(models, name)
    except OvernightError:
        return
    raise OvernightError(
        ErrorKind.MODEL_EXISTS,
        f"'{name}' is in the library already.",
        f'Chat or train with it: overnight train --model "{name}" --name NAME',
    )


def amount_placed(folder: JobFolder) -> tuple[int, int]:
    """How many bytes of an adoption are in its place, and how many it has; 0 where not known."""
    origin = origin_of(folder)
    if origin is None:
        return 0, 0
    there = sum(placed_bytes(folder, file) for file in origin.files)
    return there, origin.size


class _Adoption:
    def __init__(self, work: Work, spec: protocol.AdoptSpec) -> None:
        self._work = work
        self._spec = spec

    def run(self) -> dict[str, object]:
        origin = self._origin()
        # To quantise it, its weights must be written: the person's own folder stays as it is.
        stays = origin.in_place and not self._spec.bits
        folder = self._work.library.models / Path(origin.folder).name if stays else self._work.model
        filed = filed_before(self._work, folder, origin.source)
        gathered = Gathered.of(self._work.folder)
        if filed is None:
            if not (stays or is_changed(self._work)):
                gathered = self._gathered(origin)
            filed = self._take_in(origin, folder)
        self._tell(origin, gathered)
        self._work.discard()
        return result_of(filed) | {
            "shared_bytes": gathered.shared_bytes(origin),
            "copied_bytes": gathered.copied_bytes(origin),
        }

    def _origin(self) -> Origin:
        """What was found when this began; found anew where it has changed since then."""
        models = self._work.library.models
        begun = origin_of(self._work.folder)
        if begun is not None and (
            filed_before(self._work, self._work.model, begun.source) or _is_unchanged(begun)
        ):
            return begun
        _forget(self._work)
        self._work.begin("looking")
        origin = find_origin(Path(self._spec.path), models)
        if not self._spec.bits:
            require_not_adopted(models, origin)
        if origin.repository and (notice := licence_notice(origin.licence, origin.repository)):
            self._work.journal.append(protocol.Notice(text=notice))
        write_atomically(_frozen(self._work.folder), msgspec.json.encode(origin))
        return origin

    def _gathered(self, origin: Origin) -> Gathered:
        wait_until_settled(origin.files, self._work.stop_if_asked)
        self._work.prepare()
        self._work.begin("placing")
        return gather(origin, self._work, lambda: self._check_small(origin, self._work.model))

    def _check_small(self, origin: Origin, folder: Path) -> None:
        weights = [file.name for file in origin.files if is_weights(file.name)]
        check_before_weights(origin.title, folder, weights)

    def _take_in(self, origin: Origin, folder: Path) -> BaseModel:
        if folder != self._work.model:
            wait_until_settled(origin.files, self._work.stop_if_asked)
            self._check_small(origin, folder)
        check_whole(origin.title, folder)  # before gigabytes are read that may be nothing
        digests = self._checked_digests(origin, folder)
        require_unchanged(origin.files)
        candidate = Candidate(
            folder=folder,
            title=origin.title,
            source=origin.source,
            licence=origin.licence,
            name=self._name(origin),
            bits=self._spec.bits,
            digests=digests,
        )
        return take_in(candidate, self._work)

    def _name(self, origin: Origin) -> str:
        if not self._spec.name and self._spec.bits and origin.in_place:
            return f"{origin.title} {self._spec.bits}-bit"
        return self._spec.name

    def _checked_digests(self, origin: Origin, folder: Path) -> dict[str, str]:
        if is_changed(self._work):
            return {}  # they were compared before
        self._work.begin("comparing")
        digests = digests_of(folder, {}, self._work)
        for file in origin.files:
            if file.sha256 and digests.get(file.name, file.sha256) != file.sha256:
                raise no_model(origin.title, f"Its file {file.name} is damaged: wrong check sum.")
        return digests

    def _tell(self, origin: Origin, gathered: Gathered) -> None:
        if words := gathered.in_words(origin):
            self._work.journal.append(protocol.Notice(text=words))


def _is_unchanged(origin: Origin) -> bool:
    try:
        require_unchanged(origin.files)
    except OvernightError:
        return False
    return True


def _forget(work: Work) -> None:
    work.discard()
    Gathered.forget(work.folder)
    _frozen(work.folder).unlink(missing_ok=True)


def _frozen(folder: JobFolder) -> Path:
    return folder.path / "origin.json"
