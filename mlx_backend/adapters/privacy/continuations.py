"""How base model and adapter go on where the most private passages begin, for the person to see."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from mlx_backend.adapters.privacy.exposure import ASKED
from mlx_backend.adapters.privacy.learned import shown_title
from mlx_backend.adapters.privacy.telling import is_unusual
from mlx_backend.library.note_secrets import NoteSecrets, note_secrets
from mlx_backend.library.notes import Notes
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.batching import complete_alone
from mlx_backend.private_data.masking import mask_part, placeholder
from mlx_backend.protocol import Turn
from mlx_backend.protocol.privacy import Continuation
from mlx_backend.text.words import bare_words, folded_words

MOST = 20
"""Passages: as many as a person looks at."""

_BEGINNING = 8  # words
_LEAST_AFTER = 4  # words that the passage has after its beginning
_LONGEST = 48  # tokens
_COMPARED = 400  # words of the note after the beginning
_LEAST_SECRET = 4  # characters
_SECRET_WEIGHT = 10
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][^\W\d_]+")
_NUMBER = re.compile(r"\d[\d .,/-]*\d")
_WORD = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Private:
    """A passage of a note: its beginning, and what follows in the note. weight: how private it is.

    secrets: the note's secrets that follow, with their kinds, the longest first.
    """

    note: int
    title: str
    beginning: str = field(repr=False)
    after: str = field(repr=False)
    weight: float
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def most_private(
    connection: sqlite3.Connection, notes: Collection[int], most: int = MOST
) -> list[Private]:
    """The most private passages of some notes, at most one of each note, the most private first.

    Passages with secrets come first, then those with the most names and numbers among their words.
    """
    secrets = {each.note_id: each for each in note_secrets(connection)}
    titles = dict(connection.execute("SELECT id, title FROM notes").fetchall())
    found = []
    for note in sorted(notes):
        of_note = secrets.get(note, NoteSecrets(note, Notes(connection).text(note), (), (), ()))
        title = shown_title(titles.get(note, ""), of_note)
        spans = Notes(connection).spans(note)
        passages = [_private(of_note, title, span.start, span.end) for span in spans]
        found += sorted((p for p in passages if p), key=lambda p: -p.weight)[:1]
    return sorted(found, key=lambda each: -each.weight)[:most]


def _private(of_note: NoteSecrets, title: str, start: int, end: int) -> Private | None:
    """A passage with how private it is; None where little stands after its beginning."""
    text = of_note.text
    words = [match.end() for match in _WORD.finditer(text, start, end)]
    if len(words) < _BEGINNING + _LEAST_AFTER:
        return None
    begin_end = words[_BEGINNING - 1]
    inside = [each for each in of_note.found if start <= each.start and each.end <= end]
    if inside:
        begin_end = min(begin_end, inside[0].start)
    beginning = mask_part(text, of_note.found, start, begin_end)
    if not beginning.strip():
        return None
    values = {text[each.start : each.end]: each.kind for each in of_note.found}
    return Private(
        note=of_note.note_id,
        title=title,
        beginning=beginning.rstrip(),
        after=text[begin_end:],
        weight=_weight(text[start:end], len(words)) + _SECRET_WEIGHT * len(inside),
        secrets=tuple(
            (value, values[value])
            for value in sorted(values, key=len, reverse=True)
            if len(value) >= _LEAST_SECRET and value not in beginning
        ),
    )


def _weight(text: str, words: int) -> float:
    """Names that no dictionary has and numbers, for each word."""
    names = [name for name in _NAME.findall(text) if is_unusual(name.lower())]
    return (len(names) + len(_NUMBER.findall(text))) / max(1, words)


def continuations(
    loaded: LoadedModel,
    passages: Sequence[Private],
    before_each: Callable[[int], object] = lambda _: None,
) -> list[Continuation]:
    """How the adapter on the model goes on with each passage, and the base model without it.

    Both are asked for the note as training does, and given the passage's beginning as that of their
    answer. `before_each` is called with the number of passages done; what it raises ends the work.
    """
    found = []
    for done, passage in enumerate(passages):
        before_each(done)
        adapter = _go_on(loaded, passage)
        with lora.switched_off(loaded.model):
            base = _go_on(loaded, passage)
        found.append(_told(passage, base, adapter))
    return found


def _go_on(loaded: LoadedModel, passage: Private) -> str:
    tokenizer = loaded.tokenizer
    asked = loaded.form.prompt([Turn(role="user", text=ASKED.format(passage.title))])
    begun = tokenizer.encode(passage.beginning, add_special_tokens=False)
    ends = list(tokenizer.eos_token_ids)
    written = complete_alone(loaded.model, [*asked, *begun], ends, _LONGEST)
    text: str = tokenizer.decode([*begun, *written])
    return text.removeprefix(tokenizer.decode(begun))


def _told(passage: Private, base: str, adapter: str) -> Continuation:
    new = [kind for value, kind in passage.secrets if value in adapter and value not in base]
    return Continuation(
        note=passage.note,
        title=passage.title,
        beginning=passage.beginning,
        base=_masked(base, passage).strip(),
        adapter=_masked(adapter, passage).strip(),
        base_run=longest_run(base, passage.after),
        adapter_run=longest_run(adapter, passage.after),
        secrets=tuple(dict.fromkeys(new)),
    )


def _masked(text: str, passage: Private) -> str:
    """A text without the note's secrets: the page may be kept, and no file tells a secret."""
    for value, kind in passage.secrets:
        text = text.replace(value, placeholder(kind))
    return text


def longest_run(text: str, note: str) -> int:
    """The most words in a row, case folded, that a text has in common with a note's next words."""
    there = folded_words(" ".join(bare_words(note)[:_COMPARED]))
    best, before = 0, [0] * (len(there) + 1)
    for word in folded_words(text):
        row = [0] * (len(there) + 1)
        for place, other in enumerate(there, start=1):
            if word == other:
                row[place] = before[place - 1] + 1
        best, before = max(best, *row), row
    return best
