"""Whether the notes tell the answer, as a model that reads judges before it answers.

Asked to decline where the notes do not say, small models answer all the same: they go on with
whatever stands nearest. Asked whether the notes answer the question, they know better, and the odds
of "yes" against "no" tell it more finely than the word that they would write. From which odds on a
model is to be believed differs between models, so its trial measures that (`adoption/trial`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.asking.grounding import Grounding
from mlx_backend.library.adapters import OpenBook
from mlx_backend.library.models import BaseModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.protocol import Turn

_ASKED = "{}\n\nDo these notes answer the question? Reply with yes or no only."


@dataclass(frozen=True)
class Told:
    """Whether the sources before a question tell its answer, and the odds (nats) of that.

    Without odds, where the model cannot say or nobody needs to know, they count as telling it.
    """

    is_told: bool = True
    odds: float | None = None


def told(
    model: ChatModel, grounding: Grounding, book: OpenBook, listener: Listener = NOBODY
) -> Told:
    """Whether the sources before a question answer it, which is answered as `book` says.

    The base model judges, because an adapter remembers more than the sources say. What it reads for
    that is kept for its answer.
    """
    least = least_odds_of(model.info)
    if not grounding.sources or (least is None and book.again_from is None):
        return Told()
    odds = odds_of_telling(model, grounding.turns, listener.cancelled)
    return Told(odds is None or least is None or odds >= least, odds)


def least_odds_of(model: BaseModel) -> float | None:
    """The odds (nats) from which on a model is to be believed; None where that is not known."""
    abilities = model.card.abilities
    return abilities.reading.least_odds if abilities else None


def odds_of_telling(
    model: ChatModel, turns: Sequence[Turn], cancelled: Callable[[], bool] = lambda: False
) -> float | None:
    """The log-odds (nats) of "yes" when the model is asked whether the last turn answers itself.

    turns: a conversation that ends with a grounded prompt. None where that cannot be asked.
    """
    *earlier, last = turns
    asked = Turn(role="user", text=_ASKED.format(last.text))
    return model.odds_of_yes([*earlier, asked], turns, cancelled)
