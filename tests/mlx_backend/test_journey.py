"""The main job from end to end with the real starter: notes in, adapter out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.cli.main import main
from mlx_backend.library import Library


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*words: object) -> dict[str, Any]:
        assert main([*map(str, words), "--json"]) == 0, capsys.readouterr().err
        result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return result

    return command


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_notes_become_an_adapter_that_another_program_can_load(
    starter_library: Library, notes_folder: Path, tmp_path: Path, run: Any
) -> None:
    assert run("import", notes_folder)["added"] == 3
    trained = run("train", "--name", "Night", "--steps", 3, "--hours", 0.04, "--no-study")
    report = json.loads(Path(trained["report"]).read_bytes())
    assert trained["steps"] == 3
    assert 0 < trained["train_loss"] == report["train_loss"]
    assert trained["tokens_per_second"] > 0
    words = ("chat", "--prompt", "What about Marta?", "--temperature", 0, "--max-tokens", 12)
    base, adapted = run(*words), run(*words, "--adapter", "Night")
    assert adapted["text"]
    assert adapted["text"] != base["text"]
    exported = run("export", "Night", "--format", "mlx", "--to", tmp_path / "Night")
    assert exported["verified"]
