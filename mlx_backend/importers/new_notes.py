"""Making notes for the library from the documents that a file gave."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlx_backend.importers.document import Document
from mlx_backend.importers.passages import split_passages
from mlx_backend.importers.sandbox import FileContent
from mlx_backend.importers.walk import FoundFile
from mlx_backend.library.notes import NewNote
from mlx_backend.private_data.scan import find_secrets

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PIECE = 100_000
_PIECES_AT_ONCE = 20


def new_notes(file: FoundFile, content: FileContent, tokens: Iterator[int]) -> Iterator[NewNote]:
    """The notes of a file; `tokens` yields the number of tokens of each document in turn."""
    paths: set[str] = set()
    for document in content.documents:
        path = _unused(part_path(str(file.path), document.part), paths)
        paths.add(path)
        yield NewNote(
            path=path,
            source=str(file.source),
            title=document.title or file.path.stem,
            text=document.text,
            sha256=_version(document) if document.part else content.sha256,
            words=len(document.text.split()),
            tokens=next(tokens),
            passages=tuple(split_passages(document.text)),
            file=str(file.path),
            part=document.part,
            kind=document.kind,
            created=file.mtime_ns / 1e9 if document.created is None else document.created,
            author=document.author,
            voices=document.voices,
            left_out=document.left_out,
            aliases=_without_secrets(document.aliases),
            tags=_without_secrets(document.tags),
        )


def _without_secrets(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if not find_secrets(name))


def part_path(path: str, part: str) -> str:
    """The path of a part: as if its file were a folder. A file without parts keeps its path."""
    return f"{path}/{part}" if part else path


class TokenCounter:
    """Counts tokens; loads the tokenizer only when there is something to count."""

    def __init__(self, load: Callable[[], Tokenizer]) -> None:
        self._load = functools.cache(load)

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text. Long texts are counted in pieces, to limit memory."""
        counts = [0] * len(texts)
        pieces = [(at, piece) for at, text in enumerate(texts) for piece in _pieces(text)]
        for first in range(0, len(pieces), _PIECES_AT_ONCE):
            some = pieces[first : first + _PIECES_AT_ONCE]
            encodings = self._load().encode_batch_fast(
                [piece for _, piece in some], add_special_tokens=False
            )
            for (at, _), encoding in zip(some, encodings, strict=True):
                counts[at] += len(encoding.ids)
        return counts


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _PIECE:
        end = text.rfind("\n", start, start + _PIECE) + 1 or start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:]


def _version(document: Document) -> str:
    """A hash that identifies the version of a part, independent of the rest of its file."""
    return hashlib.sha256(f"{document.title}\0{document.text}".encode()).hexdigest()


def _unused(path: str, used: set[str]) -> str:
    if path not in used:
        return path
    number = 2
    while f"{path} ({number})" in used:
        number += 1
    return f"{path} ({number})"
