"""What a person does to what has been said: judges it, looks at its sources, changes questions."""

from __future__ import annotations

import functools
import sqlite3

import shiboken6
from PySide6.QtCore import QObject, Signal

from app.chat.asking import Asking
from app.chat.drafts_and_choices import DraftsAndChoices
from app.chat.exchanges import ShownAnswer
from app.chat.session import ChatSession
from app.chat.source_chips import SourceChip
from app.chat.transcript import Transcript
from app.library.background import Background
from app.library.undo_history import Step, UndoHistory
from app.text.hidden_characters import revealed
from mlx_backend.library.judgements import Judgement, Judgements
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import Citation

_LONGEST_PASSAGE = 600  # characters


class TranscriptActions(QObject):
    """Carries out what the transcript announces."""

    asked_instead = Signal()
    """A changed question is on its way."""

    def __init__(
        self,
        transcript: Transcript,
        session: ChatSession,
        asking: Asking,
        remembered: DraftsAndChoices,
        background: Background,
        history: UndoHistory,
    ) -> None:
        super().__init__(transcript)
        self._session = session
        self._asking = asking
        self._transcript = transcript
        self._background = background
        self._history = history
        transcript.retry_wanted.connect(asking.again)
        transcript.memory_wanted.connect(asking.from_memory)
        transcript.go_on_wanted.connect(asking.go_on)
        transcript.edited.connect(self._ask_instead)
        transcript.edit_changed.connect(remembered.set_edit)
        transcript.version_wanted.connect(session.turn_to)
        transcript.judged.connect(self._judge)
        transcript.passage_wanted.connect(self._show_passage)

    def _ask_instead(self, index: int, text: str) -> None:
        question = self._session.exchanges[index].id
        if self._asking.ask_instead(index, text):
            self._transcript.end_edit(question)
            self.asked_instead.emit()

    def _judge(self, answer: ShownAnswer, judgement: Judgement) -> None:
        self._history.do(judging(self._session, answer.id, answer.judgement, judgement))

    def _show_passage(self, source: Citation, chip: SourceChip) -> None:
        read = functools.partial(passage_of, source)
        self._background.call(read, functools.partial(_tell, chip))


def judging(session: ChatSession, turn: int, before: Judgement, after: Judgement) -> Step:
    """The step that judges an answer."""

    def judge(judgement: Judgement, db: sqlite3.Connection) -> str:
        Judgements(db).judge(turn, judgement)
        return ""

    return Step(
        _name(before, after),
        _sentence(after),
        functools.partial(judge, after),
        functools.partial(judge, before),
        lambda forward: session.judged(turn, after if forward else before),
    )


def _name(before: Judgement, after: Judgement) -> str:
    return "Rewording an Answer" if before.wanted != after.wanted else "Judging an Answer"


def _sentence(judgement: Judgement) -> str:
    if judgement.is_empty:
        return "The answer is not judged any more."
    if judgement.wanted:
        return "Kept what you would have said. Settings lists it with the others."
    kind = "good" if judgement.verdict > 0 else "bad"
    return f"Kept as a {kind} answer. Settings lists it with the others."


def passage_of(source: Citation, db: sqlite3.Connection) -> str:
    """The words of a citation as they are in its note now."""
    passage = " ".join(Notes(db).text(source.note)[source.start : source.end].split())
    short = passage[:_LONGEST_PASSAGE].rstrip()
    return revealed(short if short == passage else f"{short}…")


def _tell(chip: SourceChip, passage: str) -> None:
    if passage and shiboken6.isValid(chip):
        chip.show_passage(passage)
