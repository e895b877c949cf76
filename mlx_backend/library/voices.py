"""Who says what in a text with several speakers, and which words are the person's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from mlx_backend.library.text_ranges import Ranges

_ADDRESS = re.compile(r"<?([^\s<>@]+@[^\s<>@]+)>?\s*$")


class Voice(msgspec.Struct, frozen=True, array_like=True):
    """One turn of a speaker: characters [start, end) of a text.

    What is said begins at `words`, after a label such as "Anna: ". `name` is the speaker's name as
    in the text, "" without one. `own` tells whether the person speaks; None when the file does not
    say.
    """

    name: str
    start: int
    words: int
    end: int
    own: bool | None = None


@dataclass(frozen=True)
class Authorship:
    """The person's share of the characters (0 to 1), and the ranges of other speakers' turns."""

    share: float
    others: Ranges

    @property
    def sentence(self) -> str:
        """What this means for training, in words for the person."""
        if self.share == 0:
            return "Others wrote all of it."
        if not self.others:
            return "You wrote it yourself."
        percent = min(99, max(1, round(self.share * 100)))
        return (
            f"You wrote {percent} percent of it. What others wrote is left out,"
            " except what you reply to."
        )


@dataclass(frozen=True)
class ReplyRanges:
    """What someone said, and what the person answered: ranges of the text, without the labels.

    `name` is who is answered; "" when the text does not say.
    """

    name: str
    said: Ranges
    answered: Ranges


def encode_voices(voices: Sequence[Voice]) -> str | None:
    """Voices as a JSON column holds them; None (NULL) when there are none."""
    return msgspec.json.encode(voices).decode() if voices else None


def decode_voices(encoded: str | None) -> tuple[Voice, ...]:
    """The voices in a JSON column. The inverse of `encode_voices`."""
    return msgspec.json.decode(encoded, type=tuple[Voice, ...]) if encoded else ()


def folded(name: str) -> str:
    """A name or address for comparison: case-folded, with single spaces."""
    return " ".join(name.split()).casefold()


def short_name(name: str) -> str:
    """The bare address of a mail's sender; any other name with single spaces."""
    found = _ADDRESS.search(name)
    return found[1] if found else " ".join(name.split())


def resolved(voices: Sequence[Voice], own_names: Collection[str]) -> tuple[Voice, ...]:
    """The voices with `own` set from the person's names (`folded`).

    The names decide when they match a voice, or when both the voices and the person's names include
    mail addresses. Otherwise `own` stays as the file says.
    """
    named = [_is_named(voice, own_names) for voice in voices]
    by_address = any("@" in name for name in own_names) and any("@" in v.name for v in voices)
    if not (by_address or any(named)):
        return tuple(voices)
    return tuple(
        msgspec.structs.replace(voice, own=is_named)
        for voice, is_named in zip(voices, named, strict=True)
    )


def authorship(voices: Sequence[Voice], own_names: Collection[str]) -> Authorship | None:
    """The authorship of a text; None when it has no voices or when the person cannot be told.

    `others` is empty when the person has no turns at all.
    """
    known = resolved(voices, own_names)
    if not known or all(voice.own is None for voice in known):
        return None
    own = sum(voice.end - voice.words for voice in known if voice.own)
    all_words = sum(voice.end - voice.words for voice in known)
    if own == 0:
        return Authorship(0.0, ())
    others = tuple((voice.start, voice.end) for voice in known if not voice.own)
    return Authorship(own / all_words, others)


def reply_ranges(voices: Sequence[Voice], others: Ranges) -> Iterator[ReplyRanges]:
    """The answers of the person, with what they answer; `others` are the ranges of others' turns.

    Turns without a name are quotations: one that follows the answer, as in many mails, counts as
    what is answered when nothing comes before.
    """
    runs = list(_runs(voices, set(others)))
    for at, (is_own, turns) in enumerate(runs):
        if not is_own:
            continue
        before = runs[at - 1][1] if at else []
        after = runs[at + 1][1] if at + 1 < len(runs) else []
        said = before or [turn for turn in after if not turn.name]
        if said:
            yield ReplyRanges(said[-1].name, _words(said), _words(turns))


def _runs(
    voices: Sequence[Voice], others: Collection[tuple[int, int]]
) -> Iterator[tuple[bool, list[Voice]]]:
    """Consecutive turns grouped by whether they are the person's own."""
    run: list[Voice] = []
    was_own = False
    for voice in voices:
        is_own = (voice.start, voice.end) not in others
        if run and is_own != was_own:
            yield was_own, run
            run = []
        run.append(voice)
        was_own = is_own
    if run:
        yield was_own, run


def _words(turns: Sequence[Voice]) -> Ranges:
    return tuple((turn.words, turn.end) for turn in turns)


def _is_named(voice: Voice, own_names: Collection[str]) -> bool:
    if not voice.name:
        return False
    whole, address = folded(voice.name), folded(short_name(voice.name))
    display = folded(voice.name.partition("<")[0].strip(' "'))
    return any(name in own_names for name in (whole, address, display))
