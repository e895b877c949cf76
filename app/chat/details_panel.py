"""Behind Details: what the model is told first, and how its words are drawn."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.chat.answerer import LARGEST_SEED
from app.style import Size, Space, sized
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, label
from app.widgets.number_fields import DecimalField, WholeField
from app.widgets.text_fields import TextField
from mlx_backend.library.conversations import ConversationSettings
from mlx_backend.settings import Settings

_LINES = 3
_ANY_SEED = -1
_SEED = (
    "With the same seed, question and model, the answer is the same. Automatic: another one for"
    " each question, kept with the answer."
)


class DetailsPanel(QFrame):
    """Fields for a ConversationSettings; what is as everywhere follows the page Settings."""

    changed = Signal(object)
    """The ConversationSettings as the person has them now."""

    def __init__(self) -> None:
        super().__init__()
        self._usual = Settings()
        self._own = ConversationSettings()
        self.system = TextField()
        self.system.setProperty("kind", "field")
        self.system.setTabChangesFocus(True)
        self.system.setPlaceholderText("For example: Answer in two sentences, in plain English.")
        self.system.setAccessibleName("What the model is told first")
        sized(self.system, lambda it: it.setFixedHeight(_LINES * Size.BAR_ROW))
        self.temperature = _decimal(0, 2)
        self.top_p = _decimal(0.01, 1)
        self.longest = WholeField()
        self.longest.setRange(16, 4096)
        self.longest.setSingleStep(64)
        self.seed = WholeField()
        self.seed.setRange(_ANY_SEED, LARGEST_SEED)
        self.seed.setSpecialValueText("Automatic")
        self.seed.setToolTip(_SEED)
        self.reset = button("Back to Defaults", "link")
        self.reset.clicked.connect(self._reset)
        self.system.textChanged.connect(self._take)
        for field in (self.temperature, self.top_p, self.longest, self.seed):
            field.valueChanged.connect(self._take)
        self._lay_out()
        self.hide()

    def show_settings(self, own: ConversationSettings, usual: Settings) -> None:
        """Show what a conversation has set itself, and elsewhere what is usual."""
        self._own, self._usual = own, usual
        fields = (self.system, self.temperature, self.top_p, self.longest, self.seed)
        blockers = [QSignalBlocker(field) for field in fields]
        if self.system.toPlainText() != own.system:
            self.system.setPlainText(own.system)
        self.temperature.setValue(_or(own.temperature, usual.temperature))
        self.top_p.setValue(_or(own.top_p, usual.top_p))
        self.longest.setValue(int(_or(own.max_tokens, usual.max_tokens)))
        self.seed.setValue(_ANY_SEED if own.seed is None else own.seed)
        del blockers
        self.reset.setEnabled(own != ConversationSettings())

    def _take(self) -> None:
        seed, longest = self.seed.value(), self.longest.value()
        own = ConversationSettings(
            system=self.system.toPlainText(),
            temperature=_unless(self.temperature.value(), self._usual.temperature),
            top_p=_unless(self.top_p.value(), self._usual.top_p),
            max_tokens=None if longest == self._usual.max_tokens else longest,
            seed=None if seed == _ANY_SEED else seed,
        )
        if own != self._own:
            self._own = own
            self.reset.setEnabled(own != ConversationSettings())
            self.changed.emit(own)

    def _reset(self) -> None:
        self.show_settings(ConversationSettings(), self._usual)
        self.changed.emit(self._own)

    def _lay_out(self) -> None:
        self.setProperty("kind", "details")
        told = label("What the model is told first", "small")
        told.setBuddy(self.system)
        numbers = QWidget()
        flow = FlowLayout(numbers, Space.TWO, Space.ONE)
        for text, field in (
            ("Temperature", self.temperature),
            ("Top-p", self.top_p),
            ("Longest answer, in tokens", self.longest),
            ("Seed", self.seed),
        ):
            flow.addWidget(_captioned(text, field))
        foot = QHBoxLayout()
        foot.addWidget(label("For this conversation only.", "small"))
        foot.addStretch()
        foot.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.FOUR, Space.TWO, Space.FOUR, Space.ONE)
        layout.setSpacing(Space.ONE)
        layout.addWidget(told)
        layout.addWidget(self.system)
        layout.addWidget(numbers)
        layout.addLayout(foot)


def _captioned(text: str, field: QWidget) -> QWidget:
    frame = QWidget()
    caption = label(text, "small")
    caption.setBuddy(field)
    field.setAccessibleName(text)
    sized(field, lambda it: it.setFixedWidth(Size.FIELD_MOST + Space.TWO))
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(Space.HALF)
    layout.addWidget(caption)
    layout.addWidget(field)
    return frame


def _decimal(least: float, most: float) -> DecimalField:
    made = DecimalField()
    made.setDecimals(2)
    made.setSingleStep(0.05)
    made.setRange(least, most)
    return made


def _or(own: float | None, usual: float) -> float:
    return usual if own is None else own


def _unless(value: float, usual: float) -> float | None:
    return None if value == usual else value
