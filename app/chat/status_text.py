"""Sentences of the chat page: who answers, from what, and why there is no answer now."""

from __future__ import annotations

from app.chat.answerer_choice import AnswererChoice
from app.jobs.chat_worker import WorkerState

RESTING = (
    "Resting while training, or other work with a model, uses the memory. Your question stays here"
    " until that is over."
)
SHARING = "A run is training now, so answers take longer."
ATTACHED = "The model reads what is attached, in place of your notes."
GAVE_WAY = "The chat has given its memory to the run. The next question loads the model again."
RUNNING_AGAIN = "The chat engine had stopped and runs again. Your conversation is safe."


_WAITING = {
    WorkerState.STARTING: "Waking up…",
    WorkerState.LOADING: "Loading the model…",
    WorkerState.ANSWERING: "Answering…",
}


def waiting(state: WorkerState) -> str:
    """What to say in place of an answer that has not begun."""
    return _WAITING.get(state, "")


def still_reading(file: str) -> str:
    """Why a question is not sent yet."""
    return f"“{file}” is still being read. Send the question once it is there, or take it away."


def missing(adapter: str, instead: str | None) -> str:
    """Who answers in place of an adapter that is gone."""
    who = f"“{instead}”" if instead is not None else "the base model"
    return (
        f"No adapter is called “{adapter}” any more, so {who} answers."
        " What was deleted is in the bin."
    )


def invitation(answerer: AnswererChoice, has_adapters: bool) -> str:
    """What to expect of the answers."""
    adapter, grounded = answerer.chosen.adapter, answerer.is_grounded
    if grounded and (adapter is not None or has_adapters):
        who = f"“{adapter}”" if adapter is not None else "the base model"
        how = " and quotes them" if answerer.is_quoting else f"; {who} words the answer from them"
        return (
            f"Overnight looks each question up in your notes{how}. You see which note an answer is"
            " from. Nothing leaves this computer."
        )
    if adapter is not None:
        return f"“{adapter}” answers from what it learned. Nothing leaves this computer."
    if has_adapters:
        return "The base model answers. It has not seen your notes; adapters have."
    sentence = "Training comes first: no model has learned your notes yet. Until then"
    if grounded:
        return f"{sentence} Overnight looks things up in them, and says where it found them."
    return f"{sentence} you can talk with the base model, which has not seen them."
