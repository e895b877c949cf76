"""Chat: ask the model that learned the notes, and the base model for comparison."""

from __future__ import annotations

import functools

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.chat.answerer import Manner
from app.chat.answerer_choice import AnswererChoice
from app.chat.asking import Asking
from app.chat.attaching import Attaching
from app.chat.conversation_actions import ConversationActions
from app.chat.conversation_sidebar import ConversationSidebar
from app.chat.current_name import current_name
from app.chat.details_panel import DetailsPanel
from app.chat.drafts_and_choices import DraftsAndChoices
from app.chat.exchanges import Exchange, ShownAnswer
from app.chat.find_in_conversation import FindInConversation
from app.chat.kept_typing import KeptTyping
from app.chat.library_contents import LibraryContents, read_contents
from app.chat.page_layout import PageParts, add_shortcuts, lay_out
from app.chat.prefilling import Prefilling
from app.chat.question_bar import QuestionBar
from app.chat.question_length import length_notice
from app.chat.session import ChatSession
from app.chat.status_text import (
    ATTACHED,
    GAVE_WAY,
    RESTING,
    RUNNING_AGAIN,
    SHARING,
    invitation,
    missing,
    still_reading,
    waiting,
)
from app.chat.transcript import Transcript
from app.chat.transcript_actions import TranscriptActions
from app.chat.use_again import use_again
from app.chat.warm_up import WarmUp
from app.jobs.chat_worker import WorkerState
from app.library.deletions import Change
from app.library.missing_bases import MissingBase, cannot_answer, missing_of, way_back
from app.services import Services
from app.text.error_text import trouble
from app.widgets.empty_state import EmptyState
from app.widgets.find_bar import FindBar
from app.widgets.labels import button
from app.widgets.undo_bar import UndoBar
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import AdapterCard

# Where a model's size is not known yet, the starter's.
_USUAL_MODEL_BYTES = 600_000_000


