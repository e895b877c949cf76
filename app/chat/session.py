"""The conversation that is open: asks the worker, stores every turn, tells what happens."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.chat.answerer import Answerer, Manner
from app.chat.exchanges import (
    Exchange,
    Phase,
    ShownAnswer,
    exchanges_of,
    turns_for,
    unseen_questions,
)
from app.chat.outbox import Outbox
from app.jobs.chat_worker import ChatWorker
from app.library.background import Background
from app.text.clean_text import clean
from mlx_backend import protocol
from mlx_backend.errors import OvernightError
from mlx_backend.library.conversations import StoredTurn

_ID = "chat-"


@dataclass(frozen=True)
class _Question:
    """The last question of `exchanges`, who answers it in turn, and how."""

    exchanges: tuple[Exchange, ...]
    answerers: tuple[Answerer, ...]
    manner: Manner


@dataclass(frozen=True)
class _Live:
    """The answer that the first answerer is giving."""

    conversation: int
    question: _Question
    answer: ShownAnswer

    @property
    def index(self) -> int:
        """The place of its question in the conversation."""
        return len(self.question.exchanges) - 1

    def is_of(self, exchanges: Sequence[Exchange]) -> bool:
        """Whether a conversation has its question at this place."""
        asked = self.question.exchanges[-1].question
        return self.index < len(exchanges) and exchanges[self.index].question == asked


class ChatSession(QObject):
    """Holds one conversation open. A question is stored before it is sent.

    An answer goes on, and is stored, when another conversation is opened meanwhile.
    """

    opened = Signal()
    """Another conversation is open; `exchanges` has it."""

    asked = Signal()
    """A question was added to the open conversation."""

    answer_changed = Signal(int, object)
    """In the open conversation, the exchange of this index has this answer now."""

    busy_changed = Signal()
    """`is_busy` may have changed."""

    stored = Signal()
    """The list of conversations is to be read again."""

    unstored = Signal(object, str, object)
    """A question could not be stored and is not asked: its conversation (None: a new one), the
    question, and the OvernightError."""

    def __init__(
        self, worker: ChatWorker, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._background = background
        self._conversation: int | None = None
        self._wanted: int | None = None
        self._exchanges: list[Exchange] = []
        self._storing = False
        self._openings = 0
        self._live: dict[str, _Live] = {}
        self._outbox = Outbox()
        self._deleted: set[int] = set()
        self._ids = itertools.count(1)
        worker.part.connect(self._take_part)
        worker.thought.connect(self._take_thought)
        worker.answered.connect(self._take_answer)
        worker.failed.connect(self._take_failure)

    @property
    def conversation(self) -> int | None:
        """The id of the open conversation; None for one without a first question."""
        return self._conversation

    @property
    def wanted(self) -> int | None:
        """The id of the conversation that is open, or will be in a moment."""
        return self._wanted

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What has been said in the open conversation."""
        return tuple(self._exchanges)

    @property
    def is_busy(self) -> bool:
        """Whether a question of the open conversation is being answered."""
        return self._storing or self._current() is not None

    def is_own(self, request_id: str) -> bool:
        """Whether a request to the worker is a question asked here."""
        return request_id.startswith(_ID)

    # --- which conversation ---

    def open(self, conversation: int | None) -> None:
        """Open a conversation, or a new one."""
        self._openings += 1
        self._wanted = conversation
        if conversation is None:
            self._show(None, [])
            return
        take = functools.partial(self._take_turns, self._openings, conversation)
        self._write(conversation)  # it may have been restored elsewhere
        self._background.call(functools.partial(self._outbox.read, conversation), take)

    def let_go(self, conversation: int) -> None:
        """A conversation is about to be deleted: end its answer, and close it."""
        self._deleted.add(conversation)
        self._stop(conversation)
        if conversation == self._wanted:
            self.open(None)
        elif conversation == self._conversation:
            self._show(None, [])  # until the one that was opened since is read

    def take_back(self, conversation: int) -> None:
        """A conversation was restored: store the answers that came meanwhile."""
        self._deleted.discard(conversation)
        self._write(conversation)

    def _take_turns(self, opening: int, conversation: int, turns: Sequence[StoredTurn]) -> None:
        if opening == self._openings:
            # Without turns, it was deleted meanwhile.
            self._wanted = conversation if turns else None
            self._show(self._wanted, exchanges_of(turns))

    def _show(self, conversation: int | None, exchanges: list[Exchange]) -> None:
        self._conversation, self._exchanges, self._storing = conversation, exchanges, False
        live = self._current()
        if live is not None and live.is_of(exchanges):
            exchanges[live.index] = exchanges[live.index].answered(live.answer)
        self.opened.emit()
        self.busy_changed.emit()

    # --- asking ---

    def ask(self, question: str, answerers: tuple[Answerer, ...], manner: Manner) -> None:
        """Store a question, then let the answerers answer it one after another."""
        question = clean(question)
        self._exchanges.append(Exchange(question))
        self._storing = True
        self.asked.emit()
        self.busy_changed.emit()
        asked = _Question(tuple(self._exchanges), answerers, manner)
        opening, conversation = self._openings, self._conversation
        self._background.call(
            functools.partial(self._outbox.store_question, conversation, question),
            functools.partial(self._take_stored, opening, asked),
            functools.partial(self._take_unstored, opening, conversation, question),
        )

    def retry(self, answerers: tuple[Answerer, ...], manner: Manner) -> None:
        """Ask the last question once more."""
        if self._conversation is not None and self._exchanges and not self.is_busy:
            question = _Question(tuple(self._exchanges), answerers, manner)
            self._send(self._conversation, question)

    def stop(self) -> None:
        """End the answer that is being given; what was said so far stands."""
        self._stop(self._conversation)

    def _stop(self, conversation: int | None) -> None:
        for request_id, live in list(self._live.items()):
            if live.conversation == conversation:
                self._worker.cancel(request_id)
                self._finish(request_id, replace(live.answer, phase=Phase.STOPPED), go_on=False)

    def flush(self) -> None:
        """Store what unfinished answers have said so far, because the window closes."""
        for live in self._live.values():
            self._store(live.conversation, live.answer)

    def _take_stored(self, opening: int, question: _Question, conversation: int) -> None:
        if opening == self._openings:
            self._conversation, self._wanted, self._storing = conversation, conversation, False
        self.stored.emit()
        if conversation not in self._deleted:
            self._send(conversation, question)

    def _take_unstored(
        self, opening: int, conversation: int | None, question: str, error: OvernightError
    ) -> None:
        if opening == self._openings:
            self._show(conversation, self._exchanges[:-1])
        self.unstored.emit(conversation, question, error)

    def _send(self, conversation: int, question: _Question) -> None:
        answerer = question.answerers[0]
        live = _Live(conversation, question, _awaited(answerer))
        request_id = f"{_ID}{next(self._ids)}"
        self._live[request_id] = live
        self._show_live(live)
        self.busy_changed.emit()
        names = (answerer.adapter,) if answerer.adapter else ()
        self._worker.ask(
            protocol.ChatRequest(
                id=request_id,
                turns=turns_for(question.exchanges, answerer.adapter),
                model=answerer.model,
                adapters=tuple(protocol.WeightedAdapter(name=name) for name in names),
                sampling=question.manner.sampling,
                grounded=question.manner.grounded,
                thinks=question.manner.thinks,
            )
        )

    # --- answers ---

    def _take_part(self, request_id: str, text: str) -> None:
        live = self._live.get(request_id)
        if live is not None:
            spoken = live.answer.text + text
            self._go_on(request_id, replace(live.answer, text=spoken, phase=Phase.SPEAKING))

    def _take_thought(self, request_id: str, text: str) -> None:
        live = self._live.get(request_id)
        if live is not None:
            thoughts = live.answer.thoughts + text
            self._go_on(request_id, replace(live.answer, thoughts=thoughts))

    def _go_on(self, request_id: str, answer: ShownAnswer) -> None:
        self._live[request_id] = live = replace(self._live[request_id], answer=answer)
        self._show_live(live)

    def _take_answer(self, request_id: str, done: protocol.AnswerDone) -> None:
        live = self._live.get(request_id)
        if live is not None:
            answer = ShownAnswer(
                live.answer.adapter,
                done.text,
                Phase.STOPPED if done.ended == "cancelled" else Phase.DONE,
                is_cut=done.ended == "length",
                citations=done.citations,
                quote=done.quote,
                is_from_notes=done.from_notes,
                left_out=unseen_questions(
                    live.question.exchanges, live.answer.adapter, done.left_out
                ),
                thoughts=done.thoughts or live.answer.thoughts,
                base=live.answer.base,
            )
            self._finish(request_id, answer, go_on=answer.phase is Phase.DONE)

    def _take_failure(self, request_id: str, error: OvernightError) -> None:
        live = self._live.get(request_id)
        if live is not None:
            failed = replace(live.answer, phase=Phase.FAILED, error=error)
            self._finish(request_id, failed, go_on=False)

    def _finish(self, request_id: str, answer: ShownAnswer, go_on: bool) -> None:
        live = replace(self._live.pop(request_id), answer=answer)
        if answer.phase is not Phase.FAILED:
            self._store(live.conversation, answer)
        self._show_live(live)
        rest = live.question.answerers[1:]
        if go_on and rest:
            self._send(live.conversation, replace(live.question, answerers=rest))
        self.busy_changed.emit()

    def _store(self, conversation: int, answer: ShownAnswer) -> None:
        if answer.text:
            self._outbox.put(conversation, answer)
            self._write(conversation)

    def _write(self, conversation: int) -> None:
        if not self._outbox.holds(conversation):
            return
        write = functools.partial(self._outbox.write, conversation)
        self._background.keep(f"answers {conversation}", write, lambda _: self.stored.emit())

    def _show_live(self, live: _Live) -> None:
        if live.conversation == self._conversation and live.is_of(self._exchanges):
            self._exchanges[live.index] = self._exchanges[live.index].answered(live.answer)
            self.answer_changed.emit(live.index, live.answer)

    def _current(self) -> _Live | None:
        lives = self._live.values()
        return next((live for live in lives if live.conversation == self._conversation), None)


def _awaited(answerer: Answerer) -> ShownAnswer:
    return ShownAnswer(answerer.adapter, phase=Phase.WAITING, base=answerer.title)
