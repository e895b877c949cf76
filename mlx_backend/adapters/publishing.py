"""An adapter on the Hub: what is published of it, looked at before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.adapters.exports.hub_folder import write_for_hub
from mlx_backend.adapters.exports.source import source_of
from mlx_backend.adapters.hub_card import CARD_PAGE, CardWords, adapter_card
from mlx_backend.adapters.licence_texts import write_licences
from mlx_backend.adapters.night_report import report_of
from mlx_backend.adapters.privacy.gate import Leaving, Watcher
from mlx_backend.adapters.privacy.kept_pages import held_back, remembered, told, with_files
from mlx_backend.adapters.privacy.learned import learned_notes
from mlx_backend.adapters.privacy.shown_pages import page_id
from mlx_backend.catalogue.adapter_licences import (
    adapter_licence,
    chosen_licence,
)
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import remove_tree, write_atomically
from mlx_backend.jobs.lane import Turn, in_the_lane
from mlx_backend.jobs.paced_progress import PacedProgress
from mlx_backend.library import database
from mlx_backend.library.adapters import Adapter, find_adapter
from mlx_backend.library.home import Library
from mlx_backend.library.languages import UNKNOWN, Languages
from mlx_backend.library.models import BaseModel
from mlx_backend.models.base_model import LoadedModel, base_for, load_base_model
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.published_files import write_list
from mlx_backend.models.hub.publishing import Published, Target, publish, whole_name
from mlx_backend.models.hub.transfer import Stopped
from mlx_backend.models.starter import find_base_model
from mlx_backend.protocol import PublishSpec
from mlx_backend.protocol.privacy import PrivacyPage

_FEWEST = 0.1  # the share of the notes from which on the page names a language
_MESSAGE = "Published by Overnight"


def publish_adapter(
    library: Library,
    spec: PublishSpec,
    work: Path,
    tell: Callable[[protocol.JobEvent], object],
    stop_requested: Callable[[], bool],
) -> dict[str, object] | None:
    """Publish an adapter, or its new version; None if it was stopped.

    Before anything is sent, the privacy gate looks at the adapter and the files; where it finds
    something and the person has not seen that very page (`despite_pages`), nothing is sent, and the
    result is `held_back` with the page as `privacy`. work: a path at which the folder is prepared,
    and removed again. Raises OvernightError as `publish` does, and where the licence is for the
    person to choose.
    """
    adapter = find_adapter(library.adapters, spec.adapter, spec.name)
    base = find_base_model(library, base_for(library, [adapter], adapter.card.base))
    came_with = adapter.card.origin.licence if adapter.card.origin else ""
    licence = chosen_licence(base.card.licence, spec.licence or came_with)
    access = Access.from_environment()
    try:
        tell(protocol.StageBegan(stage="looking up"))
        repository = whole_name(spec.repo, access, stop_requested)
        require_name(base, repository, spec.private)
        words = _words(library, adapter, spec, licence, repository)
        watcher = Watcher(PacedProgress(tell).show, stop_requested)
        turn = Turn(tell, partial(_stop_if_asked, watcher), asks_for_memory=True)
        with in_the_lane(library, turn, base.card.name):
            names = (repository, *repository.split("/"))  # which the person gives away here
            leaving = Leaving([work], names)
            page = _prepared(library, adapter, words, leaving, tell, watcher)
        if not (page.is_clear or _is_wanted_all_the_same(adapter, page, spec)):
            return held_back(adapter, page)
        tell(protocol.StageBegan(stage="publishing"))
        target = Target(repository, spec.private, spec.message or _MESSAGE)
        done = _told(publish(work, target, access, tell, stop_requested), adapter, licence)
        return done | {"privacy": told(page)}
    except Stopped:
        return None
    finally:
        remove_tree(work)


def _is_wanted_all_the_same(adapter: Adapter, page: PrivacyPage, spec: PublishSpec) -> bool:
    return page.may_leave_anyway and page_id(adapter, page) in spec.despite_pages


def _stop_if_asked(watcher: Watcher) -> None:
    if watcher.stop_requested():
        raise Stopped


def _prepared(
    library: Library,
    adapter: Adapter,
    words: CardWords,
    leaving: Leaving,
    tell: Callable[[protocol.JobEvent], object],
    watcher: Watcher,
) -> PrivacyPage:
    """Write the folder that leaves, and look at it, in the lane; the model is let go then."""
    (work,) = leaving.files
    tell(protocol.StageBegan(stage="preparing"))
    remove_tree(work)
    loaded = load_base_model(library, base_for(library, [adapter], adapter.card.base))
    _prepare(library, adapter, loaded, work, words)
    write_list(work)
    tell(protocol.StageBegan(stage="privacy"))
    page = _looked_at(library, adapter, loaded, leaving, watcher)
    _stop_if_asked(watcher)
    return page


def _words(
    library: Library, adapter: Adapter, spec: PublishSpec, licence: str, repository: str
) -> CardWords:
    """What the page says that the adapter's card cannot know."""
    return CardWords(
        title=repository.partition("/")[2],
        description=spec.description,
        licence=licence,
        repository=repository,
        languages=_languages(library, adapter),
    )


def _prepare(
    library: Library, adapter: Adapter, loaded: LoadedModel, beside: Path, words: CardWords
) -> None:
    """Write all that is published of an adapter into the new folder `beside`.

    That is the adapter for mlx-lm and for PEFT, verified, its page, and what the base's licence
    wants beside it.
    """
    base = loaded.info
    beside.mkdir(parents=True)
    formats = write_for_hub(source_of(adapter, loaded, ""), beside)
    words = replace(words, formats=formats)
    page = adapter_card(adapter.card, base, report_of(library, adapter), words)
    write_atomically(beside / CARD_PAGE, page.encode())
    write_licences(base, beside)


def _looked_at(
    library: Library, adapter: Adapter, loaded: LoadedModel, leaving: Leaving, watcher: Watcher
) -> PrivacyPage:
    """What the privacy gate finds about the adapter and about all files that would leave."""
    with database.opened(library.database) as connection:
        known = remembered(library, connection, adapter, loaded, watcher)
        return with_files(library, connection, adapter, known, leaving, watcher)


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


def _languages(library: Library, adapter: Adapter) -> tuple[str, ...]:
    """The codes of the languages of the notes that it learned, the most frequent first."""
    with database.opened(library.database) as connection:
        learned = learned_notes(library, connection, adapter)
        languages = Languages(connection)
        notes = {each.code: languages.notes_in(each.code) & learned for each in languages.all()}
    by_notes = sorted(notes, key=lambda code: -len(notes[code]))
    return tuple(
        code for code in by_notes if code != UNKNOWN and len(notes[code]) > _FEWEST * len(learned)
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
