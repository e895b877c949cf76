from __future__ import annotations

import pytest

from mlx_backend.cli.console import Console
from mlx_backend.cli.width import display_width, padded


@pytest.mark.parametrize(
    ("text", "width"),
    [("Notes", 5), ("日記", 4), ("Mu\u0308ller", 6), ("Müller", 6), ("می\u200cروم", 5), ("ﾊﾝ", 2)],
)
def test_a_text_takes_so_many_columns(text: str, width: int) -> None:
    assert display_width(text) == width
    assert display_width(padded(text, 10)) == 10
    assert padded(text, 10, right=True).endswith(text)


def test_columns_of_a_table_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=False).table(["Name", "Base"], [("日記", "tiny"), ("Notes", "tiny")])
    lines = capsys.readouterr().out.splitlines()
    before = [line.partition("Base" if "Base" in line else "tiny")[0] for line in lines]
    assert [display_width(part) for part in before] == [7, 7, 7]
