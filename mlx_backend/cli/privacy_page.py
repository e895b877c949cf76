"""The privacy page as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlx_backend.protocol.privacy import Continuation, Exposed, PrivacyPage
from mlx_backend.protocol.privacy_words import (
    NONE_EXPOSED,
    counted,
    learned,
    not_tested,
    place_of,
    planted,
    planted_title,
    rank_of,
    verdict,
)

_MOST_HITS = 20
_LONGEST_EXAMPLE = 160  # characters


def lines_of(page: PrivacyPage) -> list[str]:
    """The whole page, from what was looked at to what to do next; for the person alone."""
    parts = (
        _files(page),
        _secrets(page),
        _planted(page),
        _passages(page.continuations),
        [verdict(page), *_next_steps(page)],
    )
    lines: list[str] = []
    for part in parts:
        if told := list(part):
            lines += ["", *told] if lines else told
    return lines


def _files(page: PrivacyPage) -> Iterator[str]:
    tested = page.tested
    yield (
        f"I looked through {counted(tested.files, 'file')} of “{page.adapter}”"
        f" ({_size(tested.bytes)}) for {tested.words:,} of your places, names and secrets."
        if tested.files
        else f"There were no files of “{page.adapter}” to look through."
    )
    if not page.hits:
        if tested.files and not page.stopped:
            yield "None of them is in there."
        return
    yield "This is in there and should not leave:"
    yield from (f"  - {place_of(hit)}: {hit.what}" for hit in page.hits[:_MOST_HITS])
    if len(page.hits) > _MOST_HITS:
        yield f"  - and {len(page.hits) - _MOST_HITS:,} more"


def _secrets(page: PrivacyPage) -> Iterator[str]:
    if not page.adapter_tested:
        if why := not_tested(page):
            yield why
        return
    yield learned(page)
    if not page.exposed:
        if page.tested.secrets:
            yield NONE_EXPOSED
        return
    yield "It remembers these:"
    yield from (f"  - {_exposed(each)}" for each in page.exposed)


def _exposed(each: Exposed) -> str:
    allowed = ", which you let training see" if each.allowed else ""
    return (
        f"“{each.title}” (note {each.note}), a secret of the kind {each.kind}{allowed}:"
        f" {rank_of(each)}"
    )


def _planted(page: PrivacyPage) -> Iterator[str]:
    yield from planted(page)
    yield from (f"  - {planted_title(each)}: {rank_of(each)}" for each in page.planted)


def _passages(examples: Sequence[Continuation]) -> Iterator[str]:
    if not examples:
        return
    yield "How it goes on where your most private passages begin, for your eyes alone:"
    for each in examples:
        yield f"  “{each.title}” (note {each.note}): {_short(each.beginning)} …"
        yield f"    base model: {_short(each.base)}"
        yield f"    adapter:    {_short(each.adapter)}"
        yield (
            f"    {counted(each.adapter_run, 'word')} in a row as in the note; of the base model"
            f" {each.base_run:,}"
        )
        if each.secrets:
            yield f"    The adapter tells a secret: {', '.join(each.secrets)}."


def _next_steps(page: PrivacyPage) -> Iterator[str]:
    if notes := page.notes_to_leave_out:
        ids = " ".join(map(str, notes))
        yield f"Leave these notes out and train again: overnight notes --leave-out {ids}"
    if page.hits:
        yield "Take what I found out of the files, or rename what gave them these names."
    if page.stopped:
        yield "Start it again to see the whole page."


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_EXAMPLE else f"{line[:_LONGEST_EXAMPLE]} …"
