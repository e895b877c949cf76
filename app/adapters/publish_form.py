"""What a person says about an adapter before it is published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.style import Size, Space, sized
from app.text.error_text import trouble
from app.widgets.labels import button, label, lean, paragraph
from app.widgets.text_fields import LineField, TextField
from mlx_backend.catalogue.adapter_licences import adapter_licence, chosen_licence
from mlx_backend.catalogue.repository_names import repository_to_publish
from mlx_backend.errors import OvernightError

PUBLISH, PUBLISH_NEW = "Publish", "Publish New Version"

_WHERE = "Repository on the Hugging Face Hub"
_WORDS = "What was it trained on, in your words?"
_WORDS_TOLD = "This stands on its page, for all who may see that. It may stay empty."
_LICENCE = "Licence, as the Hub names it"
_PRIVATE, _PUBLIC = "Private: only you can see it", "Public: everybody can see and download it"
_FIRST = "Before anything is sent, it is looked through for what is private."


@dataclass(frozen=True)
class Draft:
    """What was typed and chosen. licence: "" for the one that follows from the base's."""

    repository: str
    description: str = ""
    is_private: bool = True
    licence: str = ""


class PublishForm(QWidget):
    """Fields for a `Draft`, and the button that publishes."""

    wanted = Signal(object)
    """Publish according to this Draft, whose repository and licence are possible ones."""

    cancelled = Signal()
    """Publish nothing; what was typed stays."""

    def __init__(self) -> None:
        super().__init__()
        self._base_licence: str | None = None
        self.repository = _line(_WHERE)
        self.repository.setPlaceholderText("NAME or OWNER/NAME")
        self.description = _text(_WORDS)
        self.description.setAccessibleDescription(_WORDS_TOLD)
        self.private = QRadioButton(_PRIVATE)
        self.public = QRadioButton(_PUBLIC)
        self._who = QButtonGroup(self)
        for choice in (self.private, self.public):
            self._who.addButton(choice)
        self.licence_told = paragraph(kind="quiet")
        self.licence = _line(_LICENCE)
        self.licence.setPlaceholderText("cc-by-nc-4.0")
        self._licence_caption = _caption(_LICENCE, self.licence)
        self.problem = paragraph(kind="warning")
        self.publish = button(PUBLISH)
        self.cancel = button("Cancel", "link")
        self._lay_out()
        self.show_draft(Draft(""))
        self.show_licence(None)
        self.problem.hide()
        for field in (self.repository, self.licence):
            field.textChanged.connect(self._forget_problem)
            field.returnPressed.connect(self._ask)
        self.publish.clicked.connect(self._ask)
        self.cancel.clicked.connect(self.cancelled)

    def draft(self) -> Draft:
        """What the fields say now."""
        return Draft(
            self.repository.text().strip(),
            self.description.toPlainText().strip(),
            self.private.isChecked(),
            self.licence.text().strip(),
        )

    def show_draft(self, draft: Draft) -> None:
        """Fill the fields."""
        self.repository.setText(draft.repository)
        self.description.setPlainText(draft.description)
        (self.private if draft.is_private else self.public).setChecked(True)
        self.licence.setText(draft.licence)
        self._forget_problem()

    def show_licence(self, base_licence: str | None) -> None:
        """Ask for a licence where none follows from the base's; None: that is not known yet."""
        self._base_licence = base_licence
        rule = None if base_licence is None else adapter_licence(base_licence)
        is_open = rule is not None and rule.default is None
        for part in (self._licence_caption, self.licence):
            part.setVisible(is_open)
        told = "" if rule is None else rule.because
        if rule is not None and rule.default is not None:
            told = f"Its licence will be {rule.default}. {told}"
        self.licence_told.setText(told)
        self.licence_told.setVisible(bool(told))

    def show_action(self, is_published: bool) -> None:
        """Name the button after what it does."""
        self.publish.setText(PUBLISH_NEW if is_published else PUBLISH)

    def take_focus(self) -> None:
        """Put the focus on the first field."""
        self.repository.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _ask(self) -> None:
        draft = self.draft()
        try:
            repository_to_publish(draft.repository)
            if self._base_licence is not None:
                chosen_licence(self._base_licence, draft.licence)
        except OvernightError as error:
            self.problem.setText(trouble(error))
            self.problem.show()
        else:
            self.wanted.emit(draft)

    def _forget_problem(self) -> None:
        self.problem.hide()

    def _groups(self) -> Iterator[tuple[QWidget, ...]]:
        yield _caption(_WHERE, self.repository), self.repository
        told = paragraph(_WORDS_TOLD, "quiet")
        yield _caption(_WORDS, self.description), self.description, told
        yield self.private, self.public
        yield self._licence_caption, self.licence, self.licence_told
        yield paragraph(_FIRST, "quiet"), self.problem

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, Space.ONE, 0, Space.ONE)
        column.setSpacing(Space.TWO)
        for parts in self._groups():
            group = QVBoxLayout()
            group.setSpacing(Space.HALF)
            for part in parts:
                group.addWidget(part)
            column.addLayout(group)
        row = QHBoxLayout()
        row.setSpacing(Space.ONE)
        row.addWidget(self.publish)
        row.addWidget(self.cancel)
        row.addStretch()
        column.addLayout(row)


def _line(name: str) -> QLineEdit:
    field = LineField()
    field.setAccessibleName(name)
    sized(field, lambda it: it.setFixedHeight(Size.CONTROL))
    return field


def _text(name: str) -> TextField:
    field = TextField()
    field.setProperty("kind", "field")
    field.setAccessibleName(name)
    field.setTabChangesFocus(True)
    sized(field, lambda it: it.setFixedHeight(Size.FIELD_LEAST))
    field.textChanged.connect(lambda: lean(field))
    return field


def _caption(text: str, field: QWidget) -> QLabel:
    made = label(text, "strong")
    made.setWordWrap(True)
    made.setBuddy(field)
    return made
