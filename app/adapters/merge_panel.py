"""Making one adapter of several: how much of each, and what the result is called."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.adapters.adapter_list_model import Listed
from app.style import Size, Space, sized
from app.text.error_text import in_window
from app.widgets.elided import Elided
from app.widgets.fold import Fold
from app.widgets.labels import button, hairline, label, paragraph, tip
from app.widgets.number_fields import DecimalField, WholeField
from app.widgets.tab_order import follow_layout
from app.widgets.text_fields import LineField
from mlx_backend.errors import OvernightError
from mlx_backend.library.adapter_names import (
    check_name,
    nearest_name,
    normal_name,
    same_among,
    shortened,
)
from mlx_backend.library.adapters import Adapter
from mlx_backend.protocol import WeightedAdapter

_WHAT = "Merging makes one new adapter that knows what each of these knows. These stay as they are."
_WEIGHT = "1 takes all that it learned, 0.5 half of it, 0 nothing; below 0 works against it."
_RANK = (
    "Exact loses nothing: the ranks of all add up. A lower rank makes a smaller file, which comes"
    " as close as that rank can; how close is said when it is done."
)
_EXACT = 0
_STRONGEST = 2.0
_STEP = 0.1


class MergePanel(QWidget):
    """A row for each adapter with its weight, a name, one button."""

    merge_wanted = Signal(str, tuple, int)
    """A name, the WeightedAdapters to make it of, and the rank; 0: exactly."""

    def __init__(self) -> None:
        super().__init__()
        self._chosen: tuple[Listed, ...] = ()
        self._taken: tuple[str, ...] = ()
        self._is_busy = False
        self._name_is_theirs = False
        self._weights: dict[str, float] = {}
        self._fields: list[DecimalField] = []
        self.title = label(kind="title")
        self.problem = paragraph(kind="warning")
        self.name = LineField()
        self.rank = WholeField()
        self.details = Fold("Details", self._make_details(), is_small=True)
        self.merge = button("Merge", "primary")
        self._rows = QWidget()
        self._lay_out()
        self.name.textEdited.connect(self._take_name)
        self.name.textChanged.connect(lambda _: self._update())
        self.name.returnPressed.connect(self.merge.click)
        self.merge.clicked.connect(self._merge)
        self.hide()

    @property
    def fields(self) -> list[DecimalField]:
        """The field with the weight of each."""
        return self._fields

    def show_adapters(self, chosen: Sequence[Listed], taken: Sequence[str]) -> None:
        """Offer to merge these; `taken` are the names that there are."""
        self._taken = tuple(taken)
        if tuple(chosen) != self._chosen:
            self._chosen = tuple(chosen)
            self.title.setText(f"Merge {len(chosen)} Adapters")
            self._name_is_theirs = self._name_is_theirs and bool(self.name.text().strip())
            self._fill_rows()
            self.rank.setRange(_EXACT, max(_EXACT, exact_rank(chosen) - 1))
        if not self._name_is_theirs:
            self.name.setText(suggested_name([each.name for each in chosen], taken))
        self._update()

    def show_busy(self, busy: bool) -> None:
        """Offer nothing while an adapter is being made."""
        self._is_busy = busy
        self._update()

    def forget_name(self, name: str) -> None:
        """There is an adapter called `name` now; where that was typed here, it is used up."""
        if self._typed() == name:
            self._name_is_theirs = False

    def _fill_rows(self) -> None:
        self._rows.deleteLater()
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(Space.TWO)
        grid.setVerticalSpacing(Space.ONE)
        grid.setColumnStretch(0, 1)
        self._fields = []
        for row, each in enumerate(self._chosen):
            field = self._weight_field(each)
            self._fields.append(field)
            grid.addWidget(Elided(each.name), row, 0)
            grid.addWidget(field, row, 1)
        self._column.replaceWidget(self._rows, rows)
        self._rows.hide()
        self._rows = rows
        follow_layout(self)

    def _weight_field(self, adapter: Listed) -> DecimalField:
        key = _identity(adapter)
        field = DecimalField()
        field.setRange(-_STRONGEST, _STRONGEST)
        field.setDecimals(2)
        field.setSingleStep(_STEP)
        field.setValue(self._weights.get(key, 1.0))
        field.setAccessibleName(f"Weight of {adapter.name}")
        field.setToolTip(tip(_WEIGHT))
        sized(field, lambda it: it.setFixedSize(Size.FIELD_MOST, Size.CONTROL))
        field.valueChanged.connect(lambda value: self._take_weight(key, value))
        return field

    def _take_weight(self, key: str, value: float) -> None:
        self._weights[key] = value
        self._update()

    def _take_name(self) -> None:
        self._name_is_theirs = True

    def _update(self) -> None:
        weights = [field.value() for field in self._fields]
        problem = why_not(self._chosen, weights) or name_problem(self.name.text(), self._taken)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.merge.setText("Merging…" if self._is_busy else "Merge")
        self.merge.setEnabled(not problem and not self._is_busy)

    def _merge(self) -> None:
        pairs = zip(self._chosen, self._fields, strict=True)
        parts = tuple(WeightedAdapter(name=a.name, weight=field.value()) for a, field in pairs)
        self.merge_wanted.emit(self._typed(), parts, self.rank.value())

    def _typed(self) -> str:
        return normal_name(self.name.text().strip())

    def _make_details(self) -> QWidget:
        """The rank, which few people need."""
        self.rank.setRange(_EXACT, _EXACT)
        self.rank.setSpecialValueText("Exact")
        self.rank.setAccessibleName("Rank of the result")
        self.rank.setAccessibleDescription(_RANK)
        self.rank.setToolTip(tip(_RANK))
        sized(self.rank, lambda it: it.setFixedSize(Size.SHORT_FIELD, Size.CONTROL))
        details = QWidget()
        caption = label("LoRA rank", "quiet")
        caption.setBuddy(self.rank)
        row = QHBoxLayout()
        row.setSpacing(Space.TWO)
        row.addWidget(caption)
        row.addWidget(self.rank)
        row.addStretch()
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addLayout(row)
        column.addWidget(paragraph(_RANK, "quiet"))
        return details

    def _lay_out(self) -> None:
        self.name.setAccessibleName("Name of the new adapter")
        sized(self.name, lambda it: it.setFixedHeight(Size.CONTROL))
        sized(self, lambda it: it.setMaximumWidth(Size.READING))
        caption = label("Call the result", "quiet")
        caption.setBuddy(self.name)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(Space.FOUR, Space.THREE, Space.FOUR, Space.TWO)
        self._column.setSpacing(Space.TWO)
        for part in (
            self.title,
            paragraph(_WHAT),
            hairline(),
            label("How much of each", "quiet"),
            self._rows,
            hairline(),
            caption,
            self.name,
            self.problem,
            self.details,
        ):
            self._column.addWidget(part)
        self._column.addWidget(self.merge, alignment=Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch()


def why_not(chosen: Sequence[Listed], weights: Sequence[float]) -> str:
    """Why adapters cannot be merged with these weights, "" where they can."""
    for each in chosen:
        if not isinstance(each, Adapter):
            return f"“{each.name}” is damaged, so it cannot be merged."
        if each.card.decomposed:
            return (
                f"“{each.name}” is of the kind DoRA, whose changes do not add up with those of"
                " others. Choose adapters of other kinds."
            )
    whole = [each for each in chosen if isinstance(each, Adapter)]
    if len({each.card.base_sha256 or each.card.base for each in whole}) > 1:
        return "These were trained on different base models. Choose adapters of the same one."
    if not any(weights):
        return "With all weights 0 nothing would be left. Give at least one another weight."
    return ""


def exact_rank(chosen: Sequence[Listed]) -> int:
    """The rank that the exact sum of adapters takes at most."""
    return sum(each.card.rank for each in chosen if isinstance(each, Adapter))


def name_problem(name: str, taken: Sequence[str]) -> str:
    """Why a name will not do for a new adapter, "" where it will."""
    name = name.strip()
    if not name:
        return "The adapter needs a name."
    if same_among(name, taken) is not None:
        return "There is already an adapter of this name. Choose another."
    try:
        check_name(name)
    except OvernightError as error:
        return in_window(error.hint)
    return ""


def suggested_name(names: Sequence[str], taken: Sequence[str]) -> str:
    """A free name for what is made of these: 'Journal + Work'."""
    wanted = name = nearest_name(" + ".join(names), "Merged")
    number = 1
    while same_among(name, taken) is not None:
        number += 1
        name = shortened(wanted, f" {number}")
    return name


def _identity(adapter: Listed) -> str:
    return adapter.card.id if isinstance(adapter, Adapter) else adapter.name
