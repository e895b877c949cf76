"""Conversations as tokens, in the form of a model's chat template, for training and chat alike.

Only the template's own text may become control tokens. What people and notes say is encoded
separately, so that `<|im_end|>` in a note stays text and cannot end a turn.

Templates know of things that change: today's date, whether to think aloud, a text of their own
where there is no system turn. Here all of these are always the same, because a prompt that changes
at midnight is not the one that was learned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from jinja2.exceptions import TemplateError
from mlx_lm.tokenizer_utils import TokenizerWrapper

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.models import BaseModel
from mlx_backend.models.thoughts import marks_of
from mlx_backend.models.turn_encoding import Content, InParts, Piece, encoding_for
from mlx_backend.protocol import Turn

# Empty, because it is part of every sample and question, and because a small base model takes any
# text here for the topic. Present, because some templates insert a long text when there is none.
SYSTEM_PROMPT = ""

TODAY = "26 Jul 2024"
"""The date that every prompt has whose template asks for one: that of Llama's, where none is given.
"""

_OWN_CLOCK = f"{{%- macro strftime_now(form) -%}}{TODAY}{{%- endmacro -%}}"

Generated = Callable[[str], Sequence[int] | None]
"""Gives the ids of which an answer was made, by its text; None where they are not known."""


def _none_generated(_: str) -> None:
    """Where no ids are known."""


_PLACE = "\ue000{}\ue001"  # private use characters, which mean nothing to a template
_PLACES = re.compile("\ue000(\\d+)\ue001")


class ChatForm:
    """Encodes turns as token ids for one base model.

    Raises OvernightError when the model has no template, or one that takes no question.
    """

    def __init__(self, tokenizer: TokenizerWrapper, info: BaseModel) -> None:
        self._template = tokenizer
        self._name = info.card.name
        self._end: int = tokenizer.eos_token_id
        self._fixed_time = _with_fixed_time(tokenizer)
        self.thought_marks = marks_of(tokenizer)
        self._trims = self._trims_contents()
        pieces = self._pieces(["user", "assistant"])
        self._encoding = encoding_for(info.path / "tokenizer.json", pieces)

    @property
    def encodes_parts(self) -> bool:
        """Whether the tokens of a conversation's parts are those of the whole."""
        return isinstance(self._encoding, InParts)

    def prompt(
        self,
        turns: Sequence[Turn],
        thinks: bool = False,
        system: str = SYSTEM_PROMPT,
        generated: Generated = _none_generated,
    ) -> list[int]:
        """The token ids of the conversation, up to where the assistant's next answer begins.

        thinks: let a model that can think aloud do so first. system: what stands before all turns;
        where the template has no place for it, it begins the first of them. generated: gives the
        ids of an answer that the model generated, which may be others than those of its text.
        """
        if system != SYSTEM_PROMPT:
            return self._prompt_after(system, turns, thinks, generated)
        try:
            pieces = self._pieces([turn.role for turn in turns], thinks)
        except OvernightError:
            turns = alternating(turns)
            pieces = self._pieces([turn.role for turn in turns], thinks)
        return self._encoding.prompt(pieces, self._contents(turns, generated))

    def _prompt_after(
        self, system: str, turns: Sequence[Turn], thinks: bool, generated: Generated
    ) -> list[int]:
        for each in (turns, alternating(turns)):
            try:
                pieces = self._pieces(["system", *(turn.role for turn in each)], thinks)
            except OvernightError:
                continue
            if 0 in pieces:  # else the template leaves system turns out
                contents = [*self._shown([system]), *self._contents(each, generated)]
                return self._encoding.prompt(pieces, contents)
        first = Turn(role="user", text=system)
        return self.prompt(alternating([first, *turns]), thinks, generated=generated)

    def _contents(self, turns: Sequence[Turn], generated: Generated) -> list[Content]:
        """The ids of answers that were generated, and of the others the texts."""
        found = [generated(turn.text) if turn.role == "assistant" else None for turn in turns]
        shown = self._shown([turn.text for turn in turns])
        return [text if ids is None else list(ids) for text, ids in zip(shown, found, strict=True)]

    def plain(self, text: str) -> list[int]:
        """The token ids of a text that the model is to go on with, in no template.

        It begins as the tokenizer begins every text, with a control token or without.
        """
        begin = self._template.encode("a")[:1]
        first: list[int] = [each for each in begin if each == self._template.bos_token_id]
        return first + self._encoding.prompt([0], [text])

    @property
    def can_think(self) -> bool:
        """Whether the template heeds the switch, or always begins the answer with a thought.

        Not whether the vocabulary has marks for it: that of models that never think has, too.
        """
        if self.thought_marks is None:
            return False
        prompts = [self._text([""], ["user"], thinks) for thinks in (False, True)]
        return prompts[0] != prompts[1] or self.begins_in_thought(thinks=True)

    def begins_in_thought(self, thinks: bool) -> bool:
        """Whether prompts end within a thought, so that what the model writes goes on with it."""
        marks = self.thought_marks
        return marks is not None and marks.are_open_in(self._text([""], ["user"], thinks))

    def end_of_thought(self, thinks: bool) -> list[int]:
        """The token ids that end the thought within which prompts end; none where they do not."""
        marks = self.thought_marks
        if marks is None or not self.begins_in_thought(thinks):
            return []
        found: list[int] = self._template.encode(marks.end, add_special_tokens=False)
        return found

    def text_ids(self, text: str) -> list[int]:
        """The token ids of a text within a turn, without a template."""
        return self._encoding.texts([text])[0]

    def count(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without a template."""
        return [len(ids) for ids in self._encoding.texts(texts)]

    def samples(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[list[int], int]]:
        """Token ids of each pair of question and answer, and how many of them are the prompt.

        The last token is the one that ends a turn, so that the model learns to stop.
        """
        questions = self._shown([question for question, _ in pairs])
        answers = self._shown([answer for _, answer in pairs])
        found = self._encoding.answers(
            self._pieces(["user"]), list(zip(questions, answers, strict=True))
        )
        return [([*prompt, *answer, self._end], len(prompt)) for prompt, answer in found]

    def _shown(self, texts: Sequence[str]) -> list[str]:
        """Contents as the template shows them: some cut white space off both ends."""
        return [text.strip() for text in texts] if self._trims else list(texts)

    def _trims_contents(self) -> bool:
        return f" {_PLACE.format(0)} " not in self._text([f" {_PLACE.format(0)} "], ["user"])

    def _pieces(self, roles: Sequence[str], thinks: bool = False) -> list[Piece]:
        """The template's own text, and between it the index of the turn to insert there."""
        text = self._text([_PLACE.format(place) for place in range(len(roles))], roles, thinks)
        parts = enumerate(_PLACES.split(text))
        return [int(part) if i % 2 else part for i, part in parts if part]

    def _text(self, contents: Sequence[str], roles: Sequence[str], thinks: bool = False) -> str:
        """A conversation as the template writes it. Raises OvernightError if it takes none such."""
        turns = [{"role": r, "content": c} for r, c in zip(roles, contents, strict=True)]
        system = {"role": "system", "content": SYSTEM_PROMPT}
        reasons = []
        # Some templates have no such role.
        for messages in (turns,) if "system" in roles else ([system, *turns], turns):
            try:
                return self._render(messages, thinks)
            except (TemplateError, TypeError, ValueError) as error:
                reasons.append(f"{type(error).__name__}: {error}")
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"The chat template of the base model '{self._name}' takes no question."
            " It was tried with a system turn before it, and without.",
            "Choose another base model: `overnight models` lists them.",
            "; ".join(reasons),
        )

    def _render(self, messages: Sequence[dict[str, str]], thinks: bool) -> str:
        text: str = self._template.apply_chat_template(
            messages,
            add_generation_prompt=True,
            tokenize=False,
            enable_thinking=thinks,
            date_string=TODAY,
            **self._fixed_time,
        )
        return text


def alternating(turns: Sequence[Turn]) -> list[Turn]:
    """Turns of which no two in a row have the same role: their texts are put together."""
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].role == turn.role:
            text = f"{found[-1].text}\n\n{turn.text}"
            found[-1] = Turn(role=turn.role, text=text)
        else:
            found.append(turn)
    return found


def _with_fixed_time(tokenizer: TokenizerWrapper) -> dict[str, str]:
    """The argument that lets a template that asks for the present time find the same day always.

    transformers passes no functions to a template, so the template itself gets one of its own.
    """
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    if not isinstance(template, str) or "strftime_now" not in template:
        return {}
    return {"chat_template": _OWN_CLOCK + template}
