"""What is said of a model that came, without any process."""

from __future__ import annotations

import pytest

from mlx_backend.cli.arrivals import say_abilities
from mlx_backend.cli.console import Console


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({}, ()),
        ({"reads": True, "thinks": False, "quantised": None}, ("It reads passages",)),
        ({"reads": False}, ("with notes it quotes them",)),
        ({"reads": True, "thinks": True}, ("It reads passages", "think aloud")),
        (
            {"reads": True, "quantised": {"bits": 4, "cost": "20 of 24 right, before 21"}},
            ("It reads passages", "20 of 24 right, before 21."),
        ),
    ],
)
def test_what_a_result_tells_is_said(
    capsys: pytest.CaptureFixture[str], result: dict[str, object], words: tuple[str, ...]
) -> None:
    say_abilities(result, Console(as_json=False))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))
