"""An adapter on the Hub: what is published of it, looked at before anything is sent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.adapters.export import export_mlx
from mlx_backend.adapters.hub_card import CARD_PAGE, MLX, CardWords, adapter_card
from mlx_backend.catalogue.adapter_licences import (
    adapter_licence,
    chosen_licence,
    licence_files,
)
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import remove_tree, write_atomically
from mlx_backend.library import database
from mlx_backend.library.adapters import Adapter, find_adapter
from mlx_backend.library.bounded_json import read_object
from mlx_backend.library.home import Library
from mlx_backend.library.languages import UNKNOWN, Languages
from mlx_backend.library.models import BaseModel
from mlx_backend.models.base_model import base_for
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.published_files import write_list
from mlx_backend.models.hub.publishing import Published, Target, publish, whole_name
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.models.starter import find_base_model
from mlx_backend.protocol import PublishSpec, RunReport, read_report

NOTICE, BASE_LICENCE = "NOTICE", "base-licence"

_FEWEST = 0.1  # the share of the notes from which on the page names a language
_LARGEST_REPORT = 64 << 20  # bytes
_MESSAGE = "Published by Overnight"


def _let_pass(prepared: Path) -> None:
    """Nothing is looked at."""


def publish_adapter(
    library: Library,
    spec: PublishSpec,
    work: Path,
    tell: Callable[[protocol.JobEvent], object],
    stop_requested: Callable[[], bool],
    check: Callable[[Path], object] = _let_pass,
) -> dict[str, object] | None:
    """Publish an adapter, or its new version; None if it was stopped.

    work: a path at which the folder is prepared, and removed again. check: called with this folder
    before anything is sent; what it raises ends the publishing. Raises OvernightError as `publish`
    and `export_mlx` do, and where the licence is for the person to choose.
    """
    adapter = find_adapter(library.adapters, spec.adapter, spec.name)
    base = find_base_model(library, base_for(library, [adapter], adapter.card.base))
    licence = chosen_licence(base.card.licence, spec.licence)
    access = Access.from_environment()
    try:
        tell(protocol.StageBegan(stage="looking up"))
        repository = whole_name(spec.repo, access, stop_requested)
        require_name(base, repository, spec.private)
        words = CardWords(
            title=repository.partition("/")[2],
            description=spec.description,
            licence=licence,
            formats=(MLX,),
            repository=repository,
            languages=_languages(library),
        )
        tell(protocol.StageBegan(stage="preparing"))
        remove_tree(work)
        if not prepare(library, adapter, base, work, words, stop_requested):
            return None
        write_list(work)
        check(work)
        tell(protocol.StageBegan(stage="publishing"))
        target = Target(repository, spec.private, spec.message or _MESSAGE)
        return _told(publish(work, target, access, tell, stop_requested), adapter, licence)
    except Stopped:
        return None
    finally:
        remove_tree(work)


def prepare(
    library: Library,
    adapter: Adapter,
    base: BaseModel,
    beside: Path,
    words: CardWords,
    stop_requested: Callable[[], bool],
) -> bool:
    """Write all that is published of an adapter into the new folder `beside`; False if stopped.

    That is its form for mlx-lm, verified, the page, and what the base's licence wants beside it.
    """
    if export_mlx(library, adapter.name, beside, stop_requested) is None:
        return False
    page = adapter_card(adapter.card, base, report_of(library, adapter), words)
    write_atomically(beside / CARD_PAGE, page.encode())
    if notice := adapter_licence(base.card.licence).notice:
        write_atomically(beside / NOTICE, f"{notice}\n".encode())
    if files := licence_files(base.path):
        (beside / BASE_LICENCE).mkdir()
        for file in files:
            shutil.copyfile(file, beside / BASE_LICENCE / file.name)
    return True


def report_of(library: Library, adapter: Adapter) -> RunReport | None:
    """The report of the run that made an adapter; None where it is not there any more."""
    run = adapter.card.run
    if not run or Path(run).name != run or run.startswith("."):
        return None
    try:
        return read_report(read_object(library.runs / run / "report.json", _LARGEST_REPORT))
    except (OSError, ValueError, RecursionError):
        return None


def require_name(base: BaseModel, repository: str, is_private: bool) -> None:
    """Raise OvernightError where the base's licence asks for another name of what others get."""
    begins = adapter_licence(base.card.licence).name_begins
    owner, _, name = repository.rpartition("/")
    if is_private or name.casefold().startswith(begins.casefold().replace(" ", "-")):
        return
    wanted = f"{begins.replace(' ', '-')}-{name}"
    raise OvernightError(
        ErrorKind.BAD_INPUT,
        f"The licence of the base model ({base.card.licence}) asks for a name that begins with"
        f" “{begins}” for what is published.",
        f"Publish it as {f'{owner}/' if owner else ''}{wanted}, or without --public.",
    )


def _languages(library: Library) -> tuple[str, ...]:
    """The codes of the languages that the notes are in, the most frequent first."""
    with database.opened(library.database) as connection:
        found = Languages(connection).all()
    notes = sum(language.notes for language in found)
    return tuple(
        language.code
        for language in found
        if language.code != UNKNOWN
        and not language.is_left_out
        and language.notes >= _FEWEST * notes
    )


def _told(published: Published, adapter: Adapter, licence: str) -> dict[str, object]:
    return {
        "adapter": adapter.name,
        "url": published.url,
        "repo": published.repository,
        "files": list(published.files),
        "private": published.is_private,
        "created": published.was_created,
        "licence": licence,
    }
