from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from mlx_backend.cli.console import Console
from mlx_backend.cli.printing import Harmless, harmless, one_line, padded, width
from mlx_backend.library import Library, database
from mlx_backend.library.notes import NewNote, Notes

FAMILY, RAINBOW = "👨‍👩‍👧‍👦", "🏳️‍🌈"


@pytest.mark.parametrize(
    "text",
    [
        FAMILY,
        RAINBOW,
        "12\u202f500\u00a0€",
        "می\u200cخواهم",
        "क्\u200dष",
        "e\u0301 und ❤️",
        "ภาษา\u200bไทย",
        "\u2067שלום\u2069, \u202bعربي\u202c!",
        "\u200eA\u200f",
        "tab\tand\nline",
        "\ue0a0",
    ],
    ids=ascii,
)
def test_what_a_text_needs_is_printed(text: str) -> None:
    assert harmless(text) == text
    sieve = Harmless()
    assert "".join(map(sieve.take, text)) + sieve.end() == text  # in whatever pieces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jevil\x07\x00\x7f", "[2Jevil"),
        ("\x9b2Jevil", "2Jevil"),
        ("a\rb\bc", "abc"),
        ("photo\u202egnp.exe\u202c", "photognp.exe"),
        ("\u2066open\nnext", "\u2066open\u2069\nnext"),
        ("\u202bone\u2067two", "\u202bone\u2067two\u2069\u202c"),
        ("\u2067a\u202bb\u2069c", "\u2067a\u202bb\u2069c"),
        ("not open\u2069\u202c", "not open"),
        ("\u202ba\u2066b\u202cc\u2069\u202c", "\u202ba\u2066bc\u2069\u202c"),
        ("one\u2028two", "one\ntwo"),
        ("half \ud83d", "half \ufffd"),
    ],
    ids=ascii,
)
def test_what_could_harm_a_terminal_is_not(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_one_line_stays_one_line() -> None:
    assert one_line("a\r\nb\tc\x1b\u2029d") == "a  b c  d"


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", 3),
        ("日本語", 6),
        ("한국어", 6),
        ("\u1112\u1161\u11ab", 2),
        ("e\u0301", 1),
        ("ก็", 1),
        (FAMILY, 2),
        (RAINBOW, 2),
        ("👍🏽", 2),
        ("🇩🇪", 2),
        ("❤️", 2),
        ("ｱ", 1),
        ("Ａ", 2),
    ],
    ids=ascii,
)
def test_width_is_that_of_the_terminal(text: str, cells: int) -> None:
    assert width(text) == cells
    assert width(padded(text, 10)) == width(padded(text, 10, to_the_right=True)) == 10


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    rows: Sequence[tuple[str, int]] = [("東京", 3), (f"{FAMILY} e\u0301", 12), ("plain", 7)]
    Console(as_json=False).table(["Title", "Words"], rows)
    lines = capsys.readouterr().out.splitlines()
    assert {width(line) for line in lines} == {len("Title  Words")}


def test_a_very_long_cell_moves_its_own_row_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=False).table(["File", "Why"], [("x" * 4_000, "deep"), ("a.md", "empty")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["File  Why", "x" * 4_000 + "  deep", "a.md  empty"]


def command(*words: str, encoding: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "mlx_backend.cli", *words],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": encoding} | more,
    )


@pytest.fixture
def titled(library: Library) -> Library:
    note = NewNote("/n/日本.md", "/n", f"“Zoë” 12\u202f€ 日本 {FAMILY}", "x", "1", 1, 1, ())
    with database.opened(library.database) as connection:
        Notes(connection).save([note])
    return library


def test_a_terminal_that_is_not_utf_8_gets_something_like_it(titled: Library) -> None:
    done = command("notes", encoding="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"Zoe" 12 EUR ???? ????????' in done.stdout
    latin = command("notes", encoding="latin-1")
    assert '"Zoë" 12 EUR ????'.encode("latin-1") in latin.stdout
    for encoding in ("ascii", "latin-1"):
        for words in (["notes", "--help"], ["doctor"], ["remove", "日本"], ["stop", "日本"]):
            told = command(*words, encoding=encoding)
            assert b"went wrong" not in told.stderr
            assert b"Traceback" not in told.stderr


def test_progress_in_such_a_terminal(titled: Library, tmp_path: os.PathLike[str]) -> None:
    folder = os.path.join(tmp_path, "日本")  # noqa: PTH118
    os.mkdir(folder)  # noqa: PTH102
    done = command("import", folder, encoding="ascii")
    assert done.returncode == 1
    assert b"There are no files in" in done.stderr


def test_json_is_whole_in_any_encoding(titled: Library) -> None:
    done = command("notes", "--json", encoding="ascii")
    (note,) = json.loads(done.stdout)["notes"]
    assert note["title"] == f"“Zoë” 12\u202f€ 日本 {FAMILY}"


@pytest.mark.parametrize("words", ["notes", "notes --json", "--help", "notes 2>&1", "adapters"])
def test_a_reader_that_has_enough_ends_it_quietly(
    titled: Library, words: str, tmp_path: os.PathLike[str]
) -> None:
    """The pipe's other end is gone before anything is written."""
    errors = os.path.join(tmp_path, "errors")  # noqa: PTH118
    line = f"(sleep 0.2; {sys.executable} -m mlx_backend.cli {words}; echo $? >&2) 2>{errors} | :"
    subprocess.run(["sh", "-c", line], check=True)
    with open(errors) as file:  # noqa: PTH123
        assert file.read() == "0\n"


def test_a_broken_pipe_elsewhere_is_a_failure(
    library: Library, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from mlx_backend.cli import adapters
    from mlx_backend.cli.main import main

    def break_off(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(adapters, "list_adapters", break_off)
    assert main(["adapters"]) == 1
