"""Whether the notes tell the answer, as a model that reads judges before it answers.

Asked to decline where the notes do not say, small models answer all the same: they go on with
whatever stands nearest. Asked whether the notes answer the question, they know better, and the odds
of "yes" against "no" tell it more finely than the word that they would write.
"""

from __future__ import annotations

from mlx_backend.asking.grounding import Grounding
from mlx_backend.models.inference import ChatModel
from mlx_backend.models.listener import NOBODY, Listener
from mlx_backend.protocol import Turn

_ASKED = "\n\nDo these notes answer the question? Reply with yes or no only."
_LEAST = 0.0  # nats


def tells(
    model: ChatModel, grounding: Grounding, question: str, listener: Listener = NOBODY
) -> bool:
    """Whether the sources before a question answer it; True where that cannot be asked.

    The base model judges, because an adapter remembers more than the sources say. What it reads for
    that is kept for the answer.
    """
    if not grounding.sources:
        return True
    *earlier, last = grounding.turns
    asked = Turn(role="user", text=last.text + _ASKED)
    odds = model.odds_of_yes([*earlier, asked], grounding.turns, listener.cancelled)
    return odds is None or odds >= _LEAST
