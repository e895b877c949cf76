from __future__ import annotations

import sys

import pytest

from mlx_backend.night.system_tools import answer_of


def test_what_a_tool_prints_is_its_answer() -> None:
    assert answer_of([sys.executable, "-c", "print('62 W')"]) == "62 W\n"


@pytest.mark.parametrize(
    "command",
    [
        ["/no/such/tool"],
        ["/"],
        [sys.executable, "-c", "print('half'); raise SystemExit(3)"],
        [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"],
    ],
    ids=["missing", "a folder", "fails", "killed"],
)
def test_a_tool_that_does_not_answer_says_nothing(command: list[str]) -> None:
    assert answer_of(command) == ""


def test_bytes_that_are_no_text_harm_nothing() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'\xff\xfe62')"
    assert answer_of([sys.executable, "-c", code]).endswith("62")
