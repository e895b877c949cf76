"""Opens the window."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QApplication

from app.services import make_services
from app.shell.logs import show_unexpected, write_log_to
from app.shell.single_window import SingleWindow
from app.shell.system_signals import EndSignals
from app.shell.window import Window
from app.widgets import icons
from app.widgets.error_dialog import ErrorDialog
from app.widgets.readable_style import ReadableStyle
from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.library import Library
from mlx_backend.library.database import connect


def main(argv: Sequence[str] = ()) -> int:
    """Show the window on the person's library until it is closed; returns the exit code."""
    app = make_application(argv)
    ends = EndSignals()
    ends.received.connect(app.closeAllWindows)  # dialogs too, which are there before the window is
    try:
        return _show(app)
    finally:
        ends.close()


def _show(app: QApplication) -> int:
    try:
        library = Library.open()
        write_log_to(library.logs / "window.log")
        single = SingleWindow(library)
        if not single.claim():
            if single.call_forward():
                return 0
            if not single.claim_after_closing():
                raise _does_not_answer()
        connect(library.database).close()  # what is wrong with it shows before the window does
    except (OvernightError, OSError) as error:
        _tell(from_exception(error))
        return 1
    services = make_services(library, app)
    window = Window(services)
    show_unexpected(window.notices.show_error)
    single.asked_forward.connect(window.come_forward)
    window.show()
    try:
        return app.exec()
    finally:
        single.stop_answering()
        services.close()
        single.close()


def make_application(argv: Sequence[str] = ()) -> QApplication:
    """The Qt application, with its name and the look of its platform."""
    app = QApplication(["overnight", *argv])
    app.setApplicationName("Overnight")
    app.setDesktopFileName("overnight")
    app.setWindowIcon(icons.icon("tonight"))
    settle_direction(app)
    if sys.platform != "darwin":
        app.setStyle("Fusion")
    return app


def settle_direction(app: QApplication) -> None:
    """Begin at the side where the person's language does; the English words stay readable."""
    direction = QLocale().textDirection()
    if direction is Qt.LayoutDirection.RightToLeft:
        app.setStyle(ReadableStyle(app.style().name()))
    app.setLayoutDirection(direction)


def _tell(error: OvernightError) -> None:
    """Say why the window does not open, and where the library is: here, and in the terminal."""
    home = Library.default_home().absolute()
    hint = error.hint
    if str(home) not in f"{error.message} {hint}":
        hint = f"{hint} The library is in {home}.".strip()
    told = OvernightError(error.kind, error.message, hint, error.detail)
    logging.getLogger("overnight.window").error("%s %s", told.message, told.detail)
    print(f"{told.message}\n{told.hint}".rstrip(), file=sys.stderr)
    log = Library(home).logs / "window.log"
    ErrorDialog(None, told, log if log.exists() else None, _nearest(home)).exec()


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((each for each in (folder, *folder.parents) if each.is_dir()), folder)


def _does_not_answer() -> OvernightError:
    return OvernightError(
        ErrorKind.BUSY,
        "Overnight is open already, but its window does not answer.",
        "Wait a moment and try again. If that does not help, quit Overnight and start it again.",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
