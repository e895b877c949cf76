"""Conversations as the tokens of a model's chat template; training and chat share this form.

Only the template's own text may become control tokens. What people and notes say is encoded apart
from it, so that a note with `<|im_end|>` in it stays text and cannot end a turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinja2.exceptions import TemplateError
from mlx_lm.tokenizer_utils import TokenizerWrapper
from tokenizers import Tokenizer

from mlx_backend.library.models import BaseModel
from mlx_backend.protocol import Turn

# Empty, since every sample and every question carries it, and since a small base model takes any
# text here as its subject; present, since a template without one may put in a long text of its own.
SYSTEM_PROMPT = ""

_PLACE = "\ue000{}\ue001"  # private use characters: no template treats them as anything
_PLACES = re.compile("\ue000(\\d+)\ue001")


class ChatForm:
    """Turns to tokens for one base model."""

    def __init__(self, tokenizer: TokenizerWrapper, info: BaseModel) -> None:
        self._template = tokenizer
        self._structure = Tokenizer.from_file(str(info.path / "tokenizer.json"))
        self._content = Tokenizer.from_file(str(info.path / "tokenizer.json"))
        self._content.encode_special_tokens = True
        self._end: int = tokenizer.eos_token_id

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """The conversation up to where the assistant's next answer begins."""
        contents = self._encode_contents([turn.text for turn in turns])
        return _assemble(self._pieces([turn.role for turn in turns]), contents)

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has by itself."""
        return [len(ids) for ids in self._encode_contents(texts)]

    def samples(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], int]]:
        """Questions with their answers as tokens, and how many tokens of each are the prompt.

        An answer's own tokens end with the one that ends a turn: the model learns to stop.
        """
        pieces = self._pieces(["user"])
        prompts = self._encode_contents([prompt for prompt, _ in pairs])
        answers = self._encode_contents([answer for _, answer in pairs])
        samples = []
        for prompt, answer in zip(prompts, answers, strict=True):
            ids = _assemble(pieces, [prompt])
            samples.append(([*ids, *answer, self._end], len(ids)))
        return samples

    def _encode_contents(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._content.encode_batch(list(texts), add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def _pieces(self, roles: Sequence[str]) -> list[list[int] | int]:
        """The template's own tokens, and between them the number of the turn that stands there."""
        turns = [{"role": role, "content": _PLACE.format(i)} for i, role in enumerate(roles)]
        try:
            text = self._render([{"role": "system", "content": SYSTEM_PROMPT}, *turns])
        except TemplateError:  # some templates know no such role
            text = self._render(turns)
        pieces: list[list[int] | int] = []
        for i, part in enumerate(_PLACES.split(text)):
            if i % 2:
                pieces.append(int(part))
            elif part:
                pieces.append(self._structure.encode(part, add_special_tokens=False).ids)
        return pieces

    def _render(self, messages: Sequence[dict[str, str]]) -> str:
        text: str = self._template.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False
        )
        return text


def _assemble(pieces: Sequence[list[int] | int], contents: Sequence[list[int]]) -> list[int]:
    ids: list[int] = []
    for piece in pieces:
        ids += contents[piece] if isinstance(piece, int) else piece
    return ids
