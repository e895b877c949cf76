"""The dialog that asks which adapter of somebody else to add."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QDir, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.adapters.export_choices import BUNDLE

_FILES = f"Adapters (*{BUNDLE} *.zip *.safetensors adapter_config.json)"


def ask_what(around: QWidget, chosen: Callable[[list[Path]], object]) -> None:
    """Open it; a folder is chosen by any file of the adapter in it."""
    dialog = QFileDialog(around, "Add an adapter")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.setNameFilter(_FILES)
    if dialog.directory() == QDir.current():
        # Nobody has chosen a folder yet; where the program was started is of no interest.
        dialog.setDirectory(QDir.home())
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Add")
    dialog.filesSelected.connect(lambda names: chosen(list(map(Path, names))))
    dialog.open()
