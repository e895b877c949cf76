"""A chat page in a process of its own, to be killed while an answer streams in.

`streaming_window.py HOME` asks a question, types on, and prints what it has got so far.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path
from unittest import mock

from PySide6.QtCore import QTimer

from app.chat.page import ChatPage
from app.jobs.chat_worker import ChatWorker
from app.main import make_application
from app.services import make_services
from mlx_backend.library import Library
from tests.app.recorded import STAND_IN_WORKER


def main(home: str) -> int:
    """Ask, type and tell until someone ends it."""
    app = make_application()
    worker = functools.partial(ChatWorker, command=STAND_IN_WORKER)
    with mock.patch("app.services.ChatWorker", worker):
        services = make_services(Library.open(Path(home)), app)
    page = ChatPage(services)
    page.show()
    typing = QTimer(interval=20)
    typing.timeout.connect(lambda: page.input.insertPlainText("x"))

    def tell() -> None:
        exchanges = page.session.exchanges
        answer = exchanges[0].answer_of(None) if exchanges else None
        said = answer.text if answer else ""
        print(f"{time.monotonic()}\t{len(said)}\t{len(page.input.text())}", flush=True)

    telling = QTimer(interval=10)
    telling.timeout.connect(tell)
    page.session.ask("slowly", page.answerer.answerers(False), page._manner())
    typing.start()
    telling.start()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
