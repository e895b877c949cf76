"""The page of models, and what a chosen base model changes in Tonight and Chat."""

from __future__ import annotations

import os
from typing import cast

from app.chat.exchanges import Phase, ShownAnswer
from app.models.page import ModelsPage
from mlx_backend.library.conversations import Conversations, StoredTurn
from scripts.screenshots import recorded_models
from scripts.screenshots.camera import Camera

_NO_COPY = (
    "No second copy was made: 984 MB are shared with /home/me/.lmstudio/models/Qwen/Qwen3-1.7B."
    " Either can be removed without harm to the other."
)
_QUESTION = "Which of my plans for the cottage can wait until spring?"
_THOUGHTS = (
    "The notes name three plans: the roof, the stove and the garden wall. The roof leaks, so it"
    " cannot wait. The wall needs dry weather anyway."
)
_ANSWER = (
    "The **garden wall** can wait until spring: it needs dry weather to set. The roof cannot,"
    " because it leaks already."
)


def take_models(camera: Camera) -> None:
    """Take the page with a model in the library and downloads in every state."""
    library = camera.services.library
    os.environ["HF_HUB_CACHE"] = str(library.home / "cache of the Hub")
    recorded_models.fill_cache(library.home / "cache of the Hub")
    recorded_models.add_models(library)
    page = cast(ModelsPage, camera.window.page("models"))
    camera.show("models")
    camera.settle()
    page.models.tell("Qwen3-1.7B", _NO_COPY)
    camera.take("models-catalogue")
    recorded_models.record_refused(library)
    recorded_models.record_paused(library)
    running = recorded_models.record_download(library)
    lock = running.lock()
    lock.acquire()
    camera.wait_for(lambda: len(page.under_way.rows) == 3)
    camera.settle()
    camera.take("models-downloads")
    page.catalogue.more.click()
    page.hub.details.button.setChecked(True)
    page.on_computer.more.click()
    camera.settle()
    camera.take_scrolled("models-end", page)
    lock.release()
    page.under_way.row_of(running.id).cancel.click()
    _take_thinking(camera)


def _take_thinking(camera: Camera) -> None:
    """Take an answer of a model that thinks, with its thoughts shown, and while it thinks."""
    page = camera.chat
    camera.show("chat")
    page.answerer.choose(None, "Qwen3-1.7B")
    page.answerer.grounded.setChecked(False)
    page.answerer.changed.emit()
    page.foot.thinks.setChecked(True)
    question = StoredTurn("user", _QUESTION, None)
    talk = camera.in_library(lambda db: Conversations(db).begin(question))
    page.session.open(talk)
    camera.settle()
    page.transcript.set_busy(True)
    page.transcript.show_answer(0, ShownAnswer(None, phase=Phase.WAITING, thoughts=_THOUGHTS))
    camera.take("chat-thinks")
    page.transcript.set_busy(False)
    page.transcript.show_answer(0, ShownAnswer(None, _ANSWER, thoughts=_THOUGHTS))
    page.transcript.views[-1].answers[None].thoughts.button.setChecked(True)
    camera.paint()
    camera.take("chat-thoughts")
    page.transcript.show_answer(
        0, ShownAnswer(None, is_cut=True, thoughts=_THOUGHTS, base="Qwen3-1.7B")
    )
    camera.paint()
    camera.take("chat-only-thoughts")
    page.answerer.grounded.setChecked(True)
    page.answerer.choose(None)
    page.answerer.changed.emit()
