"""The switch that lets other programs of this computer ask, and what they need to know for it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.jobs.local_server import LocalServer, ServerAccess, ServerState
from app.style import Size, Space, sized
from app.text.error_text import in_window
from app.widgets.copy_button import CopyButton
from app.widgets.labels import button, label, paragraph, tip

_TITLE = "Let other programs ask"
_HELP = (
    "Programs of this computer that speak OpenAI's API can then chat with your models and adapters."
    " Only those who have its token may ask. It ends when Overnight closes."
)
_KEPT = "The token is kept in this computer's keyring, and stays the same."
_NOT_KEPT = "No keyring of this computer keeps the token, so it is another at each start."
_OLD_MAY_RETURN = (
    "Nor could the old token be removed, so it may count again later. Unlock the keyring, then"
    " choose New Token once more."
)
_NEW_TOKEN = "Programs that know the present token may ask no more. The server starts again."
_WAITS = {
    ServerState.STARTING: "It is starting…",
    ServerState.ENDING: "It ends with the answer that is under way…",
}


class ServerSwitch(QWidget):
    """One row with the switch; below it, while the server runs, what can be copied."""

    def __init__(self, server: LocalServer) -> None:
        super().__init__()
        self._server = server
        self.switch = QCheckBox()
        self.switch.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        sized(self.switch, lambda it: it.setFixedHeight(Size.CONTROL))
        self.switch.setAccessibleName(_TITLE)
        self.switch.setAccessibleDescription(_HELP)
        self.switch.setToolTip(tip(_HELP))
        self.status = paragraph(kind="quiet")
        self.trouble = paragraph(kind="warning")
        self.moves = paragraph(kind="quiet")
        self.access = _AccessRows()
        self.access.new_token.clicked.connect(server.renew_token)
        words = QVBoxLayout()
        words.setSpacing(Space.HALF)
        words.addWidget(label(_TITLE))
        words.addWidget(paragraph(_HELP, "quiet"))
        row = QHBoxLayout()
        row.setSpacing(Space.THREE)
        row.addLayout(words, 1)
        row.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.ONE)
        layout.addLayout(row)
        for each in (self.status, self.trouble, self.access, self.moves):
            layout.addWidget(each)
        self.switch.toggled.connect(server.switch)
        server.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        state, error = self._server.state, self._server.error
        self.switch.blockSignals(True)
        self.switch.setChecked(state in (ServerState.STARTING, ServerState.ON))
        self.switch.blockSignals(False)
        self.switch.setEnabled(state is not ServerState.ENDING)
        self.status.setText(_WAITS.get(state, ""))
        self.status.setVisible(state in _WAITS)
        self.trouble.setText("" if error is None else in_window(f"{error.message} {error.hint}"))
        self.trouble.setVisible(error is not None)
        self.access.show_access(self._server.access)
        self.show_port()

    def show_port(self) -> None:
        """Say where it moves, where another port is wanted by now."""
        port = self._server.moves_to
        self.moves.setText(f"It moves to port {port} when it is switched on again.")
        self.moves.setVisible(bool(port))


class _AccessRows(QWidget):
    """Address, token, model and a line of Python, each with a button that copies it."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, QLabel] = {}
        self.buttons: dict[str, CopyButton] = {}
        self._shown: dict[str, str] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, Space.HALF, 0, 0)
        grid.setHorizontalSpacing(Space.TWO)
        grid.setVerticalSpacing(Space.HALF)
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(("Address", "Token", "Model", "In Python")):
            self.values[name] = paragraph()
            self.buttons[name] = CopyButton(partial(self._text_of, name), f"the {name.lower()}")
            for column, each in enumerate((label(name, "quiet"), self.values[name])):
                grid.addWidget(each, row, column)
            grid.addWidget(self.buttons[name], row, 2, Qt.AlignmentFlag.AlignRight)
        self.new_token = button("New Token")
        self.new_token.setToolTip(tip(_NEW_TOKEN))
        self.new_token.setAccessibleDescription(_NEW_TOKEN)
        self.kept = paragraph(kind="quiet")
        last = grid.rowCount()
        grid.addWidget(self.kept, last, 0, 1, 2)
        grid.addWidget(self.new_token, last, 2)

    def _text_of(self, name: str) -> str:
        return self._shown[name]

    def show_access(self, access: ServerAccess | None) -> None:
        """Show how the server is asked; nothing for None."""
        self._shown = {} if access is None else _rows(access)
        for name, value in self.values.items():
            value.setText(self._shown.get(name, ""))
        if access is not None:
            self.kept.setText(_kept(access))
        self.setVisible(access is not None)


def _kept(access: ServerAccess) -> str:
    if access.token_kept:
        return _KEPT
    return f"{_NOT_KEPT} {_OLD_MAY_RETURN}" if access.old_token_may_return else _NOT_KEPT


def _rows(access: ServerAccess) -> dict[str, str]:
    return {
        "Address": access.address,
        "Token": access.token,
        "Model": access.model,
        "In Python": access.client_line,
    }
