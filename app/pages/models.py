"""Models: what tonight's training can start from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import words
from app.background import Background
from app.directions import isolated
from app.preferences import Preferences
from app.style import Size, Space, inset, sized
from app.widgets.text import hairline, label, on_button, paragraph, tip
from mlx_backend.library.models import STARTER, BaseModel, list_models

_STARTER_TITLE = "SmolLM2 135M Instruct"
_STARTER_HELP = (
    "The starter: a small model. It is quick to train and good for trying Overnight; it forgets and"
    " mixes up more than a large one."
)
_STARTER_COMING = "Comes with Overnight. It is made ready by itself at the first training or chat."


class ModelsPage(QWidget):
    """One row a base model, and a mark at the one that tonight uses."""

    def __init__(self, background: Background, preferences: Preferences, folder: Path) -> None:
        super().__init__()
        self._background = background
        self._preferences = preferences
        self._folder = folder
        self._shown: list[BaseModel] | None = None
        self.choices = QButtonGroup(self)
        self.choices.idClicked.connect(self._choose)
        self._names: list[str] = []
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        content = QWidget()
        sized(content, lambda it: it.setMaximumWidth(Size.READING + 2 * Space.FOUR))
        column = QVBoxLayout(content)
        inset(column, Space.FOUR)
        column.setSpacing(Space.TWO)
        column.addWidget(label("Models", "title"))
        column.addWidget(
            paragraph("Training starts from one of these. Choose the one for tonight.", "quiet")
        )
        column.addLayout(self._rows)
        column.addStretch()
        scroll = QScrollArea()
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the choices
        scroll.setWidget(content)
        scroll.setWidgetResizable(True)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        preferences.changed.connect(self._mark)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Look which models there are."""
        self._background.call(lambda _: list_models(self._folder), self._show)

    def _show(self, models: list[BaseModel]) -> None:
        if models == self._shown:
            return
        self._shown = models
        self._clear()
        if not any(model.card.name == STARTER for model in models):
            self._add(STARTER, _STARTER_TITLE, _STARTER_COMING, _STARTER_HELP)
        for model in models:
            extra = _STARTER_HELP if model.card.name == STARTER else ""
            choice = self._add(model.card.name, model.card.title, _facts(model), extra)
            choice.setToolTip(tip(_large(model)))
        self._mark()

    def _add(self, name: str, title: str, facts: str, extra: str) -> QRadioButton:
        choice = QRadioButton(on_button(isolated(title)))
        choice.setProperty("kind", "strong")
        choice.setAccessibleDescription(f"{facts} {extra}")
        self.choices.addButton(choice, len(self._names))
        self._names.append(name)
        row = QFrame()
        layout = QVBoxLayout(row)
        layout.setContentsMargins(0, Space.TWO, 0, Space.TWO)
        layout.setSpacing(Space.HALF)
        top = QHBoxLayout()
        top.addWidget(choice)
        top.addStretch()
        tonight = label("Used tonight", "small")
        choice.toggled.connect(tonight.setVisible)
        tonight.setVisible(False)
        top.addWidget(tonight)
        layout.addWidget(hairline())
        layout.addSpacing(Space.TWO)
        layout.addLayout(top)
        for text in filter(None, (facts, extra)):
            line = paragraph(text, "quiet")
            line.setIndent(Space.THREE)
            layout.addWidget(line)
        self._rows.addWidget(row)
        return choice

    def _clear(self) -> None:
        self._names.clear()
        for choice in self.choices.buttons():
            self.choices.removeButton(choice)
        while (item := self._rows.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.deleteLater()

    def _choose(self, number: int) -> None:
        self._preferences.change(base_model=self._names[number])

    def _mark(self) -> None:
        chosen = self._preferences.settings.base_model
        if chosen in self._names:
            self.choices.button(self._names.index(chosen)).setChecked(True)


def _facts(model: BaseModel) -> str:
    fits = "Fits this computer" if model.fits else "Too large to train on this computer"
    licence = f"Licence {model.card.licence}" if model.card.licence else ""
    return " · ".join(filter(None, (fits, f"{words.size(model.bytes)} on the disk", licence)))


def _large(model: BaseModel) -> str:
    """How large a model is, for those to whom that says something."""
    millions = model.card.parameters / 1e6
    if millions >= 1000:
        return f"{words.number(millions / 1000, 1)} billion parameters"
    return f"{words.number(millions)} million parameters"
