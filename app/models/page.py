"""Models: what tonight's training can start from."""

from __future__ import annotations

import functools

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QMenu,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.library.deletions import Change
from app.services import Services
from app.style import Size, Space, inset, sized
from app.text import amounts
from app.text.directions import isolated
from app.widgets.deletable_list import DeleteKeys, PressedOnce, add_delete, neighbour
from app.widgets.labels import button, hairline, label, on_button, paragraph, tip
from app.widgets.reveal import SHOW, reveal
from app.widgets.undo_bar import UndoBar
from mlx_backend.library.models import STARTER, BaseModel, list_models

_STARTER_TITLE = "SmolLM2 135M Instruct"
_STARTER_HELP = (
    "The starter: a small model. It is quick to train and good for trying Overnight; it forgets and"
    " mixes up more than a large one."
)
_STARTER_COMING = "Comes with Overnight. It is made ready by itself at the first training or chat."


class ModelsPage(QWidget):
    """One row a base model, and a mark at the one that tonight uses."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._background = services.background
        self._preferences = services.preferences
        self._deletions = services.deletions
        self._folder = services.library.models
        self._shown: list[BaseModel] | None = None
        self._wanted = ""
        self._used_before = ""
        self.undo_bar = UndoBar(services.history)
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
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(self.undo_bar)
        self._preferences.changed.connect(self._mark)
        self._deletions.changed.connect(self._take_change)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are offered, in order."""
        return tuple(self._names)

    def button_of(self, name: str) -> QAbstractButton:
        """The button that chooses a model."""
        return self.choices.button(self._names.index(name))

    def refresh(self) -> None:
        """Look which models there are."""
        self._background.call(lambda _: list_models(self._folder), self._show)

    def _show(self, models: list[BaseModel]) -> None:
        if models == self._shown:
            return
        self._shown = models
        self._clear()
        if not any(model.card.name == STARTER for model in models):
            self._add(STARTER, _STARTER_TITLE, (_STARTER_COMING, _STARTER_HELP))
        for model in models:
            extra = _STARTER_HELP if model.card.name == STARTER else ""
            lines = (_facts(model), extra)
            self._add(model.card.name, model.card.title, lines, model)
        self._mark()
        self._focus_wanted()

    def _add(
        self, name: str, title: str, lines: tuple[str, str], model: BaseModel | None = None
    ) -> None:
        choice = QRadioButton(on_button(isolated(title)))
        choice.setProperty("kind", "strong")
        if model is not None:
            choice.setToolTip(tip(_large(model)))
        choice.setAccessibleDescription(" ".join(lines))
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
        if model is not None:
            top.addWidget(self._delete_button(choice, model))
        layout.addWidget(hairline())
        layout.addSpacing(Space.TWO)
        layout.addLayout(top)
        for text in filter(None, lines):
            line = paragraph(text, "quiet")
            line.setIndent(Space.THREE)
            layout.addWidget(line)
        self._rows.addWidget(row)

    def _delete_button(self, choice: QRadioButton, model: BaseModel) -> QWidget:
        """A way to delete a model by mouse; its radio button hears the keys and has a menu."""
        delete = button("Delete", "link")
        delete.setAccessibleName(f"Delete {model.card.title}")
        PressedOnce(delete)
        delete.clicked.connect(functools.partial(self._delete, model))
        DeleteKeys(choice).pressed.connect(functools.partial(self._delete, model))
        choice.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        choice.customContextMenuRequested.connect(functools.partial(self._open_menu, model, choice))
        return delete

    def _open_menu(self, model: BaseModel, choice: QRadioButton, point: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(SHOW, functools.partial(reveal, model.path))
        menu.addSeparator()
        add_delete(menu).triggered.connect(lambda _: self._delete(model))
        menu.popup(choice.mapToGlobal(point))

    def _delete(self, model: BaseModel) -> None:
        name = model.card.name
        row = self._names.index(name)
        beside = neighbour([(row, row)], len(self._names))
        if beside is not None and self.choices.button(row).hasFocus():
            self._wanted = self._names[beside]
            self.choices.button(beside).setFocus()
        self._deletions.delete("model", [name], model.card.title)

    def _take_change(self, change: Change) -> None:
        if change.kind != "model":
            return
        chosen = self._preferences.settings.base_model
        if not change.is_back and chosen in change.keys:
            self._used_before = chosen
            self._preferences.change(base_model=STARTER)
        elif change.is_back and change.keys:
            self._wanted = str(change.keys[0])
            if self._used_before in change.keys:
                self._preferences.change(base_model=self._used_before)
                self._used_before = ""
        self.refresh()

    def _focus_wanted(self) -> None:
        wanted, self._wanted = self._wanted, ""
        if wanted in self._names and self.isVisible():
            self.choices.button(self._names.index(wanted)).setFocus()

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
        present = chosen if chosen in self._names else STARTER
        if present in self._names:
            self.choices.button(self._names.index(present)).setChecked(True)


def _facts(model: BaseModel) -> str:
    fits = "Fits this computer" if model.fits else "Too large to train on this computer"
    licence = f"Licence {model.card.licence}" if model.card.licence else ""
    return " · ".join(filter(None, (fits, f"{amounts.size(model.bytes)} on the disk", licence)))


def _large(model: BaseModel) -> str:
    """How large a model is, for those to whom that says something."""
    millions = model.card.parameters / 1e6
    if millions >= 1000:
        return f"{amounts.number(millions / 1000, 1)} billion parameters"
    return f"{amounts.number(millions)} million parameters"
