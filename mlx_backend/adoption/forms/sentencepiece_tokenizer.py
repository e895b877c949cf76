"""A SentencePiece vocabulary (tokenizer.model) as the tokenizer.json that Overnight works with.

Converted once, when a model comes, and checked against sentencepiece itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sentencepiece import SentencePieceProcessor
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from mlx_backend.adoption.forms.sentencepiece_file import (
    CONTROL,
    MERGED,
    SOURCE,
    UNKNOWN,
    USER_DEFINED,
    read_sentencepiece,
    refused,
)
from mlx_backend.adoption.forms.tokenizer_texts import probe_texts
from mlx_backend.files import write_atomically

CONVERTED = "tokenizer.json"

_SPACE = "\u2581"
_LARGEST_JSON = 16 << 20  # bytes
_MOST_ADDED = 50_000  # control tokens and symbols; Gemma has some 6,500
_LONGEST_TOGETHER = 2_000_000  # characters of all of these
_LONGEST_DRAWN = 128  # characters of a token that the tokenizers are compared with

_Marked = Literal["each text", "the first text", "none"]
"""Where a space is put before a text: before each one between control tokens, as sentencepiece
does, or only where the whole begins, as transformers does unless it is told that a model is older
(`legacy`)."""


@dataclass(frozen=True)
class _Added:
    """A token that the model's configuration adds to the vocabulary, or renames in it."""

    number: int
    text: str
    special: bool


def convert_tokenizer(folder: Path) -> bool:
    """Write the tokenizer.json of the model in `folder`, if there is only a tokenizer.model.

    Returns whether it was written. Raises OvernightError where the file is damaged or too large, is
    of a kind other than BPE, or where the new tokenizer would not give the tokens that
    sentencepiece gives, with control tokens in a text taken for letters.
    """
    source = folder / SOURCE
    if (folder / CONVERTED).exists() or not source.exists():
        return False
    proto = read_sentencepiece(source)
    configured = _json(folder / "tokenizer_config.json")
    marked = _marked(proto, configured)
    tokenizer = _converted(proto, marked, _added(folder, configured))
    _check_same(tokenizer, proto, marked)
    if configured.get("add_bos_token", True):
        _begin_with_bos(tokenizer, proto)
    write_atomically(folder / CONVERTED, tokenizer.to_str().encode())
    return True


def _marked(proto: Any, configured: Mapping[str, Any]) -> _Marked:
    if not proto.normalizer_spec.add_dummy_prefix or configured.get("add_prefix_space") is False:
        return "none"
    has_symbols = any(piece.type == USER_DEFINED for piece in proto.pieces)
    return "each text" if configured.get("legacy", not has_symbols) else "the first text"


def _converted(proto: Any, marked: _Marked, added: Sequence[_Added]) -> Tokenizer:
    """The tokenizer in the form of the `tokenizers` library."""
    pieces = proto.pieces
    renamed = {each.number: each.text for each in added if each.number < len(pieces)}
    words = [renamed.get(number, piece.piece) for number, piece in enumerate(pieces)]
    if len(set(words)) < len(words):
        raise refused("Two of its tokens are the same.")
    unknown = [word for word, piece in zip(words, pieces, strict=True) if piece.type == UNKNOWN]
    tokenizer = Tokenizer(
        models.BPE(
            {word: number for number, word in enumerate(words)},
            _merges(pieces),
            unk_token=unknown[0] if unknown else None,
            fuse_unk=True,
            byte_fallback=proto.trainer_spec.byte_fallback,
        )
    )
    _set_spaces(tokenizer, proto.normalizer_spec, marked)
    own = [
        _Added(number, words[number], piece.type != USER_DEFINED)
        for number, piece in enumerate(pieces)
        if piece.type in (UNKNOWN, CONTROL, USER_DEFINED)
    ]
    by_number = {each.number: each for each in (*own, *added)}
    length = sum(len(each.text) for each in by_number.values())
    if len(by_number) > _MOST_ADDED or length > _LONGEST_TOGETHER:
        raise refused("Far too many tokens are added to it.")
    _add(tokenizer, [each for _, each in sorted(by_number.items())])
    return tokenizer


def _merges(pieces: Sequence[Any]) -> list[tuple[str, str]]:
    """Every way in which two pieces make one, the best piece first.

    Control tokens and bytes are no part of any: written in a text they are but letters.
    """
    scores = {piece.piece: piece.score for piece in pieces if piece.type in MERGED}
    found = [
        (-score, word[:cut], word[cut:])
        for word, score in scores.items()
        for cut in range(1, len(word))
        if word[:cut] in scores and word[cut:] in scores
    ]
    found.sort(key=lambda each: each[0])
    return [(left, right) for _, left, right in found]


