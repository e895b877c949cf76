"""Writes what the window of version 0.1.0 keeps in a library: `chat.json` and `window.ini`.

Called by `make_library_0_1.py`, in a process of its own, because Qt and MLX are kept apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtWidgets import QApplication, QWidget

from app import window_place
from app.background import Background
from app.chat_memory import ChatMemory
from app.window_state import window_state
from mlx_backend.library import Library


def main(home: Path) -> None:
    """Remember drafts, who is to answer, and where the window was."""
    app = QApplication([])
    library = Library.open(home)
    background = Background(library.database)
    memory = ChatMemory(home / "chat.json", background)
    memory.set_conversation(1)
    memory.set_draft(1, "And where does its lens come from?")
    memory.set_draft(None, "What does the ferry")
    memory.set_answerer("Harbour", compare=True)
    memory.set_grounded(False)
    memory.flush()
    app.processEvents()
    background.close()
    state = window_state(home)
    state.setValue("zoom", 110)
    window = QWidget()
    window.setGeometry(40, 60, 640, 480)
    window_place.save(window, state)
    state.sync()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
