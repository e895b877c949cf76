"""What the chat page remembers until the next window: drafts, and who answers."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTimer

from app.library.background import Background
from app.text.clean_text import clean
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.json_file import change_object, mend, read_object, readable
from mlx_backend.library.conversations import ConversationSettings
from mlx_backend.library.turns import Attachment

_PAUSE_MS = 400
_NEW = "new"
_EDITED = "edited "


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    conversation: int | None = None
    has_chosen: bool = False
    adapter: str | None = None
    model: str = ""
    compare: bool = False
    grounded: bool = True
    thinks: bool = False
    details: bool = False
    settings: ConversationSettings = ConversationSettings()
    attached: dict[str, tuple[Attachment, ...]] = {}
    drafts: dict[str, str] = {}


class DraftsAndChoices(QObject):
    """Kept in a small file, written in the background soon after each change."""

    def __init__(self, path: Path, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._background = background
        self._remembered = _read(path)
        self._changed: set[str] = set()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self.flush)
        background.call(functools.partial(_mend, path), self._take_mended)

    @property
    def conversation(self) -> int | None:
        """The conversation that was open last."""
        return self._remembered.conversation

    @property
    def has_chosen(self) -> bool:
        """Whether the person ever said who is to answer."""
        return self._remembered.has_chosen

    @property
    def adapter(self) -> str | None:
        """Who was to answer; None is a base model."""
        return self._remembered.adapter

    @property
    def model(self) -> str:
        """The base model that was to answer where no adapter was; "" is tonight's."""
        return self._remembered.model

    @property
    def compare(self) -> bool:
        """Whether the base model was to answer too."""
        return self._remembered.compare

    @property
    def grounded(self) -> bool:
        """Whether answers were to be looked up in the notes."""
        return self._remembered.grounded

    @property
    def thinks(self) -> bool:
        """Whether a model that can was to think before it answers."""
        return self._remembered.thinks

    def draft(self, conversation: int | None) -> str:
        """What was typed in a conversation (None: the new one) and not sent yet."""
        return self._remembered.drafts.get(_key(conversation), "")

    def set_draft(self, conversation: int | None, text: str) -> None:
        """Remember a draft; an empty one is forgotten."""
        drafts = {**self._remembered.drafts, _key(conversation): clean(text)}
        self._change(drafts={key: draft for key, draft in drafts.items() if draft})

    @property
    def edits(self) -> dict[int, str]:
        """The texts of all questions that are being changed, by their ids."""
        drafts = self._remembered.drafts.items()
        edits = ((key.removeprefix(_EDITED), text) for key, text in drafts if _EDITED in key)
        return {int(question): text for question, text in edits if question.isdecimal()}

    def set_edit(self, question: int, text: str | None) -> None:
        """Remember to what a question is being changed; None ends that."""
        key = f"{_EDITED}{question}"
        drafts = {k: draft for k, draft in self._remembered.drafts.items() if k != key}
        self._change(drafts=drafts if text is None else {**drafts, key: clean(text)})

    def attached(self, conversation: int | None) -> tuple[Attachment, ...]:
        """What is attached to the question that is not sent yet."""
        return self._remembered.attached.get(_key(conversation), ())

    def set_attached(self, conversation: int | None, attached: tuple[Attachment, ...]) -> None:
        """Remember what is attached."""
        of_all = {**self._remembered.attached, _key(conversation): attached}
        self._change(attached={key: each for key, each in of_all.items() if each})

    @property
    def shows_details(self) -> bool:
        """Whether the panel Details was open."""
        return self._remembered.details

    def set_shows_details(self, shown: bool) -> None:
        """Remember whether the panel Details is open."""
        self._change(details=shown)

    @property
    def settings(self) -> ConversationSettings:
        """What the next new conversation has set for itself."""
        return self._remembered.settings

    def set_settings(self, settings: ConversationSettings) -> None:
        """Remember what the next new conversation has set for itself."""
        self._change(settings=settings)

    def set_conversation(self, conversation: int | None) -> None:
        """Remember which conversation is open."""
        self._change(conversation=conversation)

    def set_answerer(self, adapter: str | None, compare: bool, model: str = "") -> None:
        """Remember who is to answer; `model` is the base model where `adapter` is None."""
        self._change(has_chosen=True, adapter=adapter, compare=compare, model=model)

    def set_grounded(self, grounded: bool) -> None:
        """Remember whether answers are looked up in the notes."""
        self._change(grounded=grounded)

    def set_thinks(self, thinks: bool) -> None:
        """Remember whether a model that can thinks before it answers."""
        self._change(thinks=thinks)

    def flush(self) -> None:
        """Write what has changed without waiting for a pause."""
        self._pause.stop()
        if self._changed:
            now = {name: getattr(self._remembered, name) for name in self._changed}
            save = functools.partial(_save, self._path, now)
            self._background.keep("chat", save, functools.partial(self._take_saved, now))

    def _change(self, **fields: object) -> None:
        changed = msgspec.structs.replace(self._remembered, **fields)
        if changed != self._remembered:
            self._remembered = changed
            self._changed |= fields.keys()
            if not self._pause.isActive():  # who types without a pause is not to lose it either
                self._pause.start()

    def _take_saved(self, saved: dict[str, object], _: None) -> None:
        self._changed = {
            name
            for name in self._changed
            if name not in saved or getattr(self._remembered, name) != saved[name]
        }

    def _take_mended(self, put_aside: Path | None) -> None:
        if put_aside is not None:
            told = OvernightError(
                ErrorKind.UNREADABLE,
                "The file with your unsent questions was damaged.",
                f"What could be read is restored; the damaged file is kept as {put_aside}.",
            )
            self._background.failed.emit(told)


def _key(conversation: int | None) -> str:
    return _NEW if conversation is None else str(conversation)


def _read(path: Path) -> _Remembered:
    try:
        found = read_object(path, _Remembered.__struct_fields__)
    except OSError:
        return _Remembered()
    return readable(found.fields, _Remembered)


def _save(path: Path, fields: dict[str, object], _: sqlite3.Connection) -> None:
    change_object(path, fields, _Remembered.__struct_fields__)


def _mend(path: Path, _: sqlite3.Connection) -> Path | None:
    try:
        return mend(path, _Remembered.__struct_fields__)
    except OSError:
        return None  # it stays as it is until it can be put aside
