"""Base models that adapters need and that are gone, each with the way back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal

from app.library.base_models import called
from app.library.missing_bases import MissingBase, named
from app.models.rows import Row, RowList
from app.widgets.elided import Elided
from app.widgets.labels import button


class MissingList(RowList):
    """One row a base model that is gone. Hidden while there is none."""

    restore_wanted = Signal(object)
    """Bring this MissingBase back from the bin."""

    download_wanted = Signal(object)
    """Download this MissingBase, which the catalogue has."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: object = None
        self.hide()

    def show_missing(
        self, missing: Sequence[MissingBase], title_of: Callable[[MissingBase], str]
    ) -> None:
        """Show these. title_of: their titles in the catalogue, "" for those that it has not."""
        shown = [(each, title_of(each)) for each in missing]
        if shown != self._shown:
            self._shown = shown
            self.show_rows([self._make_row(each, title) for each, title in shown])

    def _make_row(self, missing: MissingBase, title: str) -> Row:
        name = called(missing.name, title)
        row = Row(Elided(name, kind="strong"))
        row.add_text(_sentence(missing, bool(title)))
        if missing.binned is not None:
            act = button("Restore")
            act.clicked.connect(functools.partial(self.restore_wanted.emit, missing))
        elif title:
            act = button("Download")
            act.clicked.connect(functools.partial(self.download_wanted.emit, missing))
        else:
            return row
        act.setAccessibleName(f"{act.text()} {name}")
        row.controls.addWidget(act)
        return row


def _sentence(missing: MissingBase, can_download: bool) -> str:
    verb = "needs" if len(missing.adapters) == 1 else "need"
    told = f"{named(missing.adapters)} {verb} this base model, which is not in the library."
    if missing.binned is not None:
        return f"{told} It is in the bin."
    if can_download:
        return told
    return f"{told} Download it below, or add it from this computer, under the same name."