class ChatPage(QWidget):
    """Conversations on the left, the open one on the right, the question below."""

    tonight_wanted = Signal()
    """Go where training starts."""

    source_wanted = Signal(object)
    """Open the note of this Citation."""

    models_wanted = Signal()
    """Go where base models are."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self._contents = LibraryContents()
        self._missing = ""
        self._trouble = ""
        self._has_stopped = False
        self._warm_up = WarmUp(services.worker, services.watcher)
        self.remembered = DraftsAndChoices(
            services.library.home / "chat.json", services.background, self
        )
        self.session = ChatSession(services.worker, services.background, self)
        self.sidebar = ConversationSidebar()
        self.conversations = ConversationActions(services, self.session, self.sidebar, self)
        self.answerer = AnswererChoice()
        self.transcript = Transcript(services.style)
        self._prefilling = Prefilling(
            services.worker,
            services.watcher,
            self.session,
            lambda: Exchange(self.input.text(), attachments=self.attaching.bounded()),
            lambda: (self.answerer.chosen, self._manner()),
        )
        self.details = DetailsPanel()
        self.details_switch = button("Details")
        self.details_switch.setCheckable(True)
        self.details_switch.setToolTip("What the model is told first, and how its words are drawn")
        self.asking = Asking(self.session, self.answerer, self._may_ask, self._manner)
        self.deeds = TranscriptActions(
            self.transcript,
            self.session,
            self.asking,
            self.remembered,
            services.background,
            services.history,
        )
        self.foot = QuestionBar(services.background)
        self.attaching = Attaching(self.foot, services.background, self)
        self.input, self.notice = self.foot.input, self.foot.notice
        self.send, self.stop = self.foot.send, self.foot.stop
        self.find_bar = FindBar("Find in this conversation")
        self._find = FindInConversation(self.find_bar, self.transcript)
        self.undo_bar = UndoBar(services.history)
        self.welcome = EmptyState("chat", "Ask about your notes", "", "Go to Tonight")
        self.typing = KeptTyping(self.session, self.remembered, self.input, self.attaching)
        self.typing.follow_details(self.details, services.preferences)
        self._middle = QStackedWidget()
        self._lay_out()
        self._connect()
        self._show_remembered()
        self.refresh()

    def _lay_out(self) -> None:
        self._middle.addWidget(self.welcome)
        self._middle.addWidget(self.transcript)
        header = (self.answerer, self.details_switch)
        column = (self.details, self.find_bar, self._middle, self.foot, self.undo_bar)
        lay_out(self, PageParts(self.sidebar, header, column, self._middle))
        add_shortcuts(self, self.sidebar, self.session.stop)

    def _show_remembered(self) -> None:
        self.answerer.compare.setChecked(self.remembered.compare)
        self.answerer.grounded.setChecked(self.remembered.grounded)
        self.foot.thinks.setChecked(self.remembered.thinks)
        self.details_switch.setChecked(self.remembered.shows_details)
        self.session.open(self.remembered.conversation)

    # --- what others ask of the page ---

    def refresh(self) -> None:
        """Look at conversations, adapters and models again."""
        look = functools.partial(read_contents, self._services.library)
        self._services.background.call(look, self._take_contents)

    def choose_adapter(self, name: str) -> None:
        """Let this adapter answer from now on, in a new conversation."""
        self.remembered.set_answerer(name, self.answerer.compare.isChecked())
        self.answerer.choose(name)
        self.new_conversation()
        self.refresh()

    def use_again(self, name: str, instead_of: str) -> None:
        """Let the adapter `name` answer again, from which `instead_of` went on; can be undone."""
        step = use_again(self.remembered, name, instead_of, self.refresh)
        self._services.history.do(step)

    def new_conversation(self) -> None:
        """Begin a conversation."""
        self.session.open(None)
        self.input.setFocus()

    def focus_search(self) -> None:
        """Let the person type what to find in the open conversation."""
        self.find_bar.begin()

    def flush(self) -> None:
        """Save what is typed and what unfinished answers have said, because the window closes."""
        self.session.flush()
        self.remembered.flush()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self.input.setFocus()
        self._show_state()

    # --- what the library has ---

    def _take_contents(self, found: LibraryContents) -> None:
        self._contents = found
        self.answerer.show_has_notes(found.has_notes)
        self.answerer.show_readers(found.readers)
        self.conversations.refresh()
        usual = self._services.preferences.settings.base_model
        self.answerer.show_adapters(found.cards, usual, found.bases)
        self._choose_answerer(found.cards)
        self._show_state()

    def _choose_answerer(self, cards: list[AdapterCard]) -> None:
        """Choose who was chosen last; while that adapter is gone, the newest one."""
        wanted = current_name(self.remembered.adapter, cards, self._services.watcher.runs())
        names = [card.name for card in cards]
        is_missing = self.remembered.has_chosen and wanted is not None and wanted not in names
        self._missing = wanted if is_missing and wanted is not None else ""
        if self.remembered.has_chosen and not is_missing:
            self.answerer.choose(wanted, self.remembered.model)
        elif names:
            self.answerer.choose(names[0])

    # --- the open conversation ---

    def _take_opened(self) -> None:
        self.transcript.set_edits(self.remembered.edits)
        self.transcript.show_exchanges(self.session.exchanges)
        self.sidebar.mark_open(self.session.wanted)
        self.typing.show_opened()
        if self.session.conversation is not None and self.isVisible():
            self._prefilling.begin()
        self._show_state()
        self._find.look_again()

    def _take_branch(self) -> None:
        self.transcript.show_branch(self.session.exchanges)
        self._show_state()
        self._find.look_again()

    def _take_asked(self) -> None:
        self.transcript.add_exchange(self.session.exchanges[-1])
        self._show_state()

    def _take_stored(self) -> None:
        if self.session.conversation != self.remembered.conversation:
            self.typing.hand_on()
            self.sidebar.mark_open(self.session.conversation)
        self.conversations.refresh()

    def _take_typing(self) -> None:
        self.typing.keep_typed()
        if self.input.has_text and self.isVisible() and self._missing_base() is None:
            self._warm_up.begin(self.answerer.chosen)
            self._prefilling.begin()
        self._show_state()

    def take_renamed_adapter(self, old: str, new: str) -> None:
        """Take over the new name of an adapter."""
        if self.remembered.adapter == old:
            self.remembered.set_answerer(new, self.remembered.compare)
        if not self.session.is_busy:
            self.session.open(self.session.wanted)  # its answers carry the new name
        self.refresh()

    def _take_change(self, change: Change) -> None:
        if change.kind in ("adapter", "model"):
            self.refresh()

    # --- asking ---

    def _ask(self, question: str) -> None:
        if reading := self.attaching.files.names:
            self._take_refusal(still_reading(reading[0]))
        elif self.asking.ask(question, self.attaching.bounded()):
            self.input.clear()
            self.typing.hand_over_attached()

    def _forget_trouble(self) -> None:
        self._trouble = ""

    def _take_unstored(
        self, conversation: int | None, question: str, error: OvernightError
    ) -> None:
        """Give back a question that could not be stored, so that it can be asked again."""
        self.typing.give_back(conversation, question)
        self._trouble = trouble(error)
        self._show_state()

    def _take_answer(self, index: int, answer: ShownAnswer) -> None:
        """Show an answer; a question that is too long for the model comes back to be shortened."""
        self.transcript.show_answer(index, answer)
        is_too_long = answer.error is not None and answer.error.kind is ErrorKind.TOO_LONG
        if is_too_long and not self.input.has_text:
            self.input.set_text(self.session.exchanges[index].question)

    def _may_ask(self) -> bool:
        size = self._contents.bytes_of(self.answerer.chosen.model, _USUAL_MODEL_BYTES)
        return self._missing_base() is None and self._services.keeper.may_answer(size)

    def _manner(self) -> Manner:
        settings = self._services.preferences.settings
        thinks = self._can_think() and self.foot.thinks.isChecked()
        return Manner.of(settings, self.answerer.is_grounded, thinks, self.session.settings)

    def _can_think(self) -> bool:
        """Whether whoever answers words it, and can think before."""
        model = self.answerer.chosen.model
        return self._contents.can_think(model) and not self.answerer.is_quoting

    # --- a base model that is gone ---

    def _missing_base(self) -> MissingBase | None:
        return missing_of(self._contents.missing, self.answerer.chosen.model)

    def _bring_back(self) -> None:
        lost = self._missing_base()
        if lost is not None and lost.binned is not None:
            self._services.deletions.restore([lost.binned])
        else:
            self.models_wanted.emit()

    # --- how things stand ---

    def _take_failure(self, request_id: str, error: OvernightError) -> None:
        # The error of a question is shown below that question.
        if not self.session.is_own(request_id):
            self._trouble = trouble(error)
            self._has_stopped = error.kind is ErrorKind.WORKER_STOPPED
            self._show_state()

    def _take_unloading(self, reason: str) -> None:
        if reason == "run":
            self._take_refusal(GAVE_WAY)

    def _take_refusal(self, told: str) -> None:
        self._trouble = told
        self._show_state()

    def _take_recovery(self) -> None:
        """Writing works again."""
        self._trouble = ""
        self._show_state()

    def _take_worker_state(self, state: WorkerState) -> None:
        if state is WorkerState.READY and self._has_stopped:
            self._trouble, self._has_stopped = RUNNING_AGAIN, False
        self.transcript.set_waiting(waiting(state))
        self._show_state()

    def _show_state(self) -> None:
        self.attaching.set_context(self._contents.context_of(self.answerer.chosen.model))
        self.input.set_earlier([exchange.question for exchange in self.session.exchanges])
        busy, resting = self.session.is_busy, self._services.keeper.resting
        self.transcript.set_busy(busy)
        lost = self._missing_base()
        self.foot.show_state(busy, not resting and lost is None, self._notice(), way_back(lost))
        self.foot.thinks.setVisible(self._can_think())
        has_words = bool(self.session.exchanges)
        self._middle.setCurrentWidget(self.transcript if has_words else self.welcome)
        self._welcome()

    def _notice(self) -> str:
        if self._services.keeper.resting:
            return RESTING
        if self._trouble:
            return self._trouble
        lost = self._missing_base()
        if lost is not None:
            return cannot_answer(self.answerer.chosen.adapter or "", lost)
        if self.attaching.attached and self.answerer.is_grounded:
            return ATTACHED
        length = length_notice(
            self.input.text(),
            self.answerer.is_quoting and not self.attaching.attached,
            self._contents.context_of(self.answerer.chosen.model),
        )
        if length:
            return length
        if self._missing:
            return missing(self._missing, self.answerer.chosen.adapter)
        training = any(run.is_active for run in self._services.watcher.runs())
        return SHARING if training else ""

    def _welcome(self) -> None:
        has_adapters = bool(self._contents.cards)
        self.welcome.button.setVisible(not has_adapters)
        self.welcome.sentence.setText(invitation(self.answerer, has_adapters))

    # --- making the page ---

    def _connect(self) -> None:
        services, session = self._services, self.session
        session.opened.connect(self._take_opened)
        session.branched.connect(self._take_branch)
        session.asked.connect(self._take_asked)
        session.answer_changed.connect(self._take_answer)
        session.unstored.connect(self._take_unstored)
        session.busy_changed.connect(self._show_state)
        session.stored.connect(self._take_stored)
        services.worker.failed.connect(self._take_failure)
        services.worker.unloaded.connect(self._take_unloading)
        services.worker.state_changed.connect(self._take_worker_state)
        services.keeper.resting_changed.connect(lambda _: self._show_state())
        services.watcher.job_changed.connect(lambda _: self._show_state())
        services.watcher.job_ended.connect(lambda _: self.refresh())
        services.preferences.changed.connect(self.refresh)
        services.background.recovered.connect(self._take_recovery)
        self.sidebar.new_wanted.connect(self.new_conversation)
        services.deletions.changed.connect(self._take_change)
        self.answerer.changed.connect(self._take_answerer)
        self.attaching.changed.connect(self._show_state)
        self.attaching.refused.connect(self._take_refusal)
        self.details_switch.toggled.connect(self.details.setVisible)
        self.details_switch.toggled.connect(self.remembered.set_shows_details)
        self.asking.begun.connect(self._forget_trouble)
        self.transcript.source_wanted.connect(self.source_wanted)
        self.deeds.asked_instead.connect(self.input.setFocus)
        self.input.textChanged.connect(self._take_typing)
        self.input.sent.connect(self._ask)
        self.stop.clicked.connect(session.stop)
        self.foot.way_out.clicked.connect(self._bring_back)
        self.foot.thinks.clicked.connect(self.remembered.set_thinks)
        self.welcome.chosen.connect(self.tonight_wanted)
        self.find_bar.closed.connect(self.input.setFocus)

    def _take_answerer(self) -> None:
        self._missing = ""
        chosen = self.answerer.chosen
        model = "" if chosen.adapter is not None else chosen.model
        self.remembered.set_answerer(chosen.adapter, self.answerer.compare.isChecked(), model)
        self.remembered.set_grounded(self.answerer.grounded.isChecked())
        self._show_state()
