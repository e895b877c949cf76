"""Text of turns between text of a template, as token ids: in parts, or as a whole.

Most tokenizers give the same tokens for the parts of a conversation as for the whole. Those from
SentencePiece put a mark of a space before each text that they are given, and others join what
stands at the edge of a part with what follows; for these the text between two control tokens is
encoded at once. In either case, what people and notes say gives no control token.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer

from mlx_backend.models.content_tokenizer import ContentTokenizer

Piece = str | int
"""Text of a template, or the index of the turn whose text stands there."""

Content = str | list[int]
"""The text of a turn, or the ids that it has already."""

Run = str | int | list[int]
"""Text between control tokens, a control token, or the ids of a whole turn."""

_LETTERS = "aZé7яωعשदก灯あ한"  # with which contents begin


class TurnEncoding(Protocol):
    """How a conversation becomes token ids."""

    def prompt(self, pieces: Sequence[Piece], contents: Sequence[Content]) -> list[int]:
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
    """Encodes template and contents each by themselves.

    Contents that begin with neither letter nor digit are encoded with the template around them,
    since a line break, for one, is joined with the line break before it.
    """

    def __init__(self, tokenizer_file: Path) -> None:
        self._structure = Tokenizer.from_file(str(tokenizer_file))
        self._content = ContentTokenizer(tokenizer_file)
        self._whole = AsWhole(tokenizer_file, marks_first_only=False, content=self._content)

    def prompt(self, pieces: Sequence[Piece], contents: Sequence[Content]) -> list[int]:
        """As `TurnEncoding.prompt`."""
        texts = [content for content in contents if isinstance(content, str)]
        if not all(map(_stands_alone, texts)):
            return self._whole.prompt(pieces, contents)
        encoded = iter(self.texts(texts))
        ids = [next(encoded) if isinstance(each, str) else each for each in contents]
        return _joined(self.structured(pieces), ids)

    def texts(self, contents: Sequence[str]) -> list[list[int]]:
        """As `TurnEncoding.texts`."""
        return self._content.encode(contents)

    def answers(
        self, pieces: Sequence[Piece], pairs: Sequence[tuple[str, str]]
    ) -> list[tuple[list[int], list[int]]]:
        """As `TurnEncoding.answers`."""
        structured = self.structured(pieces)
        prompts = self.texts([prompt for prompt, _ in pairs])
        answers = self.texts([answer for _, answer in pairs])
        return [
            (_joined(structured, [prompt]), answer)
            if all(map(_stands_alone, pair))
            else self._whole.answers(pieces, [pair])[0]
            for pair, prompt, answer in zip(pairs, prompts, answers, strict=True)
        ]

    def structured(self, pieces: Sequence[Piece]) -> list[list[int] | int]:
        """The pieces with the template's text as ids, control tokens and all."""
        return [
            piece
            if isinstance(piece, int)
            else self._structure.encode(piece, add_special_tokens=False).ids
            for piece in pieces
        ]

    def touches(self, pieces: Sequence[Piece]) -> bool:
        """Whether a content's tokens may depend on the template's text beside it.

        They do not after a control token or a line break at which this tokenizer splits, and
        before a control token.
        """
        around = list(pairwise(pieces))
        before = [one for one, two in around if isinstance(two, int) and isinstance(one, str)]
        after = [two for one, two in around if isinstance(one, int) and isinstance(two, str)]
        return not (
            all(self._splits_after(text) for text in before)
            and all(self._content.begins_with_control(text) for text in after)
        )

    def _splits_after(self, text: str) -> bool:
        if self._content.ends_with_control(text):
            return True
        rules = self._structure.pre_tokenizer
        if not text.endswith("\n") or rules is None:
            return False
        return all(
            2 in {end for _, (_, end) in rules.pre_tokenize_str(f"a\n{letter}")}
            for letter in _LETTERS
        )


