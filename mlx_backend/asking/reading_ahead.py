"""Reading ahead what a question will begin with, while it is still being typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlx_backend.models.inference import ChatModel
from mlx_backend.protocol import PrefillRequest, Turn


def read_ahead(
    model: ChatModel, request: PrefillRequest, is_called: Callable[[], bool]
) -> tuple[int, bool]:
    """Read what is certain of a prompt; tokens read, and whether that is all that could be.

    Leaves off as soon as `is_called`. Raises OvernightError where there is nothing to answer.
    """
    turns = _certain_turns(model, request)
    if not turns:
        return 0, True
    return model.read_ahead(turns, is_called, request.thinks, request.system, request.max_tokens)


def _certain_turns(model: ChatModel, request: PrefillRequest) -> Sequence[Turn]:
    """The turns whose beginning the prompt will have.

    From notes, passages come before the question, and which ones is known only when it is asked;
    a model that quotes reads no conversation at all.
    """
    if not request.grounded:
        return request.turns
    return [*request.turns[:-1], Turn(role="user", text="")] if model.info.reads else []
