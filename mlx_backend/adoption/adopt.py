"""The job that adopts a model which is on this machine already, without a second copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from mlx_backend import protocol
from mlx_backend.adoption.checks.acceptance import check_before_weights, check_whole
from mlx_backend.adoption.filing import filed_before
from mlx_backend.adoption.source.folder_listing import LocalFile
from mlx_backend.adoption.source.gathering import Gathered, gather, placed_bytes
from mlx_backend.adoption.source.origin import Origin, find_origin
from mlx_backend.adoption.source.stillness import require_unchanged, wait_until_settled
from mlx_backend.adoption.taking_in import (
    Candidate,
    digests_of,
    is_changed,
    result_of,
    take_in,
    try_again,
    try_small,
)
from mlx_backend.adoption.work import Work
from mlx_backend.catalogue.licences import licence_notice
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.library.home import Library
from mlx_backend.library.models import STARTER, BaseModel, ModelCard, read_model
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.models.hub.wanted import is_weights, no_model

_OF_NO_USE = (ErrorKind.BAD_INPUT, ErrorKind.BUSY, ErrorKind.PATH_MISSING)
"""What is wrong when nothing that came is of use: the model itself, or it changed meanwhile."""

_COMPARED = "compared.json"


def adopt(
    library: Library,
    folder: JobFolder,
    spec: protocol.AdoptSpec,
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    """Adopt the model at a path, or go on with that; None when it was stopped.

    Its own files stay as they are. Returns the fields of the command's --json. Raises
    OvernightError where it is no model that can be used, or is being written to; then nothing of it
    is kept. Of one that came whole, all is kept where the machine has no room for it now.
    """
    work = Work(library, folder, Journal(folder), stop_requested)
    try:
        return _Adoption(work, spec).run()
    except Stopped:
        return None
    except OvernightError as error:
        if error.kind in _OF_NO_USE:
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
    """Raise OvernightError where the model is one of the library's already, and was tried."""
    name = Path(origin.folder).name
    if not origin.in_place:
        return
    try:
        card = read_model(models, name).card
    except OvernightError:
        return
    if _is_untried(card):
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


def _is_untried(card: ModelCard) -> bool:
    """Whether a model is from before there was a trial; the starter needs none."""
    return card.abilities is None and card.name != STARTER


class _Adoption:
    def __init__(self, work: Work, spec: protocol.AdoptSpec) -> None:
        self._work = work
        self._spec = spec

    def run(self) -> dict[str, object]:
        self._work.settle()
        origin = self._origin()
        # To quantise it, its weights must be written: the person's own folder stays as it is.
        stays = origin.in_place and not self._spec.bits
        folder = self._work.library.models / Path(origin.folder).name if stays else self._work.model
        filed = filed_before(self._work, folder, origin.source)
        gathered = Gathered.of(self._work.folder)
        if filed is None:
            if not (stays or is_changed(self._work) or self._is_compared(origin)):
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
            filed_before(self._work, self._work.model, begun.source)
            or self._is_compared(begun)
            or _is_unchanged(begun)
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
        card = self._card_before(origin) if folder != self._work.model else None
        try:
            return self._taken_in(origin, folder, card)
        except OvernightError as error:
            if card is None:
                raise
            message = f"{error.message} It stays in the library as it was."
            raise OvernightError(error.kind, message, error.hint, error.detail) from error

    def _taken_in(self, origin: Origin, folder: Path, card: ModelCard | None) -> BaseModel:
        if folder != self._work.model:
            wait_until_settled(origin.files, self._work.stop_if_asked)
            self._check_small(origin, folder)
        check_whole(origin.title, folder)  # before gigabytes are read that may be nothing
        if not self._is_compared(origin):  # what comes before that was tried
            try_small(self._work, origin.title, folder)
        if card is not None:
            return self._tried_again(origin, folder, card)
        digests = self._compared(origin, folder)
        candidate = Candidate(
            folder=folder,
            title=origin.title,
            source=origin.source,
            licence=origin.licence,
            name=self._name(origin),
            bits=self._spec.bits,
            digests=digests,
            instead_of=self._link(origin),
        )
        return take_in(candidate, self._work)

    def _card_before(self, origin: Origin) -> ModelCard | None:
        """The card of a model of the library that was never tried."""
        if not origin.in_place:
            return None
        try:
            card = read_model(self._work.library.models, Path(origin.folder).name).card
        except OvernightError:
            return None
        return card if _is_untried(card) else None

    def _tried_again(self, origin: Origin, folder: Path, card: ModelCard) -> BaseModel:
        candidate = Candidate(
            folder=folder,
            title=origin.title,
            source=card.source,
            licence=card.licence,
            name=card.name,
        )
        return try_again(candidate, card, self._work)

    def _link(self, origin: Origin) -> Path | None:
        """The link among the library's models by which it was named, if it is of no use there."""
        path, models = Path(self._spec.path).expanduser(), self._work.library.models
        is_there = path.is_symlink() and path.parent.resolve() == models.resolve()
        if not is_there or str(path.resolve()) != origin.folder:
            return None
        try:
            read_model(models, path.name)
        except OvernightError:
            return models / path.name
        return None

    def _name(self, origin: Origin) -> str:
        if not self._spec.name and (link := self._link(origin)) is not None:
            return link.name
        if not self._spec.name and self._spec.bits and origin.in_place:
            return f"{origin.title} {self._spec.bits}-bit"
        return self._spec.name

    def _compared(self, origin: Origin, folder: Path) -> dict[str, str]:
        """The digests of the weights, compared with those of the source; noted for ones brought in.

        From then on the source may change, or be gone.
        """
        if is_changed(self._work):
            return {}  # they were compared before
        if self._is_compared(origin):
            return self._noted()
        digests = self._checked_digests(origin, folder)
        require_unchanged(origin.files)
        if folder == self._work.model:
            write_atomically(_compared(self._work.folder), msgspec.json.encode(digests))
        return digests

    def _is_compared(self, origin: Origin) -> bool:
        """Whether the job's folder has all files, whole and compared."""
        return bool(self._noted()) and (
            is_changed(self._work) or all(map(self._is_whole, origin.files))
        )

    def _is_whole(self, file: LocalFile) -> bool:
        path = self._work.model / file.name
        return path.is_file() and path.stat().st_size == file.size

    def _noted(self) -> dict[str, str]:
        try:
            noted = _compared(self._work.folder).read_bytes()
            return msgspec.json.decode(noted, type=dict[str, str])
        except (OSError, UnicodeDecodeError, msgspec.DecodeError):
            return {}

    def _checked_digests(self, origin: Origin, folder: Path) -> dict[str, str]:
        self._work.begin("comparing")
        digests = digests_of(folder, {}, self._work)
        for file in origin.files:
            if file.sha256 and digests.get(file.name, file.sha256) != file.sha256:
                raise no_model(origin.title, f"Its file {file.name} is damaged: wrong check sum.")
        return digests

    def _tell(self, origin: Origin, gathered: Gathered) -> None:
        if self._spec.bits and is_changed(self._work):
            return  # the quantised weights are the library's own
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
    _compared(work.folder).unlink(missing_ok=True)
    _frozen(work.folder).unlink(missing_ok=True)


def _compared(folder: JobFolder) -> Path:
    """The file with the digests of the weights, there once these were compared."""
    return folder.path / _COMPARED


def _frozen(folder: JobFolder) -> Path:
    return folder.path / "origin.json"
