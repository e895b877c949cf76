"""A field for an access token of the Hub, which goes to the system's keyring."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.style import Size, Space, sized
from app.widgets.flow_layout import FlowLayout
from app.widgets.labels import button, paragraph
from mlx_backend.catalogue.hub_pages import HUB

_TOKENS = "https://huggingface.co/settings/tokens"
_TOLD = "An access token of the Hub says who you are. It is kept in this computer's keyring, and"


class TokenField(QWidget):
    """A field that shows no letter of what is typed, and a button that uses it."""

    given = Signal(str)
    """The token that was typed; the field is empty again."""

    def __init__(self) -> None:
        super().__init__()
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setPlaceholderText("Access token")
        self.field.setAccessibleName("Access token of the Hub")
        sized(self.field, lambda it: it.setFixedSize(Size.FIELD, Size.CONTROL))
        self.use = button("Use It and Try Again")
        self.get = button("Get a Token", "link")
        self.problem = paragraph(kind="warning")
        self.problem.hide()
        self.use.setEnabled(False)
        row = QWidget()
        flow = FlowLayout(row, Space.ONE)
        for each in (self.field, self.use, self.get):
            flow.addWidget(each)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, Space.ONE, 0, 0)
        column.setSpacing(Space.ONE)
        column.addWidget(paragraph(told(os.environ), "quiet"))
        column.addWidget(row)
        column.addWidget(self.problem)
        self.field.textChanged.connect(lambda text: self.use.setEnabled(bool(text.strip())))
        self.field.returnPressed.connect(self._give)
        self.use.clicked.connect(self._give)
        self.get.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(_TOKENS)))

    def show_problem(self, problem: str) -> None:
        """Say why the token could not be kept; "" for nothing."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _give(self) -> None:
        token = self.field.text().strip()
        if token:
            self.field.clear()
            self.show_problem("")
            self.given.emit(token)


def told(environment: Mapping[str, str]) -> str:
    """What becomes of a token: it is sent to the Hub, or to what HF_ENDPOINT names in its place."""
    host = _host(environment.get("HF_ENDPOINT") or HUB)
    if host == _host(HUB):
        return f"{_TOLD} sent to the Hub alone."
    return f"{_TOLD} sent to {host} alone, which HF_ENDPOINT names in place of the Hub."


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or address
    except ValueError:
        return address
