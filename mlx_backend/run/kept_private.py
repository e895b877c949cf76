"""Checks the frozen samples of a resumed run against what counts as private today."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from mlx_backend.dataset.samples import OF_SEVERAL_NOTES, Dataset
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.note_secrets import NoteSecrets, note_secrets
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.private_data.version import RULES_VERSION

_SHORTEST_SECRET = 6


@dataclass(frozen=True)
class _Known:
    """The secrets of some notes: values that are masked, and values that the person allows."""

    masked: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, notes: Sequence[NoteSecrets]) -> _Known:
        return cls(
            frozenset(value for each in notes for value in each.values(each.masked)),
            frozenset(value for each in notes for value in each.values(each.allowed)),
        )


def keeps_private(dataset: Dataset, connection: sqlite3.Connection) -> bool:
    """Whether no sample contains what the person masks by now, or what newer rules would mask.

    Samples that were masked by the present rules are not read again.
    """
    allowed = AllowedSecrets(connection).of_notes(dataset.versions.keys())
    if not set(dataset.masking.allowed) <= set(allowed):
        return False
    if dataset.masking.rules == RULES_VERSION:
        return True
    secrets = note_secrets(connection)
    known: dict[int | None, _Known] = {each.note_id: _Known.of([each]) for each in secrets}
    known[None] = _Known.of(secrets)
    texts = dict.fromkeys(_texts(dataset))
    return not any(_tells(text, known.get(note, _Known())) for note, text in texts)


def _texts(dataset: Dataset) -> Iterator[tuple[int | None, str]]:
    """The texts of the samples, each with the id of its note; None where several may be quoted."""
    for sample in chain(dataset.train, dataset.held_out, dataset.choosing, dataset.open_book):
        is_of_several = sample.others or sample.kind in OF_SEVERAL_NOTES
        note = None if is_of_several else sample.note
        for text in (sample.prompt, *sample.rewordings, sample.answer, sample.in_view):
            yield note, text


def _tells(text: str, known: _Known) -> bool:
    """Whether a text contains a masked value, or one that looks private and is not allowed."""
    if any(len(value) >= _SHORTEST_SECRET and value in text for value in known.masked):
        return True
    found = (text[each.start : each.end] for each in find_secrets(text))
    return any(not any(value in each or each in value for value in known.allowed) for each in found)
