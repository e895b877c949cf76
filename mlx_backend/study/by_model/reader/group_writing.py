"""What a reader writes about a group of passages, checked as soon as it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import msgspec

from mlx_backend.library import drop_reasons
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.study.by_model.reader import checks
from mlx_backend.study.by_model.reader.genres import LIST, STEPS, Genre
from mlx_backend.study.by_model.reader.items import items_in
from mlx_backend.study.by_model.reader.judging import Pair, declines, says, says_only, share_named
from mlx_backend.study.by_model.reader.reader import Reader, Request
from mlx_backend.study.by_model.reader.subjects import Subjects
from mlx_backend.study.by_model.reader.views import Views, language_of, name_of

_SHOWN_OF_UNREADABLE = 300  # characters
# In nats: by so much more a model agrees with the right answer than with a strange one. Measured
# with 0.5 billion parameters: right ones 0.2 and more above the median of strange ones.
_MARGIN = 0.15
_OF_LISTS = (LIST.name, STEPS.name)
_MOST = 0.6  # of a list; whoever answers in few words leaves its "and so on" out


@dataclass(frozen=True)
class About:
    """All that is known of the notes while they are written about."""

    views: Views
    subjects: Subjects


@dataclass(frozen=True)
class _Written:
    """A draft, what was asked for, and the index of its passage in the group."""

    draft: Draft
    request: Request
    number: int

    def dropped(self, reason: str) -> _Written:
        return _Written(self.draft.drop(reason), self.request, self.number)


def written_about(
    reader: Reader, genres: Sequence[Genre], passages: Sequence[Passage], about: About
) -> list[list[Draft]]:
    """The drafts of some genres about each passage, kept and dropped ones.

    Raises StopAskedError when asked to stop first.
    """
    codes = [language_of(passage) for passage in passages]
    asked = [
        (i, Request(genre, view, name_of(codes[i])))
        for i, passage in enumerate(passages)
        for genre in genres
        for view in about.views.of(genre, passage)
    ]
    replies = reader.write([request for _, request in asked])
    written = [
        _Written(checks.check(draft, request.view, codes[i]), request, i)
        for (i, request), reply in zip(asked, replies, strict=True)
        for draft in _drafts(request, reply)
    ]
    found: list[list[Draft]] = [[] for _ in passages]
    for each in _round_trip(reader, written):
        draft = each.draft
        if not draft.dropped:
            prompt = about.subjects.standing_alone(draft.prompt, each.request.view.passage)
            draft = msgspec.structs.replace(draft, prompt=prompt)
        found[each.number].append(draft)
    return found


def _drafts(request: Request, reply: str) -> list[Draft]:
    items = items_in(reply)
    if items is not None:
        items = items[:1] if request.view.key else items  # of others, nobody said what they ask for
        return [checks.draft_of(item, request.view, request.genre) for item in items]
    shown = checks.in_a_line(reply)[:_SHOWN_OF_UNREADABLE]
    draft = Draft(
        kind=request.genre.name, prompt=shown, answer="", key="", quote=request.view.sentence
    )
    return [draft.drop(drop_reasons.UNREADABLE)] if shown else []


def _round_trip(reader: Reader, written: Sequence[_Written]) -> list[_Written]:
    """Ask the model its own questions with the passage in view, and compare the answers.

    Both what it reads and what it wrote as the answer must mean the words that were asked for, or
    name all of a list.
    """
    asked = [each for each in written if not each.draft.dropped]
    read = reader.read([each.request for each in asked], [each.draft.prompt for each in asked])
    doubtful: list[tuple[int, str]] = []
    refused = set()
    for i, (each, answer) in enumerate(zip(asked, read, strict=True)):
        is_of_list = bool(each.request.view.key) and each.draft.kind in _OF_LISTS
        if declines(answer) or (is_of_list and not _is_whole(each.draft, answer)):
            refused.add(i)
        elif not is_of_list:
            doubtful += [(i, text) for text in _doubtful(each.draft, answer)]
    keys = [each.draft.key for each in asked]
    agreed = _agreed(reader, [(asked[i].draft, text) for i, text in doubtful], keys)
    refused |= {i for (i, _), is_same in zip(doubtful, agreed, strict=True) if not is_same}
    gone = {id(asked[i]) for i in refused}
    return [
        each.dropped(drop_reasons.NO_ROUND_TRIP) if id(each) in gone else each for each in written
    ]


def _is_whole(draft: Draft, answer: str) -> bool:
    """Whether the answer to a list names all of it, and what was read, in few words, the most."""
    return share_named(draft.answer, draft.key) == 1 and share_named(answer, draft.key) >= _MOST


def _doubtful(draft: Draft, answer: str) -> list[str]:
    """What has not plainly the words that were asked for: the answer that was read, its own."""
    found = [] if says_only(answer, draft.key, draft.prompt) else [answer]
    return found if says(draft.answer, draft.key) else [*found, draft.answer]


def _agreed(
    reader: Reader, doubtful: Sequence[tuple[Draft, str]], keys: Sequence[str]
) -> list[bool]:
    """Whether each text means the same as the key of its draft, by the model's own judgement.

    What a model makes of any two answers, from never to always the same, is seen where it compares
    the text with the `keys` of other drafts: it must find the own key nearer, by a margin, and say
    yes rather than no.
    """
    own = reader.agreement([Pair(draft.prompt, draft.key, text) for draft, text in doubtful])
    hopeful = [i for i, odds in enumerate(own) if odds > 0 and doubtful[i][1]]
    strangers = {i: _another(doubtful[i][0], i, keys) for i in hopeful}
    pairs = [Pair(doubtful[i][0].prompt, strangers[i], doubtful[i][1]) for i in hopeful]
    strange = dict(zip(hopeful, reader.agreement(pairs), strict=True))
    usual = median(strange.values()) if strange else 0.0
    return [
        i in strange and own[i] > _MARGIN + max([usual, strange[i]] if strangers[i] else [0.0])
        for i in range(len(doubtful))
    ]


def _another(draft: Draft, place: int, keys: Sequence[str]) -> str:
    """The key of another draft, "" where all ask for the same."""
    others = [key for key in keys if not says(key, draft.key) and not says(draft.key, key)]
    return others[place % len(others)] if others else ""
