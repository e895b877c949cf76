"""The two walls: no model library in the window's process, no Qt in the engine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

_ROOT = Path(__file__).parent.parent
_HEAVY = {"mlx", "mlx_lm", "mlx_metal", "torch", "transformers", "tokenizers", "safetensors"}
# What of the engine the window may know; the rest belongs to worker and jobs.
_LIGHT = (
    "errors",
    "files",
    "fitting",  # how much of a conversation is worth sending to the worker
    "jobs",
    "library",
    "locks",
    "night",  # whose turn it is, and the hours of the clock
    "private_data",  # patterns over text: what is private is kept out of the window's log
    "protocol",
    "settings",
    "small_file",
    "study.browsing",  # what study wrote is read in the window, and changed there
    "study.drafts",
    "study.reasons",
    "study.store",
    "training.verdict",  # the report page draws the line where the verdict does
)


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def sources(package: str) -> list[Path]:
    return sorted((_ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", sources("app"), ids=lambda path: str(path.relative_to(_ROOT)))
def test_window_imports_only_the_light_engine(path: Path) -> None:
    for name in imports_of(path):
        package, _, rest = name.partition(".")
        assert package not in _HEAVY, name
        if package == "mlx_backend" and rest:
            assert any(f"{rest}.".startswith(f"{light}.") for light in _LIGHT), name


@pytest.mark.parametrize(
    "path", sources("mlx_backend"), ids=lambda path: str(path.relative_to(_ROOT))
)
def test_engine_never_imports_qt_or_the_window(path: Path) -> None:
    allowed = {"app.main", "app.main.main"} if path.is_relative_to(_CLI) else set()
    for name in imports_of(path) - allowed:
        assert name.partition(".")[0] not in {"app", "PySide6", "shiboken6", "pyqtgraph"}, name


_CLI = _ROOT / "mlx_backend" / "cli"

_BUILD_THE_WINDOW = """
import sys
from pathlib import Path
from app.main import make_application
from app.services import make_services
from app.shell.window import ENTRIES, Window
from mlx_backend.library import Library

app = make_application()
library = Library.open(Path(sys.argv[1]))
services = make_services(library, app)
window = Window(services)
window.show()
early = sorted({"pyqtgraph", "numpy"} & sys.modules.keys())
for entry in ENTRIES:
    window.show_page(entry.key)
    app.processEvents()
window.close()
services.close()
print(early, sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_no_model_library_gets_into_the_windows_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BUILD_THE_WINDOW, str(tmp_path)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    early, _, modules = done.stdout.strip().partition("] ")
    assert early == "[", "the first page needs no drawing library"
    assert not _HEAVY & set(ast.literal_eval(modules))


def test_none_keeps_its_references_over_many_signals(qapp: QCoreApplication) -> None:
    """PySide6 6.12 on Python 3.11 lost one at each signal, until the interpreter died."""
    loop, ticks = QEventLoop(), 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 20_000:
            loop.quit()

    timer = QTimer(interval=0)
    timer.timeout.connect(tick)
    before = sys.getrefcount(None)
    timer.start()
    loop.exec()
    timer.stop()
    assert abs(sys.getrefcount(None) - before) < 200
