"""The privacy page: what an adapter would give away, for the person alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.text import amounts
from app.widgets.elided import Elided
from app.widgets.fold import Fold
from app.widgets.labels import button, hairline, label, paragraph
from mlx_backend.protocol.privacy import Continuation, Exposed, PrivacyPage
from mlx_backend.protocol.privacy_words import (
    NONE_EXPOSED,
    learned,
    not_tested,
    place_of,
    planted,
    planted_title,
    rank_of,
    verdict,
)

LEAVE_OUT, PUBLISH_ANYWAY = "Leave These Notes Out", "Publish Anyway"
EXPORT_ANYWAY = "Export Anyway"

_MOST = 20
_LONGEST = 300  # characters of an example
_EXAMPLES = "Examples From Your Notes"
_FOR_YOU = (
    "How base model and adapter go on where your most private passages begin. This is shown to you"
    " alone, and sent nowhere."
)
_LEAVING_OUT = (
    "Training will not see these notes again, until you use them again. The adapter itself keeps"
    " what it learned, so train a new one."
)
_FILES = "Take what was found out of the files, or rename what gave them these names."
_AGAIN = "Start it again to see the whole page."


class PrivacyView(QWidget):
    """One privacy page, with what can be done about what was found."""

    left = Signal()
    """Go back to where one came from."""

    leave_out_wanted = Signal(object)
    """Leave these notes out of training: a tuple of their ids."""

    publish_wanted = Signal()
    """Export or publish what was held back all the same."""

    def __init__(self) -> None:
        super().__init__()
        self._page: PrivacyPage | None = None
        self.back = button("Back", "link")
        self.back.setProperty("flush", True)
        self.title = Elided(kind="title")
        self.verdict = paragraph(kind="large")
        self.steps = paragraph(kind="quiet")
        self.leave_out = button(LEAVE_OUT)
        self.leave_out.setAccessibleDescription(_LEAVING_OUT)
        self.publish = button(PUBLISH_ANYWAY)
        self._body = QWidget()
        self.fold = Fold(_EXAMPLES, QWidget())
        self._column = QVBoxLayout(self)
        self._lay_out()
        self.back.clicked.connect(self.left)
        self.leave_out.clicked.connect(self._leave_out)
        self.publish.clicked.connect(self.publish_wanted)

    def show_page(self, page: PrivacyPage, anyway: str = "") -> None:
        """Show this page. anyway: what the person may do all the same with what was held back."""
        self._page = page
        self.title.setText(f"Privacy of “{page.adapter}”")
        self.title.setAccessibleName(self.title.text())
        self.verdict.setText(verdict(page))
        self._body = self._replaced(self._body, _body(page))
        steps = " ".join(_steps(page))
        self.steps.setText(steps)
        self.steps.setVisible(bool(steps))
        self.leave_out.setEnabled(True)
        self.leave_out.setVisible(bool(page.notes_to_leave_out))
        self.publish.setText(anyway)
        self.publish.setVisible(bool(anyway))
        self._show_examples(page.continuations)

    def take_focus(self) -> None:
        """Put the focus on the first thing that can be done."""
        shown = [each for each in (self.leave_out, self.back) if not each.isHidden()]
        shown[0].setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _leave_out(self) -> None:
        if self._page is not None:
            self.leave_out_wanted.emit(self._page.notes_to_leave_out)

    def _show_examples(self, examples: Sequence[Continuation]) -> None:
        fold = Fold(_EXAMPLES, _examples(examples))
        fold.button.setChecked(False)
        self._replaced(self.fold, fold)
        self.fold = fold
        self.fold.setVisible(bool(examples))

    def _replaced(self, old: QWidget, new: QWidget) -> QWidget:
        self._column.replaceWidget(old, new)
        new.show()  # now, and not when the layout gets round to it
        old.hide()
        old.deleteLater()
        return new

    def _lay_out(self) -> None:
        actions = QHBoxLayout()
        actions.setSpacing(Space.ONE)
        for action in (self.leave_out, self.publish):
            actions.addWidget(action)
        actions.addStretch()
        column = self._column
        column.setContentsMargins(Space.FOUR, Space.TWO, Space.FOUR, Space.TWO)
        column.setSpacing(Space.TWO)
        column.addWidget(self.back, alignment=Qt.AlignmentFlag.AlignLeft)
        for part in (self.title, self.verdict, hairline(), self._body, self.steps):
            column.addWidget(part)
        column.addLayout(actions)
        column.addWidget(self.fold)
        column.addStretch()


def _body(page: PrivacyPage) -> QWidget:
    """What was looked at, and what was found."""
    groups: list[list[QWidget]] = [
        [label("What was looked at", "section"), *map(paragraph, _looked_at(page))]
    ]
    if found := list(_found(page)):
        groups.append([label("What was found", "section"), *found])
    if told := list(_memorised(page)):
        groups.append([label("How much it memorises", "section"), *told])
    return _stacked([_stacked(group) for group in groups], Space.TWO)


def _memorised(page: PrivacyPage) -> Iterator[QWidget]:
    """What invented codes that were trained along showed, and how each of them ranks."""
    yield from (paragraph(amounts.regional(text)) for text in planted(page))
    for each in page.planted:
        told = f"{planted_title(each)}: {rank_of(each)}."
        yield paragraph(amounts.regional(told), "quiet")


def _looked_at(page: PrivacyPage) -> Iterator[str]:
    tested = page.tested
    if tested.files:
        yield (
            f"{amounts.count(tested.files, 'file')} ({amounts.size(tested.bytes)}), for"
            f" {amounts.number(tested.words)} of your places, names and secrets."
        )
    if page.adapter_tested:
        yield amounts.regional(learned(page))
    elif why := not_tested(page):
        yield why


def _found(page: PrivacyPage) -> Iterator[QWidget]:
    """What was found, and what was not although it was looked for."""
    found = [*_in_files(page), *_remembered(page)]
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield paragraph(f"And {amounts.number(len(found) - _MOST)} more.", "quiet")
    yield from map(paragraph, _not_found(page))


def _in_files(page: PrivacyPage) -> Iterator[QWidget]:
    for hit in page.hits:
        yield _finding(place_of(hit), _sentence(hit.what))


def _remembered(page: PrivacyPage) -> Iterator[QWidget]:
    for each in page.exposed:
        yield _finding(f"“{each.title}”", _exposed(each))
    exposed = {each.note for each in page.exposed}
    for example in (each for each in page.repeating if each.note not in exposed):
        kinds = " and ".join(example.secrets)
        told = f"Where a passage of it begins, the adapter goes on with what is private: {kinds}."
        yield _finding(f"“{example.title}”", told)


def _exposed(each: Exposed) -> str:
    allowed = ", which you let training see" if each.allowed else ""
    return amounts.regional(f"A secret of the kind {each.kind}{allowed}: {rank_of(each)}.")


def _not_found(page: PrivacyPage) -> Iterator[str]:
    if page.stopped:
        return
    if page.tested.files and not page.hits:
        yield "In the files: nothing of yours."
    if page.adapter_tested and page.tested.secrets and not page.exposed:
        yield f"In the adapter: {NONE_EXPOSED[:1].lower()}{NONE_EXPOSED[1:]}"


def _steps(page: PrivacyPage) -> Iterator[str]:
    if page.notes_to_leave_out:
        yield _LEAVING_OUT
    if page.hits:
        yield _FILES
    if page.stopped:
        yield _AGAIN


def _finding(title: str, text: str) -> QWidget:
    return _stacked([paragraph(title, "strong"), paragraph(text)], Space.HALF // 2)


def _examples(examples: Sequence[Continuation]) -> QWidget:
    return _stacked([paragraph(_FOR_YOU, "quiet"), *map(ExampleView, examples)], Space.TWO)


class ExampleView(QWidget):
    """Where a passage begins, and how base model and adapter go on."""

    def __init__(self, example: Continuation) -> None:
        super().__init__()
        self.beginning = paragraph(f"{_short(example.beginning)} …", "strong")
        self.base = paragraph(_short(example.base) or "It said nothing.", "quiet")
        self.adapter = paragraph(_short(example.adapter) or "It said nothing.")
        run = amounts.count(example.adapter_run, "word")
        of_base = amounts.number(example.base_run)
        told = f"{run} in a row as in the note; of the base model {of_base}."
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.HALF // 2)
        layout.addWidget(paragraph(f"“{example.title}”", "quiet"))
        layout.addWidget(self.beginning)
        for name, text in (("Base model", self.base), ("Adapter", self.adapter)):
            layout.addLayout(_row(name, text))
        layout.addLayout(_row("", paragraph(told, "quiet")))


def _row(name: str, text: QLabel) -> QHBoxLayout:
    # Not a grid: it makes rows with wrapped text too low.
    caption = paragraph(name, "quiet")
    sized(caption, lambda it: it.setFixedWidth(Size.COLUMN))
    row = QHBoxLayout()
    row.setSpacing(Space.ONE)
    row.addWidget(caption, alignment=Qt.AlignmentFlag.AlignTop)
    row.addWidget(text, 1)
    return row


def _stacked(parts: Sequence[QWidget], space: int = Space.ONE) -> QWidget:
    frame = QWidget()
    column = QVBoxLayout(frame)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(space)
    for part in parts:
        column.addWidget(part)
    return frame


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _short(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1].rstrip()}…"
