"""`overnight chat` in a real terminal, and behind real pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlx_backend.library import Library
from tests.mlx_backend.cli import echoing_chat
from tests.mlx_backend.cli.terminal import CTRL_C, CTRL_D, LEFT, PASTE, PASTED, UP, Terminal

CHAT = [sys.executable, "-m", echoing_chat.__name__]
Open = Callable[..., Terminal]


@pytest.fixture
def open_chat(library: Library) -> Iterator[Open]:
    opened: list[Terminal] = []

    def open_one(**environment: str) -> Terminal:
        opened.append(Terminal(CHAT, environment))
        opened[-1].__enter__().wait_for("> ")
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.__exit__(None, None, None)


def piped(library: Library, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*CHAT, *words], input=stdin, capture_output=True, check=False, timeout=100
    )


def ask(chat: Terminal, question: str, turn: int = 1) -> None:
    """Type a question, and wait until it arrives as that turn of the conversation."""
    chat.type(f"{question}\r")
    chat.wait_for(f"[{turn}] '{question}'")


# --- keys ---


def test_a_line_can_be_edited_and_taken_again(open_chat: Open) -> None:
    chat = open_chat()
    chat.type(f"What abot{LEFT}u\r")
    chat.wait_for("[1] 'What about' of 10")
    chat.wait_for("> ")
    chat.type(f"{UP}?\r")
    chat.wait_for("[3] 'What about?' of 11")
    assert "^[[" not in chat.seen
    chat.wait_for("> ")
    chat.type(CTRL_D)
    assert chat.end() == 0


def test_wide_characters_can_be_edited(open_chat: Open) -> None:
    chat = open_chat()
    chat.type(f"東京の塔{LEFT}{LEFT}新\r")
    chat.wait_for("'東京新の塔' of 5")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_is_typed_is_read_whatever_encoding_is_set(open_chat: Open, encoding: str) -> None:
    chat = open_chat(PYTHONIOENCODING=encoding)
    chat.type("Zoë 東京\r")
    chat.wait_for("of 6")
    assert "????' of 6" in chat.seen


@pytest.mark.parametrize("terminal", ["xterm", "dumb"])
def test_a_line_may_be_longer_than_a_terminal_driver_takes(open_chat: Open, terminal: str) -> None:
    chat = open_chat(TERM=terminal)
    chat.type("x" * 20_000 + "\r")
    chat.wait_for("' of 20000")


def test_a_paste_of_many_lines_is_one_question(open_chat: Open) -> None:
    chat = open_chat()
    chat.type(f"{PASTE}one\rtwo\n\nthree{PASTED}")
    chat.type("!\r")
    chat.wait_for(r"[1] 'one\ntwo\n\nthree!' of")


@pytest.mark.parametrize("end", ["\r", ""])
def test_a_paste_is_one_question_also_where_nothing_marks_it(open_chat: Open, end: str) -> None:
    chat = open_chat(TERM="dumb")
    chat.type(f"one\rtwo\rthree{end}")
    if not end:
        chat.wait_for(". three")
        chat.type("!\r")
    chat.wait_for(rf"[1] 'one\ntwo\nthree{'' if end else '!'}' of")
    chat.wait_for("> ")
    chat.type("next\r")
    chat.wait_for("[3] 'next' of 4")


# --- endings ---


def test_ctrl_c_stops_an_answer_and_the_talk_goes_on(open_chat: Open) -> None:
    chat = open_chat()
    ask(chat, "slowly")
    chat.press_until(CTRL_C, "Stopped.")
    chat.wait_for("> ")
    ask(chat, "and now", turn=3)  # what was said until then is remembered


def test_a_second_ctrl_c_stops_what_does_not_listen(open_chat: Open) -> None:
    chat = open_chat()
    ask(chat, "stubborn")
    chat.press_until(CTRL_C, "not now")
    chat.press_until(CTRL_C, "Stopped.")
    chat.wait_for("> ")
    ask(chat, "again")


def test_ctrl_c_throws_a_line_away_and_twice_at_none_ends(open_chat: Open) -> None:
    chat = open_chat()
    chat.type("never mind")
    chat.wait_for("never mind")
    chat.press_until(CTRL_C, "> ")
    chat.press_until(CTRL_C, "Press Ctrl-C again to end")
    chat.wait_for("> ")
    ask(chat, "still here")
    chat.wait_for("> ")
    chat.press_until(CTRL_C, "Press Ctrl-C again to end")
    chat.wait_for("> ")
    chat.press_until(CTRL_C, "Interrupted.")
    assert chat.end() == 130


def test_no_failure_ends_the_talk(open_chat: Open) -> None:
    chat = open_chat()
    chat.type("fail\r")
    chat.wait_for("That is too long.")
    chat.wait_for("Ask for less.")
    chat.wait_for("> ")
    chat.type("shorter\r")
    chat.wait_for("[1] 'shorter'")
    chat.wait_for("> ")
    chat.type("/bye\r")
    assert chat.end() == 0


def test_lines_are_edited_also_where_the_answers_go_to_a_file(
    library: Library, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.txt"
    with Terminal(["sh", "-c", f"exec {' '.join(CHAT)} > {answers}"]) as chat:
        chat.wait_for("> ")
        chat.type(f"hllo{LEFT}{LEFT}{LEFT}e\r")
        chat.wait_for("> ")
        chat.type(CTRL_D)
        assert chat.end() == 0
    assert answers.read_text() == "[1] 'hello' of 5\n"


# --- pipes ---


def test_what_is_piped_in_is_one_question(library: Library) -> None:
    done = piped(library, stdin="one\ntwo\n\nzwölf\n".encode())
    assert done.stdout.decode() == "[1] 'one\\ntwo\\n\\nzwölf' of 14\n"
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_is_piped_in_follows_the_prompt(library: Library) -> None:
    done = piped(library, "--prompt", "Shorten this:", stdin=b"a long\ntext\n")
    assert done.stdout == b"[1] 'Shorten this:\\n\\na long\\ntext' of 26\n"


def test_a_file_follows_the_prompt(library: Library, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_bytes(b"\xef\xbb\xbfText\xff")
    with (tmp_path / "note.txt").open() as note:
        done = subprocess.run(
            [*CHAT, "--prompt", "Say:"], stdin=note, capture_output=True, check=True
        )
    assert done.stdout.decode() == "[1] 'Say:\\n\\nText\ufffd' of 11\n"


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE])
def test_a_prompt_needs_no_standard_input(library: Library, stdin: int) -> None:
    """Neither the null device nor a pipe that stays open and silent holds it up."""
    process = subprocess.Popen(
        [*CHAT, "--prompt", "hi"], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read() == b"[1] 'hi' of 2\n"
    assert (b"said nothing for" in process.stderr.read()) is (stdin == subprocess.PIPE)
    assert process.wait() == 0
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def test_a_closed_standard_input_is_none(library: Library) -> None:
    command = f"exec {' '.join(CHAT)} --prompt hi <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"[1] 'hi' of 2\n")


@pytest.mark.parametrize(("closed", "printed"), [(">&-", b""), ("2>&-", b"[1] 'hi' of 2\n")])
def test_closed_output_is_nobodys(library: Library, closed: str, printed: bytes) -> None:
    """Nor does it become the library's: the next file opened would get its number."""
    command = f"exec {' '.join(CHAT)} --prompt hi {closed} </dev/null"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a full device")
def test_a_full_disk_under_the_json_is_told(library: Library) -> None:
    command = f"exec {' '.join(CHAT)} --prompt hi --json >/dev/full </dev/null"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"The disk is full.")
    assert b"Traceback" not in done.stderr


def test_nothing_piped_in_is_no_question(library: Library) -> None:
    done = piped(library, "--json", stdin=b" \n")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert (error["kind"], error["message"]) == ("bad_input", "Standard input has no question.")


def test_a_flood_is_refused(library: Library) -> None:
    command = f"yes | {' '.join(CHAT)} --prompt hi"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"no model reads that much" in done.stderr
