"""Reading a SentencePiece file (tokenizer.model) that anyone may have made.

Sizes are looked at before protobuf builds anything from the file, and what is read here is copied
field by field, so that sentencepiece, which is written in C++, gets nothing unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from mlx_backend.errors import ErrorKind, OvernightError

SOURCE = "tokenizer.model"
UNKNOWN, CONTROL, USER_DEFINED = 2, 3, 4
"""Types of a piece; a text gives none but those of the last and of `MERGED`."""
MERGED = (1, USER_DEFINED)
"""The types of the pieces of which others are made."""
MOST_PIECES = 400_000

_LARGEST = 16 << 20  # bytes; the largest known, of 262,144 pieces, takes 5 MB
_LARGEST_PIECE = 512  # bytes
_LARGEST_REST = 1 << 20  # bytes of all that is no piece
_PIECE_TAG = (1 << 3) | 2  # field 1 of ModelProto, with a length
_BPE = 2  # trainer_spec.model_type
_KINDS = {1: "unigram", 3: "word", 4: "char"}

# The fields that are used here; of others nothing is known.
_TRAINED = (
    *("model_type", "byte_fallback", "unk_id", "bos_id", "eos_id", "pad_id"),
    *("unk_piece", "bos_piece", "eos_piece", "pad_piece", "unk_surface"),
)
_NORMALISED = ("add_dummy_prefix", "remove_extra_whitespaces", "escape_whitespaces")


def read_sentencepiece(path: Path) -> Any:
    """The `ModelProto` of a file, of the kind BPE and with texts encoded as they are.

    Raises OvernightError where it is damaged, too large or of another kind.
    """
    try:
        return _checked(_parsed(_read(path)))
    except (DecodeError, RuntimeError, ValueError) as error:  # also of strings that are no UTF-8
        raise refused("It is damaged.", error) from error


def _read(path: Path) -> bytes:
    """The bytes of the file, of which no list can become longer than they are meant to."""
    if path.stat().st_size > _LARGEST:
        raise refused("It is far too large for a tokenizer.")
    data = path.read_bytes()
    pieces = rest = 0
    for tag, size in _fields(data):
        if tag == _PIECE_TAG:
            pieces += 1
            if pieces > MOST_PIECES or size > _LARGEST_PIECE:
                raise refused("Its vocabulary is far too large.")
        else:
            rest += size
            if rest > _LARGEST_REST:
                raise refused("It rewrites texts by a table of its own, which is far too large.")
    if not pieces:
        raise refused("It is no SentencePiece file.")
    return data


def _fields(data: bytes) -> Iterator[tuple[int, int]]:
    """The tags and sizes in bytes of the outermost fields of a protobuf message."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        match tag & 7:
            case 0:
                _, end = _varint(data, place)
            case 1:
                end = place + 8
            case 2:
                size, place = _varint(data, place)
                end = place + size
            case 5:
                end = place + 4
            case _:
                raise refused("It is no SentencePiece file.")
        if end > len(data):
            raise refused("It is damaged or no SentencePiece file.")
        yield tag, max(1, end - place)
        place = end


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise refused("It is damaged or no SentencePiece file.")


def _parsed(data: bytes) -> Any:
    proto = ModelProto()
    proto.ParseFromString(data)
    return proto


def _checked(proto: Any) -> Any:
    """A copy that has only what is used here, for programs that trust what they read."""
    said, rules = proto.trainer_spec, proto.normalizer_spec
    if said.model_type != _BPE:
        kind = _KINDS.get(said.model_type, str(said.model_type))
        raise refused(f"Its vocabulary is of the kind '{kind}', which is not BPE.")
    if rules.precompiled_charsmap or proto.denormalizer_spec.precompiled_charsmap:
        raise refused(f"It rewrites texts before it encodes them ({rules.name[:40]}).")
    if said.treat_whitespace_as_suffix or not rules.escape_whitespaces:
        raise refused("It marks spaces in another way than the models that Overnight knows.")
    copy = ModelProto()
    types = [piece.type for piece in proto.pieces]
    if types.count(UNKNOWN) != 1 or not all(piece.piece for piece in proto.pieces):
        raise refused("It is damaged.")
    for piece in proto.pieces:
        copy.pieces.add(piece=piece.piece, score=piece.score, type=piece.type)
    copy.trainer_spec.MergeFrom(_only(said, _TRAINED))
    copy.normalizer_spec.MergeFrom(_only(rules, _NORMALISED))
    copy.normalizer_spec.name = "identity"
    return copy


def _only(message: Any, names: Iterable[str]) -> Any:
    """A new message with only these fields of another."""
    return type(message)(**{name: getattr(message, name) for name in names})


def refused(why: str, error: Exception | None = None) -> OvernightError:
    """The error for a tokenizer.model that cannot be used; `why` is a sentence."""
    return OvernightError(
        ErrorKind.BAD_INPUT,
        f"The tokenizer of this model ({SOURCE}) cannot be used. {why}",
        "Look for a form of the model that has a tokenizer.json, for example by mlx-community.",
        "" if error is None else f"{type(error).__name__}: {error}",
    )
