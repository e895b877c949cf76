from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlx_lm.utils import load_tokenizer
from sentencepiece import SentencePieceProcessor
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import Tokenizer

from mlx_backend.adoption.forms import sentencepiece_file
from mlx_backend.adoption.forms.sentencepiece_file import CONTROL, USER_DEFINED
from mlx_backend.adoption.forms.sentencepiece_tokenizer import convert_tokenizer
from mlx_backend.adoption.forms.tokenizer_texts import probe_texts
from mlx_backend.errors import ErrorKind, OvernightError
from tests.mlx_backend.adoption.forms.trained_sentencepiece import trained


@pytest.fixture(scope="module")
def usual() -> bytes:
    return trained()


@pytest.fixture
def folder(tmp_path: Path, usual: bytes) -> Path:
    (tmp_path / "tokenizer.model").write_bytes(usual)
    return tmp_path


def converted(folder: Path) -> Tokenizer:
    assert convert_tokenizer(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    return tokenizer


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return found


@pytest.mark.parametrize(
    "text",
    [
        "The lamp was lit.",
        " leading",
        "double  space   three",
        "trailing  ",
        "",
        " ",
        "👩‍👩‍👧‍👦 🇩🇪",
        "ключ 钥匙 กุญแจ",
        "<s>[INST] obey </s><unk><0x41>",
        "a\n\n\tb\r\n\x00",
        "\u2581 is a mark",
    ],
    ids=ascii,
)
def test_the_ids_are_those_of_sentencepiece(folder: Path, usual: bytes, text: str) -> None:
    tokenizer = converted(folder)
    truth = SentencePieceProcessor(model_proto=usual)
    assert ids(tokenizer, text) == truth.encode(text)
    assert tokenizer.decode(ids(tokenizer, text)) == truth.decode(truth.encode(text))


@pytest.mark.parametrize(
    "options",
    [
        {"add_dummy_prefix": False},
        {"byte_fallback": False},
        {"remove_extra_whitespaces": True},
        {"split_digits": True, "vocab_size": 500},
        {"user_defined_symbols": ["[IMG]", "<think>"]},
        {"control_symbols": ["[INST]", "[/INST]"]},
        {"bos_id": -1, "eos_id": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_every_kind_of_bpe_is_converted_or_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    (tmp_path / "tokenizer.model").write_bytes(trained(**options))
    tokenizer = converted(tmp_path)
    truth = SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    for text in ("The lamp was lit, 1952.", "süße  ключи", "[INST] hello"):
        assert ids(tokenizer, text) == truth.encode(text)


@pytest.mark.parametrize("kind", [USER_DEFINED, CONTROL])
def test_thousands_of_added_tokens_take_no_minutes(folder: Path, usual: bytes, kind: int) -> None:
    """One by one, 2,000 take ten seconds and 20,000 a quarter of an hour."""
    write_with_tokens(folder, usual, 20_000, kind)
    began = time.monotonic()
    tokenizer = converted(folder)
    assert time.monotonic() - began < 20
    number = tokenizer.token_to_id("<x19999>")
    assert number is not None
    assert tokenizer.get_added_tokens_decoder()[number].special is (kind == CONTROL)


def test_far_too_many_added_tokens_are_refused(folder: Path, usual: bytes) -> None:
    write_with_tokens(folder, usual, 50_001, USER_DEFINED)
    with pytest.raises(OvernightError, match="Far too many"):
        convert_tokenizer(folder)
    write_with_tokens(folder, usual, 5_000, USER_DEFINED, "x" * 450)
    with pytest.raises(OvernightError, match="Far too many"):
        convert_tokenizer(folder)


def write_with_tokens(
    folder: Path, usual: bytes, count: int, kind: int, prefix: str = "<x"
) -> None:
    proto = ModelProto()
    proto.ParseFromString(usual)
    for number in range(count):
        proto.pieces.add(piece=f"{prefix}{number}>", score=0, type=kind)
    (folder / "tokenizer.model").write_bytes(proto.SerializeToString())


def test_the_longest_symbol_is_taken(folder: Path, usual: bytes) -> None:
    proto = ModelProto()
    proto.ParseFromString(usual)
    for symbol in ("<a", "<a>", "<a>b"):
        proto.pieces.add(piece=symbol, score=0, type=USER_DEFINED)
    (folder / "tokenizer.model").write_bytes(proto.SerializeToString())
    tokenizer = converted(folder)
    assert tokenizer.encode("<a>b", add_special_tokens=False).tokens[-1] == "<a>b"


def test_a_control_token_of_the_template_is_one_and_begins_the_text(
    folder: Path, usual: bytes
) -> None:
    convert_tokenizer(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    truth = SentencePieceProcessor(model_proto=usual)
    assert tokenizer.encode("lamp").ids == [truth.bos_id(), *truth.encode("lamp")]
    assert ids(tokenizer, "lamp</s>lamp") == [
        *truth.encode("lamp"),
        truth.eos_id(),
        *truth.encode("lamp"),
    ]


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"legacy": True}, ["▁a", "</s>", "▁a"]),
        ({"legacy": False}, ["▁a", "</s>", "a"]),
        ({"add_prefix_space": False}, ["a", "</s>", "a"]),
    ],
    ids=["legacy", "not legacy", "no prefix"],
)
def test_spaces_are_marked_as_the_configuration_says(
    folder: Path, config: dict[str, object], wanted: list[str]
) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = converted(folder)
    tokenizer.encode_special_tokens = False
    assert [tokenizer.id_to_token(each) for each in ids(tokenizer, "a</s>a")] == wanted


def test_mlx_lm_streams_what_it_encodes(folder: Path) -> None:
    convert_tokenizer(folder)
    config = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    tokenizer = load_tokenizer(folder)
    text = "Marta lit  the lamp 👩‍👩‍👧 of Žluťoučký кот"
    stream = tokenizer.detokenizer
    for number in tokenizer.encode(text, add_special_tokens=False):
        stream.add_token(number)
    stream.finalize()
    assert stream.text == text


def test_added_tokens_have_the_numbers_that_they_are_said_to_have(folder: Path) -> None:
    first = SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).get_piece_size()
    (folder / "added_tokens.json").write_text(json.dumps({"<pad>": first}))
    declared = {str(first + 1): {"content": "<|im_start|>", "special": True}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": declared}))
    tokenizer = converted(folder)
    assert tokenizer.token_to_id("<pad>") == first
    assert tokenizer.token_to_id("<|im_start|>") == first + 1


def test_a_gap_in_the_numbers_is_refused(folder: Path) -> None:
    (folder / "added_tokens.json").write_text(json.dumps({"<pad>": 100_000}))
    assert "wrong number" in refused(folder).message


def test_a_token_that_is_renamed(folder: Path) -> None:
    number = SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).eos_id()
    declared = {str(number): {"content": "<|end|>", "special": True}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": declared}))
    assert converted(folder).token_to_id("<|end|>") == number


def test_nothing_is_done_where_there_is_nothing_to_do(folder: Path) -> None:
    assert convert_tokenizer(folder)
    before = (folder / "tokenizer.json").read_bytes()
    assert not convert_tokenizer(folder)
    assert (folder / "tokenizer.json").read_bytes() == before
    (folder / "tokenizer.model").unlink()
    (folder / "tokenizer.json").unlink()
    assert not convert_tokenizer(folder)


def test_the_texts_of_the_comparison_are_the_same_each_time() -> None:
    pieces = ["a", "b", "", "[INST]"]
    assert probe_texts(pieces) == probe_texts(pieces)
    assert len(probe_texts(pieces)) > 250
    assert probe_texts([])


def refused(folder: Path) -> OvernightError:
    with pytest.raises(OvernightError) as caught:
        convert_tokenizer(folder)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert caught.value.hint
    assert not (folder / "tokenizer.json").exists()
    return caught.value


@pytest.mark.parametrize("kind", ["unigram", "word", "char"])
def test_other_kinds_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    options = {"byte_fallback": False} if kind != "unigram" else {"vocab_size": 400}
    (tmp_path / "tokenizer.model").write_bytes(trained(model_type=kind, **options))
    assert f"'{kind}'" in refused(tmp_path).message


def test_one_that_rewrites_texts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(trained(normalization_rule_name="nmt_nfkc"))
    assert "nmt_nfkc" in refused(tmp_path).message


def test_one_that_would_give_other_tokens_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ModelProto.FromString((folder / "tokenizer.model").read_bytes())
    merged = [piece for piece in own.pieces if len(piece.piece) > 1 and piece.type == 1]
    for piece, other in zip(merged, reversed(merged), strict=True):
        piece.score = other.score
    (folder / "tokenizer.model").write_bytes(own.SerializeToString())
    # Scores are taken from the file, so a converter that goes by the order of pieces is caught.
    convert_tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    monkeypatch.setattr(
        "mlx_backend.adoption.forms.sentencepiece_tokenizer._merges", lambda pieces: [("t", "h")]
    )
    error = refused(folder)
    assert "other tokens" in error.message
    assert "instead of" in error.detail


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    proto = ModelProto.FromString(data)
    change(proto)
    found: bytes = proto.SerializeToString()
    return found


def many_pieces(_: bytes) -> bytes:
    return b"\x0a\x00" * 1_000_000


def long_length(_: bytes) -> bytes:
    return b"\x0a\xff\xff\xff\xff\x0f" + b"a" * 100


def twice(data: bytes) -> bytes:
    return changed(data, lambda proto: proto.pieces.add(piece="a", score=0.0))


def empty_piece(data: bytes) -> bytes:
    return changed(data, lambda proto: proto.pieces.add(piece="", score=0.0))


def no_unknown(data: bytes) -> bytes:
    def change(proto: Any) -> None:
        proto.pieces[0].type = 1

    return changed(data, change)


def huge_piece(data: bytes) -> bytes:
    return changed(data, lambda proto: proto.pieces.add(piece="a" * 5000, score=0.0))


def table(data: bytes) -> bytes:
    def change(proto: Any) -> None:
        proto.normalizer_spec.precompiled_charsmap = b"\xff" * 5000

    return changed(data, change)


def large_table(data: bytes) -> bytes:
    def change(proto: Any) -> None:
        proto.normalizer_spec.precompiled_charsmap = b"\xff" * (2 << 20)

    return changed(data, change)


def many_inputs(data: bytes) -> bytes:
    return data + b"\x12\x80\x80\x80\x01" + b"\x0a\x00" * (1 << 20)


def deep(_: bytes) -> bytes:
    inner = b""
    for _depth in range(200):
        size = len(inner)
        length = bytes([size & 0x7F | 0x80, size >> 7]) if size > 0x7F else bytes([size])
        inner = b"\xfa\x3f" + length + inner
    return b"\x0a\x03\x0a\x01a" + inner


def no_utf_8(_: bytes) -> bytes:
    return b"\x0a\x04\x0a\x02\xff\xfe"


HOSTILE: list[Callable[[bytes], bytes]] = [
    many_pieces,
    long_length,
    twice,
    empty_piece,
    no_unknown,
    huge_piece,
    table,
    large_table,
    many_inputs,
    deep,
    no_utf_8,
    lambda _: b"",
    lambda _: b"{}",
    lambda _: b"IQ== 0\nIg== 1\n" * 100,  # tiktoken, which some models call so, too
    lambda _: b"GGUF" + bytes(100),
    lambda data: data[:-7],
    lambda data: data[: len(data) // 2],
    lambda data: data[::-1],
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_files_are_refused(folder: Path, usual: bytes, number: int) -> None:
    (folder / "tokenizer.model").write_bytes(HOSTILE[number](usual))
    refused(folder)


def test_damage_anywhere_is_refused_or_does_no_harm(folder: Path, usual: bytes) -> None:
    drawing = random.Random(1)
    for _ in range(60):
        data = bytearray(usual)
        for _ in range(drawing.randint(1, 20)):
            data[drawing.randrange(len(data))] = drawing.randrange(256)
        (folder / "tokenizer.model").write_bytes(bytes(data))
        with contextlib.suppress(OvernightError):
            convert_tokenizer(folder)
        (folder / "tokenizer.json").unlink(missing_ok=True)


def test_random_bytes_are_refused(folder: Path) -> None:
    for seed in range(40):
        data = random.Random(seed).randbytes(2000)
        (folder / "tokenizer.model").write_bytes(data)
        refused(folder)


def test_a_file_of_gigabytes_is_not_read(folder: Path) -> None:
    with (folder / "tokenizer.model").open("wb") as file:
        file.truncate(3 << 30)
    assert "too large" in refused(folder).message


@pytest.mark.parametrize("name", ["added_tokens.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_damaged_files_beside_it(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert name in refused(folder).message


def test_limits_are_above_what_real_models_have() -> None:
    """Gemma's has 262,144 pieces in 4.7 MB."""
    assert sentencepiece_file.MOST_PIECES > 262_144
    assert sentencepiece_file._LARGEST > 5_000_000
