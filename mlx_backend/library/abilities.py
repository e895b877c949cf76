"""What a base model can do, as its trial at adoption measured; kept in the model's card."""

from __future__ import annotations

from typing import Literal

import msgspec

LayerKind = Literal["attention", "sliding attention", "recurrent", "experts"]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the reading exam: passages with a question each, some without the answer.

    asked, right: numbers of questions. needed: how many had to be right for a reader. least_odds:
    the log-odds (nats) of "yes" from which the model is believed that passages answer a question;
    None where it does not tell that, and for models that were tried before it was asked.
    """

    asked: int
    right: int
    needed: int
    least_odds: float | None = None

    @property
    def is_passed(self) -> bool:
        """Whether the model reads a passage and words the answer itself; others quote."""
        return self.right >= self.needed


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the trial measured.

    tried_with: versions of MLX and mlx-lm, and whether on a GPU. layers: the kinds of layers that
    the model has. packs: whether samples may share a row in training. trims_cache: whether the last
    tokens of a prompt's cache can be taken back; otherwise the chat keeps snapshots at the ends of
    turns. encodes_parts: whether the tokens of a conversation's parts are those of the whole;
    otherwise the whole is encoded. roles: those that the chat template takes. thinks: whether the
    template can let the model think aloud. bytes_in_memory: of the weights as they are loaded here.
    """

    tried_with: tuple[str, ...]
    layers: tuple[LayerKind, ...]
    packs: bool
    trims_cache: bool
    encodes_parts: bool
    roles: tuple[str, ...]
    thinks: bool
    bytes_in_memory: int
    reading: Reading


class Quantised(msgspec.Struct, frozen=True, kw_only=True):
    """That a model was quantised when it came, and what it cost.

    bits: of a weight. asked: questions of the general probe; right_before, right_after: how many
    were right. perplexity_before, perplexity_after: of the probe's answers.
    """

    bits: int
    asked: int
    right_before: int
    right_after: int
    perplexity_before: float
    perplexity_after: float

    @property
    def cost(self) -> str:
        """What it cost, in a sentence without its full stop."""
        smaller = f"Its weights were made smaller, to {self.bits} bits"
        if not self.asked:
            return f"{smaller}; what that cost was not measured, because it is too large"
        return (
            f"{smaller}: {self.right_after} of {self.asked} general questions right, before"
            f" {self.right_before}"
        )
