"""What the base model writes about a group of passages: questions, restatements, summaries.

Everything is checked by the filters as soon as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import Draft, titled_answer
from mlx_backend.study.by_model import filters
from mlx_backend.study.by_model.writer import Writer, to_ask
from mlx_backend.study.by_rule.rule_writer import QuotedStatement

_PASSAGES_AT_ONCE = 8
_STATEMENTS_AT_ONCE = 60
_FEWEST_SUMMARISED = 3  # statements in a passage

PlacedDrafts = list[tuple[int, Draft]]
"""Drafts, each with the index of its passage in the group."""


@dataclass(frozen=True)
class PassageGroup:
    """Passages that the model writes about in one batch, and what each states."""

    passages: Sequence[Passage]
    stated: Sequence[Sequence[QuotedStatement]]

    @property
    def contexts(self) -> list[str]:
        """The words that samples about each passage may use: title, headings and text."""
        return [f"{p.note_title} {p.heading} {p.text}" for p in self.passages]

    def numbered(self) -> Iterator[tuple[int, Passage, Sequence[QuotedStatement]]]:
        """Each passage with its index and what it states."""
        for number, (passage, stated) in enumerate(zip(self.passages, self.stated, strict=True)):
            yield number, passage, stated


def groups(
    passages: Sequence[Passage], stated: Mapping[int, list[QuotedStatement]]
) -> Iterator[PassageGroup]:
    """Cut passages into groups; `stated` is what each states, by its id.

    Groups are small, because a group that is interrupted is written about again.
    """
    group: list[Passage] = []
    count = 0
    for passage in passages:
        more = len(stated[passage.id])
        if group and (len(group) == _PASSAGES_AT_ONCE or count + more > _STATEMENTS_AT_ONCE):
            yield PassageGroup(group, [stated[each.id] for each in group])
            group, count = [], 0
        group.append(passage)
        count += more
    if group:
        yield PassageGroup(group, [stated[each.id] for each in group])


def questions(writer: Writer, group: PassageGroup) -> PlacedDrafts:
    """A question for each answer in the group's statements."""
    asked = [
        (number, each)
        for number, passage, stated in group.numbered()
        for each in to_ask(passage.note_title, stated)
    ]
    contexts = group.contexts
    drafts = [
        filters.check_wording(draft, contexts[number])
        for (number, _), draft in zip(
            asked, writer.questions([each for _, each in asked]), strict=True
        )
    ]
    numbers = [number for number, _ in asked]
    return list(zip(numbers, _round_trip(writer, drafts), strict=True))


def _round_trip(writer: Writer, drafts: Sequence[Draft]) -> list[Draft]:
    """Ask the model its own questions with the quoted words in view, and check its answers."""
    open_ones = [draft for draft in drafts if not draft.dropped]
    answers = iter(writer.read(open_ones) if open_ones else [])
    return [
        draft if draft.dropped else filters.check_round_trip(draft, next(answers))
        for draft in drafts
    ]


def restatements(writer: Writer, group: PassageGroup) -> PlacedDrafts:
    """Each statement of the group in other words."""
    chosen = [
        (number, (passage.note_title, each))
        for number, passage, stated in group.numbered()
        for each in stated
    ]
    drafts = writer.restatements([each for _, each in chosen])
    return _supported(group, [number for number, _ in chosen], drafts)


def summaries(writer: Writer, group: PassageGroup) -> PlacedDrafts:
    """Each passage of the group that states enough, in one sentence."""
    chosen = [
        (number, (passage.topic, stated))
        for number, passage, stated in group.numbered()
        if len(stated) >= _FEWEST_SUMMARISED
    ]
    drafts = writer.summaries([each for _, each in chosen])
    return _supported(group, [number for number, _ in chosen], drafts)


def _supported(
    group: PassageGroup, numbers: Sequence[int], drafts: Sequence[Draft]
) -> PlacedDrafts:
    """Check drafts with bare answers against their passages, then put the topics before them."""
    contexts = group.contexts
    written = []
    for number, draft in zip(numbers, drafts, strict=True):
        checked = filters.check_support(draft, contexts[number])
        answer = titled_answer(group.passages[number].topic, draft.answer)
        written.append((number, msgspec.structs.replace(checked, answer=answer)))
    return written
