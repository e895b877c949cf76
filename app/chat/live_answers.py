"""The answers that are being given: asks the worker, and has them stored as they grow."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from app.chat.answerer import Answerer, Manner
from app.chat.exchanges import Exchange, Phase, ShownAnswer, turns_for, unseen_questions
from app.chat.outbox import Outbox
from app.jobs.chat_worker import ChatWorker
from app.library.background import Background
from mlx_backend import protocol
from mlx_backend.errors import OvernightError

_ID = "chat-"
# What is said within this time is all that a kill of the window can lose.
_GROWS_MS = 400


@dataclass(frozen=True)
class Asked:
    """The last question of `exchanges`, who answers it in turn, and how.

    begun: the answer that the first answerer is to go on with; None for a new one.
    """

    exchanges: tuple[Exchange, ...]
    answerers: tuple[Answerer, ...]
    manner: Manner
    begun: ShownAnswer | None = None

    @property
    def question(self) -> int:
        """The id of the question."""
        return self.exchanges[-1].id


@dataclass(frozen=True)
class Live:
    """The answer that the first answerer of a question is giving."""

    conversation: int
    asked: Asked
    answer: ShownAnswer


class LiveAnswers(QObject):
    """Each goes on, and is stored, whatever conversation is open meanwhile."""

    changed = Signal(int, int, object)
    """In the conversation of this id, the question of this id has this ShownAnswer now."""

    ended = Signal(int)
    """In the conversation of this id an answer has ended, and perhaps another begun."""

    stored = Signal()
    """More of a conversation is on disk."""

    def __init__(
        self, worker: ChatWorker, background: Background, outbox: Outbox, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._background = background
        self._outbox = outbox
        self._live: dict[str, Live] = {}
        self._unwritten: dict[str, Live] = {}
        self._ids = itertools.count(1)
        self._pieces: dict[str, list[str]] = {}
        self._hearing = QTimer(self, singleShot=True, interval=0)
        self._hearing.timeout.connect(self._hear)
        self._growth = QTimer(self, singleShot=True, interval=_GROWS_MS)
        self._growth.timeout.connect(self.flush)
        worker.part.connect(self._take_part)
        worker.thought.connect(self._take_thought)
        worker.answered.connect(self._take_answer)
        worker.failed.connect(self._take_failure)

    @staticmethod
    def is_own(request_id: str) -> bool:
        """Whether a request to the worker is a question asked here."""
        return request_id.startswith(_ID)

    def of(self, conversation: int | None) -> Iterator[Live]:
        """The answers that are being given in a conversation."""
        return (live for live in self._live.values() if live.conversation == conversation)

    def ask(self, conversation: int, asked: Asked) -> None:
        """Let the first answerer answer, and then the others."""
        answerer, sampling = asked.answerers[0], asked.manner.sampling
        answer = asked.begun or ShownAnswer(answerer.adapter)
        # What goes on was sampled with two seeds, and so with none that makes it again.
        seed = None if asked.begun else sampling.seed
        waiting = replace(answer, phase=Phase.WAITING, base=answerer.title, error=None, seed=seed)
        live = Live(conversation, asked, waiting)
        request_id = f"{_ID}{next(self._ids)}"
        self._live[request_id] = live
        self._tell(live)
        names = (answerer.adapter,) if answerer.adapter else ()
        self._worker.ask(
            protocol.ChatRequest(
                id=request_id,
                turns=turns_for(asked.exchanges, answerer.adapter),
                model=answerer.model,
                adapters=tuple(protocol.WeightedAdapter(name=name) for name in names),
                sampling=sampling,
                grounded=asked.manner.grounded,
                thinks=asked.manner.thinks,
                conversation=conversation,
                system=asked.manner.system,
                begun=answer.text,
            )
        )

    def stop(self, conversation: int | None) -> None:
        """End the answers of a conversation; what was said so far stands."""
        self._hear()
        for request_id, live in list(self._live.items()):
            if live.conversation == conversation:
                self._worker.cancel(request_id)
                self._finish(request_id, replace(live.answer, phase=Phase.STOPPED), go_on=False)

    def forget(self, conversation: int) -> None:
        """Let the worker drop what it read of a conversation."""
        self._worker.forget(conversation)

    def flush(self) -> None:
        """Store what unfinished answers have said so far."""
        self._hear()
        self._growth.stop()
        for request_id, live in list(self._live.items()):
            self._store(request_id, live)

    def write(self, conversation: int) -> None:
        """Write what is kept of a conversation, unless it is deleted."""
        if self._outbox.holds(conversation):
            write = functools.partial(self._outbox.write, conversation)
            self._background.keep(f"answers {conversation}", write, self._take_written)

    # --- what the worker says ---

    def _take_part(self, request_id: str, text: str) -> None:
        # Many come at once: the text is put together, and shown, when all of them are here.
        self._pieces.setdefault(request_id, []).append(text)
        if not self._hearing.isActive():
            self._hearing.start()

    def _hear(self) -> None:
        self._hearing.stop()
        pieces, self._pieces = self._pieces, {}
        for request_id, parts in pieces.items():
            live = self._live.get(request_id)
            if live is not None:
                spoken = "".join([live.answer.text, *parts])
                self._go_on(request_id, replace(live.answer, text=spoken, phase=Phase.SPEAKING))

    def _take_thought(self, request_id: str, text: str) -> None:
        self._hear()
        live = self._live.get(request_id)
        if live is not None:
            thoughts = live.answer.thoughts + text
            self._go_on(request_id, replace(live.answer, thoughts=thoughts))

    def _go_on(self, request_id: str, answer: ShownAnswer) -> None:
        self._live[request_id] = live = replace(self._live[request_id], answer=answer)
        self._tell(live)
        if not self._growth.isActive():
            self._growth.start()

    def _take_answer(self, request_id: str, done: protocol.AnswerDone) -> None:
        self._hear()
        live = self._live.get(request_id)
        if live is None:
            return
        begun, heard = live.asked.begun, live.answer
        unseen = unseen_questions(live.asked.exchanges, heard.adapter, done.left_out)
        answer = replace(
            heard,
            text=(begun.text if begun else "") + done.text,
            phase=Phase.STOPPED if done.ended == "cancelled" else Phase.DONE,
            is_cut=done.ended == "length",
            citations=done.citations,
            quote=done.quote,
            is_from_notes=done.from_notes,
            left_out=unseen,
            thoughts=done.thoughts or heard.thoughts,
            looked_up=done.looked_up,
        )
        self._finish(request_id, answer, go_on=answer.phase is Phase.DONE)

    def _take_failure(self, request_id: str, error: OvernightError) -> None:
        self._hear()
        live = self._live.get(request_id)
        if live is not None:
            failed = replace(live.answer, phase=Phase.FAILED, error=error)
            self._finish(request_id, failed, go_on=False)

    def _finish(self, request_id: str, answer: ShownAnswer, go_on: bool) -> None:
        self._unwritten[request_id] = live = replace(self._live.pop(request_id), answer=answer)
        if answer.phase is Phase.FAILED and answer.text:
            broken = replace(live, answer=replace(answer, phase=Phase.BROKEN))
            self._store(request_id, broken)
        else:
            self._store(request_id, live)
        self._tell(live)
        rest = live.asked.answerers[1:]
        if go_on and rest:
            self.ask(live.conversation, replace(live.asked, answerers=rest, begun=None))
        self.ended.emit(live.conversation)

    # --- storing ---

    def _store(self, request_id: str, live: Live) -> None:
        if live.answer.text:
            self._outbox.put(live.conversation, request_id, live.asked.question, live.answer)
            self.write(live.conversation)

    def _take_written(self, ids: dict[str, int]) -> None:
        for request_id, turn in ids.items():
            kept = self._live if request_id in self._live else self._unwritten
            live = kept.pop(request_id, None)
            if live is None:
                continue
            live = replace(live, answer=replace(live.answer, id=turn))
            if kept is self._live:
                self._live[request_id] = live
            else:
                self._tell(live)  # now that it has an id, it can be judged
        self.stored.emit()

    def _tell(self, live: Live) -> None:
        self.changed.emit(live.conversation, live.asked.question, live.answer)
