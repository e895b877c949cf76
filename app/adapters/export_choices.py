"""What an adapter can be exported for: the menu, and the dialog that asks where to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from mlx_backend.protocol import ExportForm

BUNDLE = ".overnight"
"""The suffix of a file that shares an adapter."""


@dataclass(frozen=True)
class ExportChoice:
    """One use of an export. `ending` follows the adapter's name in the name that is suggested."""

    form: ExportForm
    text: str
    ending: str

    @property
    def is_file(self) -> bool:
        """Whether it is one file; else it is a folder."""
        return self.form == "bundle"


EXPORT_CHOICES = (
    ExportChoice("bundle", f"One File for a Friend ({BUNDLE})…", BUNDLE),
    ExportChoice("mlx", "For mlx-lm…", " (MLX)"),
    ExportChoice("peft", "For Transformers and PEFT…", " (PEFT)"),
    ExportChoice("gguf", "For llama.cpp and Ollama…", " (GGUF)"),
    ExportChoice("fused", "As a Whole Model…", " (model)"),
)


def export_menu(around: QWidget, chosen: Callable[[ExportChoice], object]) -> QMenu:
    """A menu of all choices; it goes when it is closed."""
    menu = QMenu(around)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for choice in EXPORT_CHOICES:
        menu.addAction(choice.text, functools.partial(chosen, choice))
        if choice.is_file:
            menu.addSeparator()
    return menu


def ask_where(
    around: QWidget, name: str, choice: ExportChoice, chosen: Callable[[Path], object]
) -> None:
    """Open a dialog for a new file or folder, which suggests one called after the adapter."""
    dialog = QFileDialog(around, f"Export “{name}”")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    # Nothing is ever written over: the export says so, and the dialog must not offer it.
    dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
    dialog.setLabelText(QFileDialog.DialogLabel.Accept, "Export")
    if choice.is_file:
        dialog.setNameFilter(f"Adapters (*{BUNDLE})")
        dialog.setDefaultSuffix(BUNDLE.removeprefix("."))
    dialog.setDirectory(str(Path.home()))
    dialog.selectFile(f"{name}{choice.ending}")
    dialog.fileSelected.connect(lambda path: chosen(_ending_right(Path(path), choice)))
    dialog.open()


def _ending_right(path: Path, choice: ExportChoice) -> Path:
    """A bundle's path with its suffix; a dialog leaves a name such as "Notes 1.2" as it is."""
    if not choice.is_file or path.suffix.lower() == BUNDLE:
        return path
    return path.with_name(f"{path.name}{BUNDLE}")
