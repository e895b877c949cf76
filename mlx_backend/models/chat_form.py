"""Conversations as tokens, in the form of a model's chat template, for training and chat alike.

Only the template's own text may become control tokens. What people and notes say is encoded
separately, so that `<|im_end|>` in a note stays text and cannot end a turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinja2.exceptions import TemplateError
from mlx_lm.tokenizer_utils import TokenizerWrapper
from tokenizers import Tokenizer

from mlx_backend.library.models import BaseModel
from mlx_backend.protocol import Turn

# Empty, because it is part of every sample and question, and because a small base model takes any
# text here for the topic. Present, because some templates insert a long text when there is none.
SYSTEM_PROMPT = ""

_PLACE = "\ue000{}\ue001"  # private use characters, which mean nothing to a template
_PLACES = re.compile("\ue000(\\d+)\ue001")


class ChatForm:
    """Encodes turns as token ids for one base model."""

    def __init__(self, tokenizer: TokenizerWrapper, info: BaseModel) -> None:
        self._template = tokenizer
        self._structure = Tokenizer.from_file(str(info.path / "tokenizer.json"))
        self._content = Tokenizer.from_file(str(info.path / "tokenizer.json"))
        self._content.encode_special_tokens = True
        self._end: int = tokenizer.eos_token_id

    def prompt(self, turns: Sequence[Turn]) -> list[int]:
        """The token ids of the conversation, up to where the assistant's next answer begins."""
        contents = self._encode_contents([turn.text for turn in turns])
        return _assemble(self._pieces([turn.role for turn in turns]), contents)

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without a template."""
        return [len(ids) for ids in self._encode_contents(texts)]

    def samples(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], int]]:
        """Token ids of each pair of question and answer, and how many of them are the prompt.

        The last token is the one that ends a turn, so that the model learns to stop.
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
        """The template's own token ids, and between them the index of the turn to insert there."""
        turns = [{"role": role, "content": _PLACE.format(i)} for i, role in enumerate(roles)]
        try:
            text = self._render([{"role": "system", "content": SYSTEM_PROMPT}, *turns])
        except TemplateError:  # some templates have no such role
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
