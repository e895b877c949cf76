"""Building a text with several speakers, while recording who says what."""

from __future__ import annotations

from mlx_backend.library.voices import Voice


class TranscriptBuilder:
    """A text that is put together from pieces, some of which are the turns of speakers."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._voices: list[Voice] = []

    def add(self, text: str) -> None:
        """Append `text`; leading blank lines of the whole text are dropped."""
        if not self._length:
            text = text.lstrip("\n")
        self._pieces.append(text)
        self._length += len(text)

    def say(self, name: str, label: str, words: str, own: bool | None = None) -> None:
        """Append a turn: `label` (such as "Anna: "), then the speaker's words.

        `own`: the person speaks; None when unknown.
        """
        start = self._length
        self.add(label)
        if words.strip():
            begin = self._length
            self._voices.append(Voice(name, start, begin, begin + len(words), own))
        self._pieces.append(words)
        self._length += len(words)

    def __bool__(self) -> bool:
        return any(piece.strip() for piece in self._pieces)

    @property
    def text(self) -> str:
        """The whole text so far."""
        return "".join(self._pieces)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The turns that have words."""
        return tuple(self._voices)
