"""The window's log file, and what happens to errors that nobody expected."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from mlx_backend.errors import OvernightError, from_exception
from mlx_backend.private_data.redacting import Redacting

_LARGEST = 1_000_000
_log = logging.getLogger("overnight.window")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class _LogFile(RotatingFileHandler):
    """A log file that a full disk ends silently; otherwise each line would print a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


def write_log_to(path: Path) -> None:
    """Send everything that is logged, also by Qt, to a file that never grows large."""
    handler = _LogFile(path, maxBytes=_LARGEST, backupCount=2, encoding="utf-8")
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(Redacting(plain))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    qInstallMessageHandler(_log_qt_message)


def show_unexpected(show: Callable[[OvernightError], None]) -> None:
    """From now on, log exceptions that nobody caught, and show each as a typed error."""

    def handle(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        _log.error("unexpected", exc_info=(kind, error, trace))
        show(from_exception(error))

    sys.excepthook = handle
    # Errors of other threads are only logged: dialogs may be made on the window's thread alone.
    threading.excepthook = lambda args: _log.error(
        "unexpected in thread %s", args.thread, exc_info=args.exc_value
    )


def _log_qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    _log.log(_LEVELS.get(kind, logging.INFO), "Qt: %s", message)
