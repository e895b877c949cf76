from __future__ import annotations

import ast
import json
import signal
import sqlite3
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mlx_backend import __version__
from mlx_backend.cli import adapters as adapter_commands
from mlx_backend.cli.arguments import build_parser
from mlx_backend.cli.console import Console
from mlx_backend.cli.main import _ctrl_c_waits, main
from mlx_backend.jobs import JobFolder
from mlx_backend.library import Library
from mlx_backend.protocol import TrainSpec

COMMANDS = ["doctor", "import", "notes", "plan", "train", "runs", "resume", "pause", "stop"]
COMMANDS += ["chat", "exam", "adapters", "remove", "export", "models", "demo"]
MINIMAL = {
    "import": ["x"],
    "train": ["--name", "n"],
    "resume": ["r"],
    "pause": ["r"],
    "stop": ["r"],
    "exam": ["f"],
    "remove": ["n"],
    "export": ["n", "--to", "x"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_function_and_help(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = build_parser().parse_args([command, *MINIMAL.get(command, []), "--json"])
    module, function = options.run
    assert callable(getattr(import_module(f"mlx_backend.cli.{module}"), function))
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert command in capsys.readouterr().out


WRONG = [
    ["dance"],
    ["--json"],
    ["import"],
    ["import", ""],
    ["export", "n", "--to", ""],
    ["train"],
    ["train", "--name", "n", "--steps", "0"],
    ["train", "--name", "n", "--steps", "many"],
    ["train", "--name", "n", "--hours", "-1"],
    ["train", "--name", "n", "--hours", "nan"],
    ["train", "--name", "n", "--hours", "inf"],
    ["train", "--name", "n", "--start-at", "soon"],
    ["train", "--name", "n", "--finish-by", "25:00"],
    ["resume"],
    ["resume", "r", "--waiting"],
    ["resume", "--after-restart", "maybe"],
    ["pause"],
    ["chat", "--temperature", "-1"],
    ["chat", "--temperature", "nan"],
    ["chat", "--top-p", "0"],
    ["chat", "--adapter", "a:b"],
    ["chat", "--adapter", "a:99"],
    ["chat", "--adapter", "a:nan"],
    ["chat", "--max-tokens", "0"],
    ["export", "n"],
    ["export", "n", "--to", "x", "--format", "zip"],
    ["notes", "extra"],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_is_two(
    library: Library, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    output, errors = capsys.readouterr()
    assert "usage:" in errors
    assert "error:" in errors.splitlines()[-1]
    if "--json" not in words:
        assert output == ""


@pytest.mark.parametrize("words", [["train"], ["train", "--name", "n", "--steps", "0"], ["dance"]])
def test_wrong_usage_is_told_to_programs_too(
    library: Library, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*words, "--json"])
    assert caught.value.code == 2
    output, errors = capsys.readouterr()
    error = json.loads(output.splitlines()[-1])["error"]
    assert error.keys() == {"kind", "message", "hint"}
    assert error["kind"] == "wrong_usage"
    assert errors.splitlines()[-1].endswith(f"error: {error['message']}")
    assert "--help" in error["hint"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"overnight {__version__}\n"


def failing(error: BaseException) -> object:
    def command(*_: object) -> dict[str, object]:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (MemoryError(), 1),
        (OSError(28, "No space left on device"), 1),
        (ZeroDivisionError("oops"), 1),
    ],
    ids=repr,
)
def test_whatever_a_command_raises_has_its_code_and_no_traceback(
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    monkeypatch.setattr(adapter_commands, "list_adapters", failing(error))
    assert main(["adapters"]) == code
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.strip()
    assert "Traceback" not in errors


def everything_in(folder: Path) -> dict[str, tuple[float, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
        if not path.name.startswith("library.sqlite")
    }


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"doctor", "demo"}))
def test_a_library_of_a_later_version_is_left_as_it_is(
    library: Library, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (library.adapters / "n").mkdir()
    folder = JobFolder.create(library.runs, TrainSpec(name="n", model="tiny"))
    connection = sqlite3.connect(library.database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    library.models.rmdir()  # it may have other folders
    before = everything_in(library.home)
    words = [folder.id if word == "r" else word for word in MINIMAL.get(command, [])]
    words += ["--prompt", "hi"] if command == "chat" else []
    assert main([command, *words]) == 1
    assert "a later version" in capsys.readouterr().err
    assert everything_in(library.home) == before


def test_without_a_display_no_window_opens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert main([]) == 1
    assert "overnight demo" in capsys.readouterr().err


def test_a_table_shows_nothing_that_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=False).table(["Title", "Words"], [("\x1b[2Jevil\nname", 3), ("né", 12)])
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert output.splitlines()[1].split() == ["[2Jevil", "name", "3"]


def test_ctrl_c_waits_for_the_window_to_be_loaded() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    seen = []
    try:
        with _ctrl_c_waits():
            signal.raise_signal(signal.SIGINT)
            seen.append("loaded")
    except KeyboardInterrupt:
        seen.append("interrupted")
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["loaded", "interrupted"]


_HELP = """
import sys
from mlx_backend.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
print(sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def test_help_needs_none_of_the_heavy_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HELP], capture_output=True, text=True, check=True, timeout=60
    )
    assert "train" in done.stdout
    modules = set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))
    heavy = {"mlx", "mlx_lm", "numpy", "PySide6", "transformers", "tokenizers", "app", "yaml"}
    assert not modules & heavy
