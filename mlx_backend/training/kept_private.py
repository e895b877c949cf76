"""Whether the samples that a run froze still keep to themselves what is private by now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import chain

from mlx_backend.dataset.samples import Dataset
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.note_secrets import NoteSecrets, note_secrets
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.private_data.version import RULES_VERSION

_SHORTEST_SECRET = 6


def keeps_private(dataset: Dataset, connection: sqlite3.Connection) -> bool:
    """Whether no sample tells what the person has masked by now, or what newer rules would mask.

    Samples that were masked by the same rules need no reading, nor does what was allowed since.
    """
    allowed = AllowedSecrets(connection).of_notes(dataset.versions.keys())
    if not set(dataset.masking.allowed) <= set(allowed):
        return False
    if dataset.masking.rules == RULES_VERSION:
        return True
    secrets = {each.note_id: each for each in note_secrets(connection)}
    texts = dict.fromkeys(_texts(dataset))
    return not any(_tells(text, secrets.get(note)) for note, text in texts)


def _texts(dataset: Dataset) -> Iterator[tuple[int, str]]:
    for sample in chain(dataset.train, dataset.held_out):
        yield sample.note, sample.prompt
        yield sample.note, sample.answer


def _tells(text: str, secrets: NoteSecrets | None) -> bool:
    """Whether a sample's text tells what its note has masked, or what looks private by itself."""
    masked = secrets.values(secrets.masked) if secrets else set()
    if any(len(value) >= _SHORTEST_SECRET and value in text for value in masked):
        return True
    allowed = secrets.values(secrets.allowed) if secrets else set()
    found = (text[each.start : each.end] for each in find_secrets(text))
    return any(not any(value in each or each in value for value in allowed) for each in found)
