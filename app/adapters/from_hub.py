"""Receiving an adapter from a repository of the Hub, by its name or the address of its page."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.jobs.hub_token import HubToken
from app.jobs.new_adapters import repository_in, wants_token
from app.services import Services
from app.style import Space
from app.text.error_text import trouble
from app.widgets.labels import tip
from app.widgets.repository_field import RepositoryField
from app.widgets.token_field import TokenField
from mlx_backend.catalogue.repository_names import ADAPTER

_HELP = "The name of an adapter on the Hugging Face Hub, OWNER/NAME, or the link to its page."


class FromHub(QWidget):
    """A line for the repository; where the Hub wants to know who asks, one for a token."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._new = services.new_adapters
        self._keeper = HubToken(services.library, self)
        self._offered = ""
        self.line = RepositoryField(ADAPTER, "Receive")
        self.line.field.setPlaceholderText("OWNER/NAME or link")
        self.line.field.setToolTip(tip(_HELP))
        self.token = TokenField()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.ONE)
        column.addWidget(self.line)
        column.addWidget(self.token)
        self.line.named.connect(self._new.receive_repository)
        self.token.given.connect(self._take_token)
        self._new.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        failed = None if self._new.is_busy else self._new.failed
        is_wanted = failed is not None and wants_token(failed)
        if not is_wanted:
            self.token.show_problem("")
        self.token.setVisible(is_wanted)
        if failed is not None and failed.id != self._offered:
            self._offered = failed.id
            self.line.offer(repository_in(failed))  # to mend it there, instead of anew

    def _take_token(self, token: str) -> None:
        self._keeper.keep(
            token,
            self._new.receive_again,
            lambda error: self.token.show_problem(trouble(error)),
        )
