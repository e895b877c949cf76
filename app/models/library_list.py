"""The base models of the library, and which of them tonight's training starts from."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QLabel, QMenu, QRadioButton, QWidget

from app.library.base_models import STARTER_TITLE, called_of
from app.models.model_words import STARTER_COMING, STARTER_HELP, how_large, is_untried, lines_of
from app.models.rows import Row, RowList
from app.style import Space
from app.text.directions import isolated
from app.widgets.deletable_list import DeleteKeys, PressedOnce, add_delete, neighbour
from app.widgets.labels import button, label, on_button, tip
from app.widgets.reveal import SHOW, reveal
from mlx_backend.library.models import STARTER, BaseModel


class LibraryList(RowList):
    """One row a base model, and a mark at the one that tonight uses."""

    chosen = Signal(str)
    """The person chose the base model of this name."""

    delete_wanted = Signal(object)
    """Delete this BaseModel."""

    trial_wanted = Signal(object)
    """Try out the model in the folder of this Path, which was not done when it came."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[BaseModel] | None = None
        self._names: list[str] = []
        self._wanted = ""
        self._told: dict[str, str] = {}
        self._told_lines: dict[str, QLabel] = {}
        self._trials: dict[str, QAbstractButton] = {}
        self._states: Mapping[str, str] = {}
        self.choices = QButtonGroup(self)
        self.choices.idClicked.connect(lambda number: self.chosen.emit(self._names[number]))

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are offered, in order."""
        return tuple(self._names)

    def button_of(self, name: str) -> QAbstractButton:
        """The button that chooses a model."""
        return self.choices.button(self._names.index(name))

    def show_models(self, models: Sequence[BaseModel], chosen: str) -> None:
        """Show these, with a mark at `chosen`, at the starter where that is not there."""
        if list(models) != self._shown:
            self._shown = list(models)
            self._make_rows(models)
        self.mark(chosen)
        self._focus_wanted()

    def mark(self, chosen: str) -> None:
        """Mark the model that tonight uses."""
        present = chosen if chosen in self._names else STARTER
        if present in self._names:
            self.button_of(present).setChecked(True)

    def want_focus(self, name: str) -> None:
        """Put the focus on a model as soon as it is shown."""
        self._wanted = name

    def tell(self, name: str, words: str) -> None:
        """Say something below a model until it is forgotten; also of one that is not shown yet."""
        self._told[name] = words
        self._show_told()

    def forget_told(self) -> None:
        """What was said has been read."""
        self._told.clear()
        self._show_told()

    def told_of(self, name: str) -> QLabel:
        """The line that says it."""
        return self._told_lines[name]

    def trial_of(self, name: str) -> QAbstractButton:
        """The button that tries a model out which was not tried yet."""
        return self._trials[name]

    def show_states(self, states: Mapping[str, str]) -> None:
        """Hide the button of a trial that is under way. states: by the path of a folder."""
        self._states = dict(states)
        for model in self._shown or ():
            if model.card.name in self._trials:
                self._trials[model.card.name].setVisible(str(model.path) not in states)

    def _show_told(self) -> None:
        for name, line in self._told_lines.items():
            line.setText(self._told.get(name, ""))
            line.setVisible(bool(line.text()))

    def _make_rows(self, models: Sequence[BaseModel]) -> None:
        for choice in self.choices.buttons():
            self.choices.removeButton(choice)
        for kept in (self._names, self._told_lines, self._trials):
            kept.clear()
        rows: list[QWidget] = []
        if not any(model.card.name == STARTER for model in models):
            rows.append(self._make_row(STARTER, STARTER_TITLE, (STARTER_COMING, STARTER_HELP)))
        for model in models:
            rows.append(self._make_row(model.card.name, called_of(model), lines_of(model), model))
        self.show_rows(rows)
        self._show_told()
        self.show_states(self._states)

    def _make_row(
        self, name: str, title: str, lines: Sequence[str], model: BaseModel | None = None
    ) -> Row:
        choice = QRadioButton(on_button(isolated(title)))
        choice.setProperty("kind", "strong")
        choice.setAccessibleDescription(" ".join(lines))
        self.choices.addButton(choice, len(self._names))
        self._names.append(name)
        row = Row(choice)
        tonight = label("Used tonight", "small")
        choice.toggled.connect(tonight.setVisible)
        tonight.setVisible(False)
        row.controls.addWidget(tonight)
        if model is not None:
            choice.setToolTip(tip(how_large(model)))
            if is_untried(model):
                row.controls.addWidget(self._trial_button(model))
            row.controls.addWidget(self._delete_button(choice, model))
        for line in lines:
            row.add_line(line, indent=Space.THREE)
        self._told_lines[name] = row.add_text()
        self._told_lines[name].setIndent(Space.THREE)
        return row

    def _trial_button(self, model: BaseModel) -> QWidget:
        trial = button("Try It Out", "link")
        trial.setAccessibleName(f"Try {called_of(model)} out")
        trial.clicked.connect(functools.partial(self.trial_wanted.emit, model.path))
        self._trials[model.card.name] = trial
        return trial

    def _delete_button(self, choice: QRadioButton, model: BaseModel) -> QWidget:
        """A way to delete a model by mouse; its radio button hears the keys and has a menu."""
        delete = button("Delete", "link")
        delete.setAccessibleName(f"Delete {called_of(model)}")
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
        row = self._names.index(model.card.name)
        beside = neighbour([(row, row)], len(self._names))
        if beside is not None and self.choices.button(row).hasFocus():
            self._wanted = self._names[beside]
            self.choices.button(beside).setFocus()
        self.delete_wanted.emit(model)

    def _focus_wanted(self) -> None:
        wanted, self._wanted = self._wanted, ""
        if wanted in self._names and self.isVisible():
            self.button_of(wanted).setFocus()
