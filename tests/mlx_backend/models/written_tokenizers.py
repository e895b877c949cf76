"""Tokenizers of the kinds that base models come with, trained on the texts of ten scripts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceTrainer
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from mlx_backend.adoption.forms.sentencepiece_tokenizer import convert_tokenizer
from tests.mlx_backend.models.script_texts import WORDS

CONTROLS = ("<s>", "</s>", "[INST]", "[/INST]", "<|im_start|>", "<|im_end|>")
UNDECLARED = "<think>"
"""A control token that is not declared special, as Qwen3 has it."""

TEXT = [words for words in WORDS.values() for _ in range(3)]
# How Qwen2 cuts a text; Llama 3 does nearly the same.
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_BACK = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]


def write_tokenizer(folder: Path, kind: str) -> None:
    """Write a tokenizer.json and what else is needed to load it as mlx-lm does."""
    folder.mkdir(parents=True, exist_ok=True)
    family, _, variant = kind.partition(" ")
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}
    if family == "sentencepiece":
        own = {"legacy": {"legacy": True}, "first": {"legacy": False}, "none": {}}[variant]
        (folder / "tokenizer_config.json").write_text(json.dumps(own))
        (folder / "tokenizer.model").write_bytes(_sentencepiece(variant != "none"))
        convert_tokenizer(folder)
    else:
        tokenizer = {"bytes": _bytes, "metaspace": _metaspace, "unigram": _unigram}[family](variant)
        tokenizer.add_tokens([AddedToken(UNDECLARED, special=False, normalized=False)])
        tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))


KINDS = (
    "bytes gpt2",
    "bytes prefix",
    "bytes qwen",
    "metaspace always",
    "metaspace first",
    "metaspace never",
    "sentencepiece legacy",
    "sentencepiece first",
    "sentencepiece none",
    "unigram",
)


def _specials() -> list[AddedToken]:
    return [AddedToken(text, special=True, normalized=False) for text in CONTROLS]


def _bytes(variant: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    if variant == "qwen":
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_QWEN), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=variant == "prefix")
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=_specials(),
        show_progress=False,
    )
    # Line breaks and signs in a row become tokens, as in the vocabularies of large models.
    tokenizer.train_from_iterator([*TEXT, "\n\n\n\n ]a ?\n .\n\n !\n"] * 3, trainer)
    return tokenizer


def _metaspace(variant: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<0x00>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", variant, split=False)
    tokenizer.decoder = decoders.Sequence([*_BACK, decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=[*_specials(), *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator([*TEXT, "\n\na ]b"] * 3, trainer)
    described = json.loads(tokenizer.to_str())
    described["added_tokens"] = described["added_tokens"][: len(CONTROLS)]
    return Tokenizer.from_str(json.dumps(described))


def _unigram(_: str) -> Tokenizer:
    """Its control tokens are words of the vocabulary, and likelier than any other."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always", split=False)
    tokenizer.decoder = decoders.Metaspace("\u2581", "always", split=False)
    trainer = trainers.UnigramTrainer(
        vocab_size=700,
        special_tokens=[AddedToken("<unk>", special=True), *_specials()],
        unk_token="<unk>",
        show_progress=False,
        initial_alphabet=[chr(code) for code in range(9, 127)],
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def _sentencepiece(marks: bool) -> bytes:
    written = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT),
        model_writer=written,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=marks,
        control_symbols=list(CONTROLS[2:]),
        vocab_size=700,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return written.getvalue()
