"""What went wrong in the background, in one quiet line that takes neither focus nor keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from app.style import Size, sized
from app.text.error_text import trouble
from app.widgets.elided import Elided
from app.widgets.labels import button
from app.widgets.strip import close_button, lay_out_strip
from mlx_backend.errors import ErrorKind, OvernightError


@dataclass(frozen=True)
class _Notice:
    error: OvernightError
    log_path: Path | None = None
    repeats: bool = False

    @property
    def key(self) -> str:
        """Equal for errors that mean the same to the person: a full disk names many files."""
        full = self.repeats and self.error.kind is ErrorKind.DISK_FULL
        return self.error.kind.value if full else self.error.message


class Notices(QWidget):
    """Shows one error at a time, the latest first.

    The error of work that is retried is shown once until the work succeeds; any other error is
    shown each time.
    """

    details_wanted = Signal(object, object)
    """Show this OvernightError in full; with it comes the path of its log."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[_Notice] = []
        self._closed: set[str] = set()
        self.label = Elided(mode=Qt.TextElideMode.ElideRight)
        self.details = button("Details", "link")
        self.close_button = close_button()
        for each in (self.details, self.close_button):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        strip = lay_out_strip(self, self.label, self.details, self.close_button)
        sized(strip, lambda it: it.setFixedHeight(Size.STRIP))
        self.details.clicked.connect(self._tell_more)
        self.close_button.clicked.connect(self._close)
        self.hide()

    def show_error(self, error: OvernightError, log_path: Path | None = None) -> None:
        """Say that something went wrong."""
        self._add(_Notice(error, log_path))

    def show_repeated(self, error: OvernightError) -> None:
        """Say that work that is retried does not succeed, unless that was said already."""
        notice = _Notice(error, repeats=True)
        if notice.key not in self._closed:
            self._add(notice)

    def forget_repeated(self) -> None:
        """The retried work has succeeded: remove its notices."""
        self._waiting = [each for each in self._waiting if not each.repeats]
        self._closed.clear()
        self._show()

    def _add(self, notice: _Notice) -> None:
        self._waiting = [each for each in self._waiting if each.key != notice.key]
        self._waiting.append(notice)
        self._show()

    def _show(self) -> None:
        self.setVisible(bool(self._waiting))
        if self._waiting:
            error = self._waiting[-1].error
            self.label.setText(trouble(error))

    def _tell_more(self) -> None:
        if self._waiting:
            latest = self._waiting[-1]
            self.details_wanted.emit(latest.error, latest.log_path)

    def _close(self) -> None:
        if self._waiting:
            closed = self._waiting.pop()
            if closed.repeats:
                self._closed.add(closed.key)
            self._show()
