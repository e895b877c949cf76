"""One sample: what it asks and answers, to be changed in place, and what becomes of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from app.notes.samples import descriptions
from app.style import Size, Space, sized
from app.text.clean_text import clean
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, label, lean, on_button, paragraph
from app.widgets.text_fields import TextField
from mlx_backend.library.stored_samples import StoredSample


class SampleEditor(QWidget):
    """What is typed is kept as soon as the person turns to something else."""

    edited = Signal(object, str, str)
    """The StoredSample as it was, and its prompt and answer as they are to be."""

    use_wanted = Signal(object, bool)
    """The StoredSample is to be used, or to be left out."""

    place_wanted = Signal(object)
    """Show where in its note the StoredSample is from."""

    def __init__(self) -> None:
        super().__init__()
        self._sample: StoredSample | None = None
        self._saved: tuple[str, ...] = ()
        self.state = paragraph(kind="quiet")
        self.prompt = _field("What the sample asks")
        self.answer = _field("What the sample answers")
        self.quote = paragraph(kind="quiet")
        self.toggle = button("Leave Out")
        self.open = button("Show in Note")
        self._page = QWidget()
        self._lay_out()
        self.toggle.clicked.connect(self._toggle)
        self.open.clicked.connect(lambda: self.place_wanted.emit(self._sample))
        for field in (self.prompt, self.answer):
            field.installEventFilter(self)

    @property
    def sample(self) -> StoredSample | None:
        """The sample on show, as it was read."""
        return self._sample

    def show_sample(self, sample: StoredSample | None) -> None:
        """Show another sample, or what became of this one. What is being typed stays."""
        is_other = sample is None or self._sample is None or sample.id != self._sample.id
        if is_other:
            self.save()
        is_typed = not is_other and self._is_changed()
        self._sample = sample
        if not is_typed:
            self._saved = ()
        self._page.setVisible(sample is not None)
        if sample is None:
            return
        if not is_typed:
            _fill(self.prompt, sample.prompt)
            _fill(self.answer, sample.answer)
        self.state.setText(descriptions.state_help(sample))
        self.quote.setText(f"“{sample.quote.strip()}”")
        self.quote.setVisible(bool(sample.quote.strip()))
        self.open.setText(on_button(f"Show in “{_short(sample.note_title)}”"))
        self.toggle.setText("Leave Out" if sample.is_used else "Use for Training")

    def save(self) -> None:
        """Keep what was typed; an emptied field gets back what it had."""
        sample = self._sample
        if sample is None or not self._is_changed() or self._typed() == self._saved:
            return
        prompt, answer = self._typed()
        if prompt and answer:
            self._saved = (prompt, answer)
            self.edited.emit(sample, prompt, answer)
        else:
            _fill(self.prompt, prompt or sample.prompt)
            _fill(self.answer, answer or sample.answer)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.save()
        return super().eventFilter(watched, event)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.save()

    def _is_changed(self) -> bool:
        sample = self._sample
        if sample is None:
            return False
        return self._typed() != (sample.prompt.strip(), sample.answer.strip())

    def _typed(self) -> tuple[str, str]:
        prompt, answer = self.prompt.toPlainText(), self.answer.toPlainText()
        return clean(prompt).strip(), clean(answer).strip()

    def _toggle(self) -> None:
        self.save()
        if self._sample is not None:
            self.use_wanted.emit(self._sample, not self._sample.is_used)

    def _lay_out(self) -> None:
        actions = QWidget()
        flow = FlowLayout(actions, Space.ONE)
        flow.addWidget(self.toggle)
        flow.addWidget(self.open)
        layout = QVBoxLayout(self._page)
        layout.setContentsMargins(Space.THREE, Space.TWO, Space.FOUR, Space.ONE)
        layout.setSpacing(Space.HALF)
        layout.addWidget(self.state)
        layout.addSpacing(Space.ONE)
        layout.addWidget(label("It asks", "section"))
        layout.addWidget(self.prompt)
        layout.addSpacing(Space.ONE)
        layout.addWidget(label("It answers", "section"))
        layout.addWidget(self.answer, 1)
        layout.addSpacing(Space.ONE)
        layout.addWidget(label("The note says", "section"))
        layout.addWidget(self.quote)
        layout.addSpacing(Space.ONE)
        layout.addWidget(actions)
        layout.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._page)
        self._page.hide()


def _field(name: str) -> QPlainTextEdit:
    field = TextField()
    field.setProperty("kind", "field")
    field.setAccessibleName(name)
    field.setTabChangesFocus(True)
    sized(field, lambda it: it.setMinimumHeight(Size.FIELD_LEAST))
    sized(field, lambda it: it.setMaximumHeight(Size.FIELD_MOST))
    field.textChanged.connect(lambda: lean(field))
    return field


def _fill(field: QPlainTextEdit, text: str) -> None:
    if field.toPlainText() != text:
        field.setPlainText(text)


def _short(title: str) -> str:
    one_line = " ".join(title.split())
    return one_line if len(one_line) <= 32 else f"{one_line[:31].rstrip()}…"
