"""Who answers a question: adapters or the base model, from the notes or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlx_backend.library.models import STARTER
from mlx_backend.protocol import Sampling
from mlx_backend.settings import Settings


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

    thinks: whether the model may think aloud before it answers.
    """

    sampling: Sampling = field(default_factory=Sampling)
    grounded: bool = False
    thinks: bool = False

    @classmethod
    def of(cls, settings: Settings, grounded: bool, thinks: bool = False) -> Manner:
        """As the person's settings have it."""
        sampling = Sampling(
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
        )
        return cls(sampling, grounded, thinks)
