"""Larger pages are imported before they are wanted, on the window's own thread."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys, threading
from PySide6.QtCore import QCoreApplication, QObject, QTimer
from app.shell.importing_ahead import ImportingAhead
app = QCoreApplication([])
threads = set()
sys.addaudithook(
    lambda event, args: threads.add(threading.get_ident())
    if event == "import" and str(args[0]).startswith("app.tonight")
    else None
)
ahead = ImportingAhead(("app.tonight",), app)
before = "app.tonight.page" in sys.modules
watch = QTimer(interval=5)
watch.timeout.connect(lambda: ahead.is_done and app.quit())
watch.start()
app.exec()
print(before, "app.tonight.page" in sys.modules, threads == {threading.get_ident()})
"""


def test_a_page_is_imported_between_events_on_the_windows_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["False", "True", "True"]
