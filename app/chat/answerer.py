"""Who answers a question: adapters or the base model, from the notes or not."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from mlx_backend.library.conversations import ConversationSettings
from mlx_backend.library.models import STARTER
from mlx_backend.protocol import Sampling
from mlx_backend.settings import Settings

LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Answerer:
    """An adapter on its base model, or a base model alone.

    title: what people call the base model, "" where that is not known.
    """

    adapter: str | None = None
    model: str = STARTER
    title: str = field(default="", compare=False)

    @property
    def base(self) -> Answerer:
        """The base model alone."""
        return Answerer(None, self.model, self.title)


@dataclass(frozen=True)
class Manner:
    """How tokens are sampled, and whether the answer is from the notes or from memory.

    thinks: whether the model may think aloud before it answers. system: what it is told before
    the conversation, "" for the usual.
    """

    sampling: Sampling = field(default_factory=Sampling)
    grounded: bool = False
    thinks: bool = False
    system: str = ""

    @classmethod
    def of(
        cls,
        settings: Settings,
        grounded: bool,
        thinks: bool = False,
        own: ConversationSettings | None = None,
    ) -> Manner:
        """As the person's settings have it, and before them what the conversation has set itself.

        Without a seed of its own, each question gets another one: all who answer it share it.
        """
        own = own or ConversationSettings()
        sampling = Sampling(
            temperature=settings.temperature if own.temperature is None else own.temperature,
            top_p=settings.top_p if own.top_p is None else own.top_p,
            max_tokens=settings.max_tokens if own.max_tokens is None else own.max_tokens,
            seed=secrets.randbelow(LARGEST_SEED) if own.seed is None else own.seed,
        )
        return cls(sampling, grounded, thinks, own.system)
