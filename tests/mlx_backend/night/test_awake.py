from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlx_backend.night import awake
from mlx_backend.night.awake import can_keep_awake, command_for, kept_awake

# Stands in for the system's tool: says what it was told, runs what it was given until that ends.
INHIBIT = """#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/told"
for last; do :; done
"$last"
echo over > "$(dirname "$0")/over"
"""


@pytest.fixture
def inhibit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if sys.platform == "darwin":
        pytest.skip("a Mac has caffeinate")
    tool = tmp_path / "systemd-inhibit"
    tool.write_text(INHIBIT)
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tool


def test_the_machine_may_not_sleep_but_the_display_may(inhibit: Path) -> None:
    command = command_for("Training 'a b'")
    assert command is not None
    assert command[0] == str(inhibit)
    assert "--what=idle:sleep" in command
    assert "--why=Training 'a b'" in command


_KILLED = """
import os, sys, time
from pathlib import Path
from mlx_backend.night.awake import kept_awake

with kept_awake("a test"):
    while not Path(sys.argv[1]).exists():
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
"""


def test_what_keeps_it_awake_ends_even_with_a_killed_process(inhibit: Path) -> None:
    told, over = inhibit.with_name("told"), inhibit.with_name("over")
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(told)],
        check=False,
        timeout=60,
        stderr=subprocess.PIPE,  # the tool has its other end: read to the end of both
    )
    assert done.returncode == -9
    assert over.exists()


def test_whether_it_works_is_found_out_by_trying(inhibit: Path) -> None:
    assert can_keep_awake()
    inhibit.write_text("#!/bin/sh\nexit 1\n")
    assert not can_keep_awake()


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", "#!/no/such/shell\n"])
def test_a_tool_that_fails_fails_no_run(inhibit: Path, script: str) -> None:
    inhibit.write_text(script)
    done = False
    with kept_awake("a test"):
        done = True
    assert done


def test_where_there_is_no_tool_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awake, "command_for", lambda reason: None)
    done = False
    with kept_awake("a test"):
        done = True
    assert done
