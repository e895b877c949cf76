"""What a request of OpenAI's form asks of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.protocol import Sampling, Turn
from mlx_backend.serving.asks import Wanted
from mlx_backend.serving.model_names import Answerer
from mlx_backend.serving.schema import ChatCompletion, Completion, Message, Request
from mlx_backend.settings import Settings

_FOR_THE_MODEL = ("system", "developer")
_SEEDS = 2**63


def wanted_of(
    request: ChatCompletion | Completion, answerer: Answerer, settings: Settings
) -> Wanted:
    """What the request asks of `answerer`.

    Raises OvernightError for messages in an order that is no conversation with a question at its
    end, and where a text is to be gone on with from the notes.
    """
    sampling = _sampling(request, settings)
    if isinstance(request, Completion):
        if answerer.grounded:
            raise _bad("Only answers to questions can be taken from the notes.", "Ask for a chat.")
        return Wanted(answerer, sampling, request.stops, text=request.text)
    answerer = replace(answerer, grounded=answerer.grounded or request.grounded)
    system, turns = conversation(request.messages)
    return Wanted(answerer, sampling, request.stops, turns, system)


def conversation(messages: Sequence[Message]) -> tuple[str, tuple[Turn, ...]]:
    """What stands before the conversation, and its turns, of which the last is a question.

    A conversation that begins with an answer, such as a greeting, gets an empty question before it.
    """
    first = next((i for i, each in enumerate(messages) if each.role not in _FOR_THE_MODEL), None)
    if first is None or messages[-1].role != "user":
        raise _bad("The last message must have the role 'user'.", "It is the one to be answered.")
    turns = [_turn(each) for each in messages[first:]]
    if turns[0].role == "assistant":
        turns.insert(0, Turn(role="user", text=""))
    return "\n\n".join(each.text for each in messages[:first]), tuple(turns)


def _turn(message: Message) -> Turn:
    if message.role in _FOR_THE_MODEL:
        hint = "Put it before the first message of a user."
        raise _bad(f"A message of the role '{message.role}' stands within the conversation.", hint)
    return Turn(role="user" if message.role == "user" else "assistant", text=message.text)


def _sampling(request: Request, settings: Settings) -> Sampling:
    longest = request.max_tokens
    if isinstance(request, ChatCompletion):
        longest = request.max_completion_tokens or longest
    return Sampling(
        temperature=_given(request.temperature, settings.temperature),
        top_p=_given(request.top_p, settings.top_p),
        max_tokens=longest or settings.max_tokens,
        seed=None if request.seed is None else request.seed % _SEEDS,
    )


def _given(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _bad(message: str, hint: str) -> OvernightError:
    return OvernightError(ErrorKind.BAD_INPUT, message, hint)
