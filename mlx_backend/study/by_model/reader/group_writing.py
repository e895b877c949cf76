"""What a reader writes about a group of passages in one genre, checked as soon as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from mlx_backend.library import drop_reasons
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.study.by_model.reader import checks
from mlx_backend.study.by_model.reader.genres import Genre
from mlx_backend.study.by_model.reader.items import items_in
from mlx_backend.study.by_model.reader.judging import Pair, says
from mlx_backend.study.by_model.reader.reader import Reader
from mlx_backend.study.by_model.reader.subjects import Subjects
from mlx_backend.study.by_model.reader.views import View, Views, language_of, name_of

_SHOWN_OF_UNREADABLE = 300  # characters
# In nats: by so much more a model agrees with the right answer than with a strange one. Measured
# with 0.5 billion parameters: right ones 0.2 and more above the median of strange ones.
_MARGIN = 0.15


@dataclass(frozen=True)
class About:
    """All that is known of the notes while they are written about."""

    views: Views
    subjects: Subjects


@dataclass(frozen=True)
class _Written:
    """A draft, what it is about, and the index of its passage in the group."""

    draft: Draft
    view: View
    number: int

    def changed(self, draft: Draft) -> _Written:
        return _Written(draft, self.view, self.number)


def written_about(
    reader: Reader, genre: Genre, passages: Sequence[Passage], about: About
) -> list[list[Draft]]:
    """The drafts of a genre about each passage, kept and dropped ones.

    Raises StopAskedError when asked to stop first.
    """
    codes = [language_of(passage) for passage in passages]
    views = [(i, view) for i, each in enumerate(passages) for view in about.views.of(genre, each)]
    replies = reader.write(
        genre, [view for _, view in views], [name_of(codes[i]) for i, _ in views]
    )
    written = [
        _Written(checks.check(draft, view, codes[i]), view, i)
        for (i, view), reply in zip(views, replies, strict=True)
        for draft in _drafts(genre, view, reply)
    ]
    written = _round_trip(reader, genre, written)
    found: list[list[Draft]] = [[] for _ in passages]
    for each in written:
        prompt = about.subjects.standing_alone(each.draft.prompt, each.view.passage)
        is_kept = not each.draft.dropped
        draft = msgspec.structs.replace(each.draft, prompt=prompt) if is_kept else each.draft
        found[each.number].append(draft)
    return found


def _drafts(genre: Genre, view: View, reply: str) -> list[Draft]:
    items = items_in(reply)
    if items is not None:
        return [checks.draft_of(item, view, genre) for item in items]
    shown = checks.in_a_line(reply)[:_SHOWN_OF_UNREADABLE]
    draft = Draft(kind=genre.name, prompt=shown, answer="", key="", quote=view.sentence)
    return [draft.drop(drop_reasons.UNREADABLE)] if shown else []


def _round_trip(reader: Reader, genre: Genre, written: Sequence[_Written]) -> list[_Written]:
    """Ask the model its own questions with the passage in view, and compare the answers.

    Both what it reads and what it wrote as the answer must mean the words that were asked for.
    """
    asked = [each for each in written if not each.draft.dropped]
    read = reader.read(genre, [each.view for each in asked], [each.draft for each in asked])
    keys = [each.draft.key for each in asked]
    doubtful = [
        (i, text)
        for i, (each, answer) in enumerate(zip(asked, read, strict=True))
        for text in (answer, each.draft.answer)
        if not says(text, each.draft.key)
    ]
    agreed = _agreed(reader, [(asked[i].draft, text) for i, text in doubtful], keys)
    refused = {
        id(asked[i]) for (i, _), is_same in zip(doubtful, agreed, strict=True) if not is_same
    }
    return [
        each.changed(each.draft.drop(drop_reasons.NO_ROUND_TRIP)) if id(each) in refused else each
        for each in written
    ]


def _agreed(
    reader: Reader, doubtful: Sequence[tuple[Draft, str]], keys: Sequence[str]
) -> list[bool]:
    """Whether each text means the same as the key of its draft, by the model's own judgement.

    What a model makes of any two answers, from never to always the same, is seen where it compares
    the text with the `keys` of other drafts: it must find the own key nearer, by a margin.
    """
    own = [Pair(draft.prompt, draft.key, text) for draft, text in doubtful]
    strange = [
        Pair(draft.prompt, _another(draft, i, keys), text)
        for i, (draft, text) in enumerate(doubtful)
    ]
    odds = reader.agreement([*own, *strange])
    usual = median(odds[len(own) :]) if strange else 0.0
    found = []
    for i, pair in enumerate(own):
        nearest = max(usual, odds[len(own) + i]) if strange[i].one else 0.0
        found.append(bool(pair.other) and odds[i] > nearest + _MARGIN)
    return found


def _another(draft: Draft, place: int, keys: Sequence[str]) -> str:
    """The key of another draft, "" where all ask for the same."""
    others = [key for key in keys if not says(key, draft.key) and not says(draft.key, key)]
    return others[place % len(others)] if others else ""
