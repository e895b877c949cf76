"""Building a text of several voices that remembers which words are the person's own."""

from __future__ import annotations

from mlx_backend.importers.document import Range


class Transcript:
    """Pieces of text in order; `own_words` are those that were added as the person's."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._own: list[Range] = []

    def add(self, text: str, own: bool = False) -> None:
        """Append `text` as it is."""
        if own and text.strip():
            self._own.append((self._length, self._length + len(text)))
        self._pieces.append(text)
        self._length += len(text)

    def __bool__(self) -> bool:
        return any(piece.strip() for piece in self._pieces)

    @property
    def text(self) -> str:
        """All pieces."""
        return "".join(self._pieces)

    @property
    def own_words(self) -> tuple[Range, ...]:
        """The ranges that the person wrote."""
        return tuple(self._own)
