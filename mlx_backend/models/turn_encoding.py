"""Text of turns between text of a template, as token ids: in parts, or as a whole.

Most tokenizers give the same tokens for the parts of a conversation as for the whole. Those from
SentencePiece put a mark of a space before each text that they are given, and byte-level ones join
a space at the end of a part with the word that follows; for these the text between two control
tokens is encoded at once. In either case, what people and notes say gives no control token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from tokenizers import Tokenizer

Piece = str | int
"""Text of a template, or the index of the turn whose text stands there."""

_CONTROL = re.compile(r"[<\[].*[>\]]", re.DOTALL)


class TurnEncoding(Protocol):
    """How a conversation becomes token ids."""

    def prompt(self, pieces: Sequence[Piece], contents: Sequence[str]) -> list[int]:
        """The ids of a template's pieces with these contents in their places."""

    def texts(self, contents: Sequence[str]) -> list[list[int]]:
        """The ids of each text by itself."""

    def answers(
        self, pieces: Sequence[Piece], pairs: Sequence[tuple[str, str]]
    ) -> list[tuple[list[int], list[int]]]:
        """For each question (the content 0 of the pieces) and answer, the ids of both.

        The first are those of `prompt`, the second those that the model is to go on with.
        """


class InParts:
    """Encodes template and contents each by themselves."""

    def __init__(self, tokenizer_file: Path) -> None:
        self._structure = Tokenizer.from_file(str(tokenizer_file))
        self._content = _content_tokenizer(tokenizer_file)

    def prompt(self, pieces: Sequence[Piece], contents: Sequence[str]) -> list[int]:
        """As `TurnEncoding.prompt`."""
        return _joined(self.structured(pieces), self.texts(contents))

    def texts(self, contents: Sequence[str]) -> list[list[int]]:
        """As `TurnEncoding.texts`."""
        encodings = self._content.encode_batch(list(contents), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def answers(
        self, pieces: Sequence[Piece], pairs: Sequence[tuple[str, str]]
    ) -> list[tuple[list[int], list[int]]]:
        """As `TurnEncoding.answers`."""
        structured = self.structured(pieces)
        prompts = self.texts([prompt for prompt, _ in pairs])
        answers = self.texts([answer for _, answer in pairs])
        return [
            (_joined(structured, [prompt]), answer)
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    def structured(self, pieces: Sequence[Piece]) -> list[list[int] | int]:
        """The pieces with the template's text as ids, control tokens and all."""
        return [
            piece
            if isinstance(piece, int)
            else self._structure.encode(piece, add_special_tokens=False).ids
            for piece in pieces
        ]


class AsWhole:
    """Encodes the text between two control tokens of the template at once.

    `marks_first_only` tells that the tokenizer marks the beginning of the whole alone as the
    beginning of a word, and not that of each text after a control token.
    """

    def __init__(self, tokenizer_file: Path, marks_first_only: bool) -> None:
        self._first = _content_tokenizer(tokenizer_file)
        self._later = _content_tokenizer(tokenizer_file)
        if marks_first_only:
            _leave_out_first_mark(self._later)
        self._controls = _controls(self._first)
        longest_first = sorted(self._controls, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def prompt(self, pieces: Sequence[Piece], contents: Sequence[str]) -> list[int]:
        """As `TurnEncoding.prompt`."""
        return self._encoded(self._runs(pieces, contents))

    def texts(self, contents: Sequence[str]) -> list[list[int]]:
        """As `TurnEncoding.texts`."""
        encodings = self._later.encode_batch(list(contents), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def answers(
        self, pieces: Sequence[Piece], pairs: Sequence[tuple[str, str]]
    ) -> list[tuple[list[int], list[int]]]:
        """As `TurnEncoding.answers`."""
        found = []
        for prompt, answer in pairs:
            runs = self._runs(pieces, [prompt])
            ids = self._encoded(runs)
            found.append((ids, self._going_on(runs, ids, answer)))
        return found

    def _going_on(self, runs: Sequence[Piece], ids: list[int], answer: str) -> list[int]:
        """The ids of an answer after a prompt, whose own ids must stay as they are."""
        if not runs or isinstance(runs[-1], int):
            return self._encoded([*runs, answer])[len(ids) :]
        whole = self._encoded([*runs[:-1], runs[-1] + answer])
        return whole[len(ids) :] if whole[: len(ids)] == ids else self.texts([answer])[0]

    def _runs(self, pieces: Sequence[Piece], contents: Sequence[str]) -> list[Piece]:
        """The ids of control tokens, and between them the text of template and contents."""
        runs: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, int):
                _append(runs, contents[piece])
                continue
            end = 0
            for match in self._pattern.finditer(piece):
                _append(runs, piece[end : match.start()])
                runs.append(self._controls[match[0]])
                end = match.end()
            _append(runs, piece[end:])
        return runs

    def _encoded(self, runs: Sequence[Piece]) -> list[int]:
        ids: list[int] = []
        for place, run in enumerate(runs):
            if isinstance(run, int):
                ids.append(run)
            else:
                tokenizer = self._later if place else self._first
                ids += tokenizer.encode(run, add_special_tokens=False).ids
        return ids


def encoding_for(tokenizer_file: Path, pieces: Sequence[Piece]) -> TurnEncoding:
    """The encoding that agrees with the tokenizer on a whole conversation of plain words.

    `pieces` are a template's for one question and one answer.
    """
    contents = ["When was it?", "It was at noon."]
    whole = "".join(contents[piece] if isinstance(piece, int) else piece for piece in pieces)
    parts = InParts(tokenizer_file)
    (wanted,) = parts.structured([whole])
    if parts.prompt(pieces, contents) == wanted:
        return parts
    runs = AsWhole(tokenizer_file, marks_first_only=False)
    if runs.prompt(pieces, contents) == wanted:
        return runs
    return AsWhole(tokenizer_file, marks_first_only=True)


def _content_tokenizer(file: Path) -> Tokenizer:
    """A tokenizer that takes control tokens for plain text, also those not declared special."""
    described = json.loads(file.read_bytes())
    undeclared = [
        token
        for token in described.get("added_tokens") or ()
        if not token["special"] and _CONTROL.fullmatch(token["content"])
    ]
    for token in undeclared:
        token["special"] = True
    changed = json.dumps(described) if undeclared else None  # the file itself is read faster
    tokenizer = Tokenizer.from_str(changed) if changed else Tokenizer.from_file(str(file))
    tokenizer.encode_special_tokens = True
    return tokenizer


def _controls(tokenizer: Tokenizer) -> dict[str, int]:
    """The control tokens and their ids."""
    added = tokenizer.get_added_tokens_decoder()
    return {token.content: number for number, token in added.items() if token.special}


def _leave_out_first_mark(tokenizer: Tokenizer) -> None:
    scheme: Any = tokenizer.pre_tokenizer
    if hasattr(scheme, "prepend_scheme"):
        scheme.prepend_scheme = "never"


def _append(runs: list[Piece], text: str) -> None:
    if not text:
        return
    if runs and isinstance(runs[-1], str):
        runs[-1] += text
    else:
        runs.append(text)


def _joined(pieces: Sequence[list[int] | int], contents: Sequence[list[int]]) -> list[int]:
    ids: list[int] = []
    for piece in pieces:
        ids += contents[piece] if isinstance(piece, int) else piece
    return ids