def _set_spaces(tokenizer: Tokenizer, rules: Any, marked: _Marked) -> None:
    """How spaces become marks, and marks spaces again."""
    steps: list[normalizers.Normalizer] = []
    if rules.remove_extra_whitespaces:
        steps += [
            normalizers.Replace(Regex(r"\A +| +\z"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    if marked == "each text":
        steps.append(normalizers.Prepend(_SPACE))
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", _SPACE)])
    if marked == "the first text":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(_SPACE, "first", split=False)
    back = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    strip = [] if marked == "none" else [decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence([*back, *strip])


def _add(tokenizer: Tokenizer, added: Sequence[_Added]) -> None:
    """Add tokens, sorted by their numbers.

    In one call for all and one more for those that are special, because each call builds the search
    for all added tokens anew: call by call, 10,000 tokens would take minutes. The first call gives
    the numbers, the second one only marks.
    """
    tokenizer.add_tokens([AddedToken(each.text, normalized=False) for each in added])
    special = [each.text for each in added if each.special]
    tokenizer.add_special_tokens(
        [AddedToken(text, special=True, normalized=False) for text in special]
    )
    for each in added:
        if tokenizer.token_to_id(each.text) != each.number:
            raise refused(f"The token {each.text[:40]!r} that is added to it has a wrong number.")


def _begin_with_bos(tokenizer: Tokenizer, proto: Any) -> None:
    number = proto.trainer_spec.bos_id
    if 0 <= number < len(proto.pieces):
        bos = tokenizer.id_to_token(number)
        tokenizer.post_processor = processors.TemplateProcessing(
            single=[bos, "$A"], pair=[bos, "$A", bos, "$B"], special_tokens=[(bos, number)]
        )


def _added(folder: Path, configured: Mapping[str, Any]) -> list[_Added]:
    """The tokens of added_tokens.json and of tokenizer_config.json, which has the last word."""
    found: dict[int, _Added] = {}
    for text, number in _json(folder / "added_tokens.json").items():
        if isinstance(number, int):
            found[number] = _Added(number, text, special=True)
    declared = configured.get("added_tokens_decoder")
    for key, said in (declared if isinstance(declared, dict) else {}).items():
        if key.isdecimal() and isinstance(said, dict) and isinstance(said.get("content"), str):
            special = said.get("special") is True
            found[int(key)] = _Added(int(key), said["content"], special)
    return list(found.values())


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; empty where there is no such file."""
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise refused(f"The file {path.name} beside it is far too large.")
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise refused(f"The file {path.name} beside it is no readable JSON.", error) from error
    return found if isinstance(found, dict) else {}


def _check_same(tokenizer: Tokenizer, proto: Any, marked: _Marked) -> None:
    truth = _Truth(proto, marked)
    words = (piece.piece for piece in proto.pieces if len(piece.piece) <= _LONGEST_DRAWN)
    texts = probe_texts([word.replace(_SPACE, " ") for word in words])
    tokenizer.encode_special_tokens = True
    found = [each.ids for each in tokenizer.encode_batch(texts, add_special_tokens=False)]
    tokenizer.encode_special_tokens = False
    for text, ids in zip(texts, found, strict=True):
        if ids != (wanted := truth.encode(text)):
            difference = ValueError(f"{text!r}: {ids} instead of {wanted}")
            raise refused("As a tokenizer.json it would give other tokens.", difference)


class _Truth:
    """What sentencepiece makes of a text, with marks of spaces where they are to be."""

    def __init__(self, proto: Any, marked: _Marked) -> None:
        self._marked = marked
        self._with, self._without = (_processor(proto, mark) for mark in (True, False))
        self._symbols = _Symbols(p.piece for p in proto.pieces if p.type == USER_DEFINED)

    def encode(self, text: str) -> list[int]:
        if self._marked == "each text":
            return [
                number
                for part, is_symbol in self._symbols.parts(text)
                for number in self._of(part, with_mark=not is_symbol)
            ]
        begins_itself = text.startswith((" ", _SPACE)) or self._symbols.length_at(text, 0) > 0
        return self._of(text, with_mark=self._marked != "none" and not begins_itself)

    def _of(self, text: str, with_mark: bool) -> list[int]:
        found: list[int] = (self._with if with_mark else self._without).encode(text)
        return found


class _Symbols:
    """User-defined symbols, found in a text: at each place the longest, however many there are."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._lengths: dict[str, set[int]] = {}
        self._all = frozenset(symbols)
        for symbol in self._all:
            self._lengths.setdefault(symbol[:1], set()).add(len(symbol))

    def length_at(self, text: str, place: int) -> int:
        """The length of the longest symbol that begins there; 0 where none does."""
        lengths = self._lengths.get(text[place : place + 1], ())
        return max((n for n in lengths if text[place : place + n] in self._all), default=0)

    def parts(self, text: str) -> Iterator[tuple[str, bool]]:
        """The symbols in a text and what is between them, and whether each is a symbol."""
        begin = place = 0
        while place < len(text):
            if length := self.length_at(text, place):
                yield text[begin:place], False
                yield text[place : place + length], True
                begin = place = place + length
            else:
                place += 1
        yield text[begin:], False


def _processor(proto: Any, add_dummy_prefix: bool) -> SentencePieceProcessor:
    copy = type(proto)()
    copy.CopyFrom(proto)
    copy.normalizer_spec.add_dummy_prefix = add_dummy_prefix
    try:
        return SentencePieceProcessor(model_proto=copy.SerializeToString())
    except (RuntimeError, ValueError, TypeError) as error:
        raise refused("It is damaged.", error) from error
