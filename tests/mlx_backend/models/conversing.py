"""Conversations with a model, for tests of what it keeps of them."""

from __future__ import annotations

from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import Sampling, Turn

GREEDY = Sampling(temperature=0.0, max_tokens=8)
LONG = (
    "Who lit the lamp of Amber Cove, and when was it, and who keeps the red notebook with the"
    " names of all boats that are in the harbour? Tell me all that you know."
)


def asked(*texts: str) -> list[Turn]:
    """Turns of these texts, question and answer in turn."""
    return [
        Turn(role="assistant" if place % 2 else "user", text=text)
        for place, text in enumerate(texts)
    ]


def fresh(
    loaded: LoadedModel, chat: ChatModel, turns: list[Turn], sampling: Sampling = GREEDY
) -> str:
    """What a model answers that has read nothing before, but knows of which ids answers were."""
    other = ChatModel(loaded)
    other._generated = chat._generated
    return other.answer(turns, sampling).text


def talk(chat: ChatModel, *questions: str) -> list[Turn]:
    """A conversation in which these questions were asked, with their answers."""
    turns: list[Turn] = []
    for question in questions:
        turns.append(Turn(role="user", text=question))
        turns.append(Turn(role="assistant", text=chat.answer(turns, GREEDY).text))
    return turns
