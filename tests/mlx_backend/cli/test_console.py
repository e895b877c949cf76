from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlx_backend.cli.arguments import build_parser
from mlx_backend.library.home import HOME_VARIABLE


def test_bytes_that_are_no_text_can_be_said_in_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlx_backend.cli", "train", "--json", "--name", b"a\xff"],
        capture_output=True,
        env={HOME_VARIABLE: str(tmp_path)},
        check=False,
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert "'a\udcff'" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_went_away_is_no_failure(tmp_path: Path, options: list[str]) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "mlx_backend.cli", "notes", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={HOME_VARIABLE: str(tmp_path)},
    )
    assert command.stdout is not None
    command.stdout.close()
    assert command.stderr is not None
    assert command.stderr.read() == b""
    command.stderr.close()
    assert command.wait() == 0


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999", "x"])
def test_a_seed_that_mlx_would_not_take_is_wrong_usage(seed: str) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(["chat", "--seed", seed])
    assert caught.value.code == 2
