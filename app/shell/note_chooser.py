"""The system's dialogs to choose notes to import."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QDir, QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget


class NoteChooser(QObject):
    """Opens a dialog over a window; what was chosen comes by signal."""

    chosen = Signal(list)
    """Paths."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window

    def choose_folder(self) -> None:
        """Let the person choose a folder."""
        self._open(QFileDialog.FileMode.Directory, "Add a folder of notes")

    def choose_files(self) -> None:
        """Let the person choose files."""
        self._open(QFileDialog.FileMode.ExistingFiles, "Add notes")

    def _open(self, mode: QFileDialog.FileMode, title: str) -> None:
        dialog = QFileDialog(self._window, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        if dialog.directory() == QDir.current():
            # Nobody has chosen a folder yet; where the program was started is of no interest.
            dialog.setDirectory(QDir.home())
        dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Add")
        dialog.filesSelected.connect(lambda names: self.chosen.emit(list(map(Path, names))))
        dialog.open()
