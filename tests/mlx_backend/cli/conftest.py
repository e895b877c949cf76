"""What tests of the command line share: running a command in this process."""

from __future__ import annotations

import json

import pytest

from mlx_backend.cli.main import main
from tests.mlx_backend.cli.documented import check_fields
from tests.mlx_backend.cli.running import Json, Run, Said


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command; returns what it prints: stdout, or stderr when it is to fail."""

    def command(*words: object, code: int = 0) -> str:
        capsys.readouterr()
        assert main([str(word) for word in words]) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    return command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command with --json; returns its object, and checks exit code and stderr."""

    def command(*words: object, code: int = 0) -> Json:
        assert main([*map(str, words), "--json"]) == code
        output, errors = capsys.readouterr()
        assert "Traceback" not in output + errors
        result: Json = json.loads(output.splitlines()[-1])
        assert ("error" in result) == (code == 1)
        if not code:
            check_fields(str(words[0]), result)
        return result

    return command
