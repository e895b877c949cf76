"""Who says what in a text of several voices, and which words are the person's own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from mlx_backend.library.text_ranges import Ranges

_ADDRESS = re.compile(r"<?([^\s<>@]+@[^\s<>@]+)>?\s*$")


class Voice(msgspec.Struct, frozen=True, array_like=True):
    """One turn of a speaker: characters [start, end) of a text, whose words begin at `words`.

    `name` is as the text gives it, "" where it gives none. `own` tells whether the person speaks,
    as far as the file says; None where it does not.
    """

    name: str
    start: int
    words: int
    end: int
    own: bool | None = None


@dataclass(frozen=True)
class Authorship:
    """The share of the words (0 to 1) that is the person's, and where the others' turns are."""

    share: float
    others: Ranges

    @property
    def sentence(self) -> str:
        """What it means for training, for the person."""
        if self.share == 0:
            return "Others wrote it; nothing in it is in your own words."
        if not self.others:
            return "You wrote it yourself."
        percent = min(99, max(1, round(self.share * 100)))
        return (
            f"You wrote {percent} percent of it. What others wrote is left out,"
            " but for what you answer to."
        )


@dataclass(frozen=True)
class Exchange:
    """What someone said, and what the person answered: ranges of words, without names.

    `name` is "" where the text does not say who is answered.
    """

    name: str
    said: Ranges
    answered: Ranges


def encode_voices(voices: Sequence[Voice]) -> str | None:
    """Voices as a column holds them; NULL where there are none."""
    return msgspec.json.encode(voices).decode() if voices else None


def decode_voices(encoded: str | None) -> tuple[Voice, ...]:
    """The voices that a column holds."""
    return msgspec.json.decode(encoded, type=tuple[Voice, ...]) if encoded else ()


def folded(name: str) -> str:
    """A name or address as it is compared: without case and spare spaces."""
    return " ".join(name.split()).casefold()


def short_name(name: str) -> str:
    """The address of a mail's sender, which names vary around; any other name as it is."""
    found = _ADDRESS.search(name)
    return found[1] if found else " ".join(name.split())


def resolved(voices: Sequence[Voice], own_names: Collection[str]) -> tuple[Voice, ...]:
    """The voices with what the person's (folded) names tell of `own`.

    The names decide where they name a voice, and wherever voices have addresses once one of the
    person's is known; else it stays as the file says.
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
    """Whose words a text is in; None where it has one voice, or where that cannot be told.

    Others' turns are only named where the person has turns as well.
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


def exchanges(voices: Sequence[Voice], others: Ranges) -> Iterator[Exchange]:
    """What the person answered to whom; `others` are the turns of others.

    Turns without a name are quoted: where one follows the answer, as in many mails, it counts too.
    """
    runs = list(_runs(voices, set(others)))
    for at, (is_own, turns) in enumerate(runs):
        if not is_own:
            continue
        before = runs[at - 1][1] if at else []
        after = runs[at + 1][1] if at + 1 < len(runs) else []
        said = before or [turn for turn in after if not turn.name]
        if said:
            yield Exchange(said[-1].name, _words(said), _words(turns))


def _runs(
    voices: Sequence[Voice], others: Collection[tuple[int, int]]
) -> Iterator[tuple[bool, list[Voice]]]:
    """Turns of the person and of others by turns."""
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
