"""What must hold of every tokenizer, in every form of a conversation, for every text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlx_lm.utils import load_tokenizer
from tokenizers import Tokenizer

from mlx_backend.models.turn_encoding import Piece, encoding_for

FORMS: dict[str, list[Piece]] = {
    "chatml": [
        "<|im_start|>user\n",
        0,
        "<|im_end|>\n<|im_start|>assistant\n",
        1,
        "<|im_end|>\n",
    ],
    "inst with spaces": ["<s>[INST] ", 0, " [/INST] ", 1, "</s>"],
    "inst": ["<s>[INST]", 0, "[/INST]", 1, "</s>"],
    "plain": ["user: ", 0, "\nassistant: ", 1, "\n"],
}


@dataclass
class Found:
    """Texts for which something did not hold, and the kind of encoding that was chosen."""

    encoding: str
    other_tokens: list[str] = field(default_factory=list)
    control_tokens: list[str] = field(default_factory=list)
    other_prompts: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not (self.other_tokens or self.control_tokens or self.other_prompts)


def check_encoding(file: Path, pieces: Sequence[Piece], texts: Sequence[str]) -> Found:
    """Compare what the product encodes with the tokenizer's own ids of the whole.

    The whole is no measure where a control token stands in the text; then none may be in its ids.
    """
    tokenizer = Tokenizer.from_file(str(file))
    controls = {
        number: token.content
        for number, token in tokenizer.get_added_tokens_decoder().items()
        if token.content and token.content != "<unk>"
    }
    encoding = encoding_for(file, pieces)
    found = Found(type(encoding).__name__)
    wanted = _controls_in(encoding.prompt(pieces, ["a", "a"]), controls)
    answers = encoding.answers(pieces[:3], [(text, text) for text in texts])
    for text, (prompt, answer) in zip(texts, answers, strict=True):
        ids = encoding.prompt(pieces, [text, text])
        whole = "".join(text if isinstance(piece, int) else piece for piece in pieces)
        if not any(content in text for content in controls.values()):
            own = tokenizer.encode(whole, add_special_tokens=False).ids
            if ids != own:
                found.other_tokens.append(text)
        if _controls_in(ids, controls) != wanted or _controls_in(answer, controls):
            found.control_tokens.append(text)
        if prompt != encoding.prompt(pieces[:3], [text]):
            found.other_prompts.append(text)
    return found


def _controls_in(ids: Sequence[int], controls: dict[int, str]) -> list[int]:
    return [number for number in ids if number in controls]


def check_streaming(folder: Path, texts: Sequence[str]) -> list[tuple[str, str]]:
    """What a chat's stream and decoding at once give, where they are not the same.

    White space around is of no account: answers are shown without.
    """
    tokenizer = load_tokenizer(folder)
    encoding = encoding_for(folder / "tokenizer.json", FORMS["chatml"])
    different = []
    for ids in encoding.texts(texts):
        stream = tokenizer.detokenizer
        stream.reset()
        pieces = []
        for number in ids:
            stream.add_token(number)
            pieces.append(stream.last_segment)
        stream.finalize()
        streamed = "".join([*pieces, stream.last_segment]).strip()
        at_once = tokenizer.decode(ids).strip()
        if streamed != at_once:
            different.append((streamed, at_once))
    return different
