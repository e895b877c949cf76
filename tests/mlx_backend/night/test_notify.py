from __future__ import annotations

from collections.abc import Sequence

import pytest

from mlx_backend.night.notify import command_for, notify

HOSTILE = 'x" with title "y"\nend run\ndo shell script "touch /tmp/z" --<b>&amp; \x1b[31m-e'


def test_on_a_mac_nothing_is_spliced_into_the_script() -> None:
    harmless = command_for("Overnight", "Ready.", "darwin")
    hostile = command_for(HOSTILE, HOSTILE, "darwin")
    assert harmless[:-2] == hostile[:-2]
    assert harmless[-2:] == ["Overnight", "Ready."]
    assert "\n" not in hostile[-1]
    assert "\x1b" not in hostile[-1]


def test_on_linux_nothing_is_taken_for_an_option_or_a_mark() -> None:
    command = command_for("--help", "<b>--icon=x</b>", "linux")
    assert command[:3] == ["notify-send", "--app-name=Overnight", "--"]
    assert command[3:] == ["--help", "&lt;b&gt;--icon=x&lt;/b&gt;"]


@pytest.mark.parametrize("text", ["", "Notes are ready."])
def test_it_is_handed_to_the_system(text: str) -> None:
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str]) -> str:
        asked.append(command)
        return ""

    notify("Overnight", text, ask)
    assert [command[-1] for command in asked] == [text]
