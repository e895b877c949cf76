"""JSON and JSON lines; the shape of the content decides which reader takes it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mlx_backend.importers.document import Document, Format, Item, SkippedFile, SourceFile
from mlx_backend.importers.readers.conversations import (
    is_account,
    is_chatgpt,
    is_claude,
    read_chatgpt,
    read_claude,
    read_large_conversations,
    refuse_account,
)
from mlx_backend.importers.readers.json_text import as_text
from mlx_backend.importers.readers.notebook import is_notebook, read_notebook
from mlx_backend.importers.readers.plain_text import decode
from mlx_backend.importers.readers.sample_files import is_samples, read_samples
from mlx_backend.importers.readers.telegram import is_telegram, read_telegram
from mlx_backend.importers.readers.text import begins_with

_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".ipynb"})
_SHAPES = (
    (is_notebook, read_notebook),
    (is_chatgpt, read_chatgpt),
    (is_claude, read_claude),
    (is_telegram, read_telegram),
    (is_samples, read_samples),
    (is_account, refuse_account),
)


def read_json(source: SourceFile) -> Iterable[Item]:
    """The documents in the file. Raises SkippedFile when it is damaged or empty."""
    value = _value(source)
    for recognises, read in _SHAPES:
        if recognises(value):
            return read(source, value)
    text = as_text(value)
    if not text.strip():
        raise SkippedFile("The file is empty")
    return [Document(title=source.stem, text=text, kind="table")]


def _value(source: SourceFile) -> object:
    """The value in the file; for JSON lines, the list of their values."""
    text = decode(source.data)
    if source.suffix not in (".jsonl", ".ndjson"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            if source.suffix == ".ipynb":
                raise SkippedFile("The notebook is damaged: its JSON cannot be read") from error
    try:
        return [msgspec.json.decode(line) for line in text.split("\n") if line.strip()]
    except msgspec.DecodeError as error:
        raise SkippedFile("The file is damaged: its JSON cannot be read") from error


def _recognises(source: SourceFile) -> bool:
    return source.suffix in _SUFFIXES or (not source.suffix and begins_with(source, b"{", b'[{"'))


FORMAT = Format(_recognises, read_json, read_large_conversations, in_sequence=True)
