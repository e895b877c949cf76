"""The walls between packages, as contracts and as a running window has them."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

_ROOT = Path(__file__).parent.parent
_HEAVY = {"mlx", "mlx_lm", "mlx_metal", "torch", "transformers", "tokenizers", "safetensors"}
# What of the engine the window may import, because it is light; the rest runs in other processes.
_OPEN_TO_THE_WINDOW = {
    "catalogue",
    "errors",
    "files",
    "jobs",
    "json_file",
    "library",
    "locks",
    "night",
    "private_data",
    "protocol",
    "settings",
    "text",
}
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


@pytest.fixture(scope="module")
def copied_sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and their contracts, to be broken."""
    copy = tmp_path_factory.mktemp("sources")
    for package in ("app", "mlx_backend"):
        shutil.copytree(_ROOT / package, copy / package, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(_ROOT / "pyproject.toml", copy)
    return copy


def broken_contracts(sources: Path) -> set[str]:
    """The ids of the contracts that are broken there."""
    contracts = tomllib.loads((sources / "pyproject.toml").read_text())["tool"]["importlinter"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"],
        check=False,
        cwd=sources,
        env={"PATH": "", "COLUMNS": "400", "PYTHONPATH": str(sources)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    ends = re.findall(r"^(.+) (KEPT|BROKEN)", done.stdout, re.MULTILINE)
    names = {contract["name"]: contract["id"] for contract in contracts["contracts"]}
    assert {name for name, _ in ends} == names.keys(), done.stdout + done.stderr
    assert bool(done.returncode) == any(end == "BROKEN" for _, end in ends)
    return {names[name] for name, end in ends if end == "BROKEN"}


def test_each_package_of_the_engine_is_open_to_the_window_or_closed() -> None:
    tool = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (wall,) = (each for each in tool["contracts"] if each["id"] == "window-and-engine")
    closed = {name.removeprefix("mlx_backend.") for name in wall["forbidden_modules"]}
    there = {path.stem for path in (_ROOT / "mlx_backend").iterdir() if path.name[0] not in "_."}
    assert closed | _OPEN_TO_THE_WINDOW == there
    assert not closed & _OPEN_TO_THE_WINDOW


def test_the_contracts_are_kept(copied_sources: Path) -> None:
    assert not broken_contracts(copied_sources)


@pytest.mark.parametrize(
    ("path", "line", "broken"),
    [
        ("mlx_backend/text/words.py", "import PySide6.QtCore", {"engine-without-qt"}),
        ("mlx_backend/jobs/disk.py", "from app import style", {"engine-without-qt"}),
        ("app/text/amounts.py", "import mlx.core", {"window-without-models"}),
        ("mlx_backend/files.py", "import tokenizers", {"window-without-models"}),
        ("app/chat/page.py", "import mlx_backend.curation.quality", {"window-and-engine"}),
        ("app/widgets/labels.py", "import app.chat.page", {"window-layers", "no-cycles"}),
        ("mlx_backend/text/words.py", "import mlx_backend.locks", set()),
        (
            "mlx_backend/curation/quality.py",
            "import mlx_backend.run.memory_check",
            {"engine-layers", "no-cycles"},
        ),
        ("mlx_backend/cli/console.py", "import mlx_backend.cli.main", {"no-cycles"}),
    ],
)
def test_a_contract_is_broken_by(
    copied_sources: Path, path: str, line: str, broken: set[str]
) -> None:
    file = copied_sources / path
    whole = file.read_text(encoding="utf-8")
    file.write_text(f"{whole}\n\ndef _not_allowed() -> None:\n    {line}\n", encoding="utf-8")
    try:
        assert broken_contracts(copied_sources) == broken
    finally:
        file.write_text(whole, encoding="utf-8")


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
