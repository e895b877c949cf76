"""The owner of the model: answers requests one after the other, on the main thread."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.jobs.room import LOOK_S, Room, Stay
from mlx_backend.library import database
from mlx_backend.library.home import Library
from mlx_backend.models.held_model import HeldModel
from mlx_backend.models.listener import Listener
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.serving.asks import Ask, AskQueue, Done, Failed, Piece, Wanted
from mlx_backend.serving.model_names import Answerer
from mlx_backend.serving.stop_texts import StopTexts

if TYPE_CHECKING:
    from mlx_backend.asking.answering import GroundedAnswer
    from mlx_backend.models.inference import ChatModel

_log = logging.getLogger(__name__)


class ModelOwner:
    """Holds one base model with its adapters. Everything but `stop` is for the main thread."""

    def __init__(
        self,
        library: Library,
        asks: AskQueue,
        room: Room,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._asks = asks
        self._room = room
        self._stay = Stay(room, clock)
        self._held = HeldModel(library)
        self._ends = False

    @property
    def held_bytes(self) -> int:
        """The size of the weights that are loaded; 0 without a model."""
        return self._held.bytes

    def stop(self) -> None:
        """End after the token that is being computed. May be called by a signal's handler."""
        self._ends = True
        self._asks.ring()

    def warm_up(self, answerer: Answerer) -> None:
        """Load a model ahead of the first request. Raises OvernightError where that fails."""
        self._model(answerer)

    def serve(self) -> None:
        """Answer requests until `stop`; then those that still wait are told that it ends."""
        while not self._ends:
            ask = self._asks.next(LOOK_S)
            if ask is not None:
                self.answer(ask)
                self._stay.asked()
            self.give_room()
        for ask in self._asks.close():
            ask.tell(Failed(_ending()))

    def answer(self, ask: Ask) -> None:
        """Answer one request. An error is told to its client, and the next one is answered."""
        if ask.is_cancelled:
            return
        try:
            if self._ends:
                raise _ending()
            ask.tell(self._answered(ask))
        except Exception as error:
            typed = from_exception(error)
            if typed.detail:
                report = report_of(typed)
                _log.error("a request failed: %s\n%s", report.message, report.detail)
            ask.tell(Failed(typed))

    def _answered(self, ask: Ask) -> Done:
        wanted = ask.wanted
        model = self._model(wanted.answerer)
        stops = StopTexts(wanted.stops, lambda text: ask.tell(Piece(text)))

        def is_over() -> bool:
            return self._ends or ask.is_cancelled or stops.is_found

        found = self._found(model, wanted, Listener(stops.take, is_over))
        stops.end()
        if found.from_notes:
            ask.tell(Piece(found.answer.text))
        answer = found.answer
        if answer.ended == "cancelled" and self._ends and not stops.is_found:
            raise _ending()
        return Done(
            finish="length" if answer.ended == "length" and not stops.is_found else "stop",
            prompt_tokens=answer.prompt_tokens,
            generated_tokens=answer.generated_tokens,
            cached_tokens=answer.cached_tokens,
            citations=found.citations,
            left_out=answer.left_out,
        )

    def _found(self, model: ChatModel, wanted: Wanted, listener: Listener) -> GroundedAnswer:
        from mlx_backend.asking.answering import GroundedAnswer, answer_from_notes
        from mlx_backend.asking.retrieval import retriever_of

        sampling = wanted.sampling
        if wanted.text is not None:
            return GroundedAnswer(model.go_on(wanted.text, sampling, listener), ())
        if not wanted.answerer.grounded:
            answer = model.answer(wanted.turns, sampling, listener, wanted.system)
            return GroundedAnswer(answer, ())
        with database.opened(self._library.database) as connection:
            retriever = retriever_of(self._library, connection)
            return answer_from_notes(
                model, retriever, wanted.turns, sampling, listener, wanted.system
            )

    def _model(self, answerer: Answerer) -> ChatModel:
        if not self._held.has(answerer.base):
            self._room.check(answerer.base)
            self._held.load(answerer.base)
        self._stay.asked()
        return self._held.with_adapters(answerer.adapters)

    def give_room(self) -> None:
        """Let the model go when a run waits for its memory, or when it was not asked for long."""
        if self._stay.is_over(self._held.bytes):
            self._held.release()


def _ending() -> OvernightError:
    return OvernightError(
        ErrorKind.WORKER_STOPPED, "The server is being ended.", "Start it again, then ask again."
    )
