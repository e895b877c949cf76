"""The conversation that is open: its branches, what is asked in it, and what comes of that."""

from __future__ import annotations

import functools
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.chat.answerer import Answerer, Manner
from app.chat.exchange_tree import ExchangeTree
from app.chat.exchanges import Exchange, ShownAnswer
from app.chat.live_answers import Asked, LiveAnswers
from app.chat.outbox import OpenedConversation, Outbox
from app.jobs.chat_worker import ChatWorker
from app.library.background import Background
from app.text.clean_text import clean
from mlx_backend.errors import OvernightError
from mlx_backend.library.conversations import Conversations, ConversationSettings
from mlx_backend.library.judgements import Judgement
from mlx_backend.library.turns import Attachment, StoredTurn

_UNCHANGED = ConversationSettings()


class ChatSession(QObject):
    """Holds one conversation open. A question is stored before it is sent.

    An answer goes on, and is stored, when another conversation is opened meanwhile.
    """

    opened = Signal()
    """Another conversation is open; `exchanges` has it."""

    branched = Signal()
    """Another branch of the open conversation is on show, or its questions have other versions."""

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
    question as far as it was typed now, and the OvernightError."""

    def __init__(
        self, worker: ChatWorker, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._conversation: int | None = None
        self._wanted: int | None = None
        self._tree = ExchangeTree()
        self._exchanges: list[Exchange] = []
        self._settings = _UNCHANGED
        self._storing = False
        self._openings = 0
        self._outbox = Outbox()
        self._deleted: set[int] = set()
        self.live = LiveAnswers(worker, background, self._outbox, self)
        self.live.changed.connect(self._take_answer)
        self.live.ended.connect(lambda _: self.busy_changed.emit())
        self.live.stored.connect(self.stored)
        background.call(lambda db: Conversations(db).end_live(), lambda _: None)

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
        """What has been said in the branch on show."""
        return tuple(self._exchanges)

    @property
    def settings(self) -> ConversationSettings:
        """What the open conversation has set for itself."""
        return self._settings

    @property
    def is_busy(self) -> bool:
        """Whether a question of the open conversation is being answered."""
        return self._storing or any(self.live.of(self._conversation))

    def is_own(self, request_id: str) -> bool:
        """Whether a request to the worker is a question asked here."""
        return self.live.is_own(request_id)

    # --- which conversation ---

    def open(self, conversation: int | None) -> None:
        """Open a conversation, or a new one."""
        self._openings += 1
        self._wanted = conversation
        if conversation is None:
            self._show(None, ExchangeTree(), _UNCHANGED)
            return
        take = functools.partial(self._take_opened, self._openings, conversation)
        self.live.write(conversation)  # it may have been restored elsewhere
        self._background.call(functools.partial(self._outbox.read, conversation), take)

    def let_go(self, conversation: int) -> None:
        """A conversation is about to be deleted: end its answer, and close it."""
        self._deleted.add(conversation)
        self.live.forget(conversation)
        self.live.stop(conversation)
        if conversation == self._wanted:
            self.open(None)
        elif conversation == self._conversation:
            # Until the one that was opened since is read.
            self._show(None, ExchangeTree(), _UNCHANGED)

    def take_back(self, conversation: int) -> None:
        """A conversation was restored: store the answers that came meanwhile."""
        self._deleted.discard(conversation)
        self.live.write(conversation)

    def turn_to(self, question: int) -> None:
        """Show another version of a question, with what followed it."""
        if not self.is_busy and self._conversation is not None and self._tree.has(question):
            self._tree.turn_to(question)
            conversation, tip = self._conversation, self._tree.tip
            self._background.keep(
                f"shown {conversation}", lambda db: Conversations(db).show(conversation, tip)
            )
            self._show_branch()

    def change_settings(self, settings: ConversationSettings) -> None:
        """Set these for the open conversation; a new one keeps them with its first question."""
        self._settings = settings
        conversation = self._conversation
        if conversation is not None:
            self._background.keep(
                f"settings {conversation}",
                lambda db: Conversations(db).change_settings(conversation, settings),
            )

    def _take_opened(self, opening: int, conversation: int, found: OpenedConversation) -> None:
        if opening == self._openings:
            self._wanted = conversation if found.turns else None
            tree = ExchangeTree.of(found.turns, found.shown, found.judgements)
            self._show(self._wanted, tree, found.settings)

    def _show(
        self, conversation: int | None, tree: ExchangeTree, settings: ConversationSettings
    ) -> None:
        self._conversation, self._tree, self._storing = conversation, tree, False
        self._settings = settings
        for live in self.live.of(conversation):
            if tree.has(live.asked.question):
                tree.answer(live.asked.question, live.answer)
        self._exchanges = tree.branch()
        self.opened.emit()
        self.busy_changed.emit()

    def _show_branch(self) -> None:
        self._exchanges = self._tree.branch()
        self.branched.emit()
        self.busy_changed.emit()

    # --- asking ---

    def ask(
        self,
        question: str,
        answerers: tuple[Answerer, ...],
        manner: Manner,
        attachments: tuple[Attachment, ...] = (),
    ) -> None:
        """Store a question, then let the answerers answer it one after another."""
        self._ask(Exchange(clean(question), attachments=attachments), answerers, manner, None)

    def ask_instead(
        self, index: int, question: str, answerers: tuple[Answerer, ...], manner: Manner
    ) -> None:
        """Ask another version of the question of this index: a branch begins there."""
        if not self.is_busy and index < len(self._exchanges):
            attached = self._exchanges[index].attachments
            instead = Exchange(clean(question), attachments=attached)
            self._ask(instead, answerers, manner, index)

    def retry(self, index: int, answerers: tuple[Answerer, ...], manner: Manner) -> None:
        """Ask a question once more; what was answered stays, as another version."""
        if self._conversation is None or self.is_busy or index >= len(self._exchanges):
            return
        exchange = self._exchanges[index]
        if any(answer.text for answer in exchange.answers):
            again = Exchange(exchange.question, attachments=exchange.attachments)
            self._ask(again, answerers, manner, index, is_typed=False)
        else:
            asked = Asked(tuple(self._exchanges[: index + 1]), answerers, manner)
            self._send(self._conversation, asked)

    def go_on(self, index: int, answer: ShownAnswer, answerer: Answerer, manner: Manner) -> None:
        """Let an answer go on where it ended."""
        if self._conversation is not None and not self.is_busy and answer.can_go_on:
            exchanges = tuple(self._exchanges[: index + 1])
            self._send(self._conversation, Asked(exchanges, (answerer,), manner, answer))

    def stop(self) -> None:
        """End the answer that is being given; what was said so far stands."""
        self.live.stop(self._conversation)

    def flush(self) -> None:
        """Store what unfinished answers have said so far, because the window closes."""
        self.live.flush()

    def judged(self, turn: int, judgement: Judgement) -> None:
        """An answer of this turn is judged like this now."""
        for index, exchange in enumerate(self._exchanges):
            for answer in exchange.answers:
                if answer.id == turn:
                    judged = replace(answer, judgement=judgement)
                    self._tree.answer(exchange.id, judged)
                    self._put(index, judged)

    def _ask(
        self,
        exchange: Exchange,
        answerers: tuple[Answerer, ...],
        manner: Manner,
        instead_of: int | None,
        is_typed: bool = True,
    ) -> None:
        if instead_of is not None:
            del self._exchanges[instead_of:]
        parent = self._exchanges[-1].id if self._exchanges else 0
        self._exchanges.append(exchange)
        self._storing = True
        (self.asked if instead_of is None else self.branched).emit()
        self.busy_changed.emit()
        opening, conversation = self._openings, self._conversation
        turn = StoredTurn(
            "user", exchange.question, None, attachments=exchange.attachments, parent=parent
        )
        asked = Asked(tuple(self._exchanges), answerers, manner)
        store = functools.partial(self._outbox.store_question, conversation, turn, self._settings)
        typed = exchange.question if is_typed else ""
        self._background.call(
            store,
            functools.partial(self._take_stored, opening, asked, parent),
            functools.partial(self._take_unstored, opening, conversation, typed),
        )

    def _take_stored(
        self, opening: int, asked: Asked, parent: int, stored: tuple[int, int]
    ) -> None:
        conversation, question = stored
        exchange = replace(asked.exchanges[-1], id=question)
        if opening == self._openings:
            self._conversation, self._wanted, self._storing = conversation, conversation, False
            self._tree.add(exchange, parent)
            self._exchanges = self._tree.branch()
            self.branched.emit()
        self.stored.emit()
        if conversation not in self._deleted:
            exchanges = (*asked.exchanges[:-1], exchange)
            self._send(conversation, replace(asked, exchanges=exchanges))

    def _take_unstored(
        self, opening: int, conversation: int | None, question: str, error: OvernightError
    ) -> None:
        if opening == self._openings:
            self._storing = False
            self._show_branch()
        self.unstored.emit(conversation, question, error)

    def _send(self, conversation: int, asked: Asked) -> None:
        self.live.ask(conversation, asked)
        self.busy_changed.emit()

    # --- answers ---

    def _take_answer(self, conversation: int, question: int, answer: ShownAnswer) -> None:
        if conversation != self._conversation or not self._tree.has(question):
            return
        self._tree.answer(question, answer)
        # Mostly it is the last.
        for index in range(len(self._exchanges) - 1, -1, -1):
            if self._exchanges[index].id == question:
                self._put(index, answer)
                return

    def _put(self, index: int, answer: ShownAnswer) -> None:
        self._exchanges[index] = self._exchanges[index].answered(answer)
        self.answer_changed.emit(index, answer)
