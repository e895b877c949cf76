"""Two hundred texts in ten scripts through tokenizers of every kind that base models have.

tests/benchmarks/test_real_tokenizers.py does the same with those of Mistral and Qwen.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from mlx_backend.models.content_tokenizer import ContentTokenizer
from mlx_backend.models.turn_encoding import AsWhole, InParts, encoding_for
from tests.mlx_backend.models.script_texts import WORDS, script_texts
from tests.mlx_backend.models.tokenizer_checks import FORMS, check_encoding, check_streaming
from tests.mlx_backend.models.written_tokenizers import (
    CONTROLS,
    KINDS,
    UNDECLARED,
    write_tokenizer,
)

TEXTS = script_texts([*CONTROLS, UNDECLARED])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    parent = tmp_path_factory.mktemp("tokenizers")
    for kind in KINDS:
        write_tokenizer(parent / kind, kind)
    return {kind: parent / kind for kind in KINDS}


def test_the_texts_are_two_hundred_in_ten_scripts() -> None:
    assert len(TEXTS) == len(set(TEXTS)) == 200
    assert len(WORDS) == 10
    assert script_texts([*CONTROLS, UNDECLARED]) == TEXTS
    assert sum(any(control in text for control in CONTROLS) for text in TEXTS) > 20


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_the_whole_and_none_is_a_control_token(
    written: dict[str, Path], kind: str, form: str
) -> None:
    found = check_encoding(written[kind] / "tokenizer.json", FORMS[form], TEXTS)
    assert found.is_right, found


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_says_what_decoding_at_once_says(written: dict[str, Path], kind: str) -> None:
    assert check_streaming(written[kind], TEXTS) == []


@pytest.mark.slow
def test_the_starter_s_tokenizer(real_starter: Path) -> None:
    texts = script_texts(["<|im_start|>", "<|im_end|>", "<|endoftext|>"])
    for form in FORMS.values():
        found = check_encoding(real_starter / "tokenizer.json", form, texts)
        assert found.is_right, found
    assert check_streaming(real_starter, texts) == []


def test_parts_are_encoded_where_nothing_joins_them(written: dict[str, Path]) -> None:
    """The faster way, which most models of today get."""
    for kind in ("bytes gpt2", "bytes qwen"):
        file = written[kind] / "tokenizer.json"
        assert isinstance(encoding_for(file, FORMS["chatml"]), InParts)
        assert isinstance(encoding_for(file, FORMS["plain"]), AsWhole)


def test_a_line_break_at_the_edge_is_joined_with_the_template_s(written: dict[str, Path]) -> None:
    file = written["bytes qwen"] / "tokenizer.json"
    encoding = encoding_for(file, FORMS["chatml"])
    own = Tokenizer.from_file(str(file))
    for text in ("\n\nWho?", " \n Who?", "\u0301e"):
        whole = f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
        wanted = own.encode(whole, add_special_tokens=False).ids
        assert encoding.prompt(FORMS["chatml"][:3], [text]) == wanted
        ((prompt, answer),) = encoding.answers(FORMS["chatml"][:3], [("Who?", text)])
        assert prompt == encoding.prompt(FORMS["chatml"][:3], ["Who?"])
        assert own.decode(answer) == text


def test_a_control_token_that_is_a_word_of_the_vocabulary_is_cut(
    written: dict[str, Path],
) -> None:
    file = written["unigram"] / "tokenizer.json"
    own = Tokenizer.from_file(str(file))
    own.encode_special_tokens = True
    end = own.token_to_id("</s>")
    assert end in own.encode("a</s>b", add_special_tokens=False).ids  # what must not happen
    content = ContentTokenizer(file)
    (ids,) = content.encode(["a</s>b"])
    assert end not in ids
    assert own.decode(ids) == "a</s>b"