class AsWhole:
    """Encodes the text between two control tokens of the template at once.

    `marks_first_only` tells that the tokenizer marks the beginning of the whole alone as the
    beginning of a word, and not that of each text after a control token.
    """

    def __init__(
        self,
        tokenizer_file: Path,
        marks_first_only: bool,
        content: ContentTokenizer | None = None,
    ) -> None:
        self._first = content or ContentTokenizer(tokenizer_file)
        self._later = self._first.without_marks if marks_first_only else self._first

    def prompt(self, pieces: Sequence[Piece], contents: Sequence[Content]) -> list[int]:
        """As `TurnEncoding.prompt`."""
        (found,) = self._encoded([self._runs(pieces, contents)])
        return found

    def texts(self, contents: Sequence[str]) -> list[list[int]]:
        """As `TurnEncoding.texts`."""
        return self._later.encode(contents)

    def answers(
        self, pieces: Sequence[Piece], pairs: Sequence[tuple[str, str]]
    ) -> list[tuple[list[int], list[int]]]:
        """As `TurnEncoding.answers`."""
        asked = [self._runs(pieces, [prompt]) for prompt, _ in pairs]
        prompts = self._encoded(asked)
        wholes = self._encoded(
            [_with_text(runs, answer) for runs, (_, answer) in zip(asked, pairs, strict=True)]
        )
        # The ids of a prompt stay as they are, whatever it is that the model is to go on with.
        return [
            (prompt, whole[len(prompt) :])
            if whole[: len(prompt)] == prompt
            else (prompt, self.texts([answer])[0])
            for prompt, whole, (_, answer) in zip(prompts, wholes, pairs, strict=True)
        ]

    def _runs(self, pieces: Sequence[Piece], contents: Sequence[Content]) -> list[Run]:
        """The ids of control tokens, and between them the text of template and contents."""
        runs: list[Run] = []
        for piece in pieces:
            if isinstance(piece, int):
                content = contents[piece]
                if isinstance(content, str):
                    _append(runs, content)
                else:
                    runs.append(content)
                continue
            end = 0
            for match in self._first.pattern.finditer(piece):
                _append(runs, piece[end : match.start()])
                runs.append(self._first.controls[match[0]])
                end = match.end()
            _append(runs, piece[end:])
        return runs

    def _encoded(self, conversations: Sequence[Sequence[Run]]) -> list[list[int]]:
        """The ids of several conversations, each given as ids and texts."""
        first = [run for runs in conversations for run in runs[:1] if isinstance(run, str)]
        later = [run for runs in conversations for run in runs[1:] if isinstance(run, str)]
        firsts, laters = iter(self._first.encode(first)), iter(self._later.encode(later))
        found = []
        for runs in conversations:
            ids: list[int] = []
            for place, run in enumerate(runs):
                if isinstance(run, list):
                    ids += run
                else:
                    ids += [run] if isinstance(run, int) else next(laters if place else firsts)
            found.append(ids)
        return found


def encoding_for(tokenizer_file: Path, pieces: Sequence[Piece]) -> TurnEncoding:
    """The encoding that agrees with the tokenizer on a whole conversation of plain words.

    `pieces` are a template's for one question and one answer.
    """
    contents = ["When was it?", "It was at noon."]
    whole = "".join(contents[piece] if isinstance(piece, int) else piece for piece in pieces)
    parts = InParts(tokenizer_file)
    (wanted,) = parts.structured([whole])
    if not parts.touches(pieces) and parts.prompt(pieces, contents) == wanted:
        return parts
    runs = AsWhole(tokenizer_file, marks_first_only=False)
    if runs.prompt(pieces, contents) == wanted:
        return runs
    return AsWhole(tokenizer_file, marks_first_only=True)


def _stands_alone(content: str) -> bool:
    return not content or content[0].isalnum()


def _with_text(runs: Sequence[Run], text: str) -> list[Run]:
    found = list(runs)
    _append(found, text)
    return found


def _append(runs: list[Run], text: str) -> None:
    if not text:
        return
    last = runs[-1] if runs else None
    if isinstance(last, str):
        runs[-1] = last + text
    else:
        runs.append(text)


def _joined(pieces: Sequence[list[int] | int], contents: Sequence[list[int]]) -> list[int]:
    ids: list[int] = []
    for piece in pieces:
        ids += contents[piece] if isinstance(piece, int) else piece
    return ids
