"""Long conversations in the terminal: what the model no longer sees is said beside the answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlx_backend.cli.main import main
from mlx_backend.library import Library


@pytest.fixture
def small_model(tiny_library: Library) -> Library:
    """The tiny model, which reads no more than 160 tokens."""
    link = tiny_library.models / "tiny"
    shared = link.resolve()  # with other tests
    link.unlink()
    shutil.copytree(shared, link)
    path = link / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "max_position_embeddings": 160}))
    return tiny_library


class Typist:
    """Types the same question eight times at the prompt, and then Ctrl-D."""

    def __init__(self) -> None:
        self._questions = (f"{n}. Who lit the lamp of Amber Cove?" for n in range(8))

    def ask(self) -> str:
        question = next(self._questions, None)
        if question is None:
            raise EOFError
        return question


def test_what_is_left_out_is_said_once_for_each_time(
    small_model: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlx_backend.cli.piped.is_terminal", lambda: True)
    monkeypatch.setattr("mlx_backend.cli.talking.LineEditor", Typist)
    assert main(["chat", "--temperature", "0", "--max-tokens", "8192", "--json"]) == 0
    output, errors = capsys.readouterr()
    last = json.loads(output.splitlines()[-1])
    assert last["left_out"] > 0
    assert last["prompt_tokens"] + last["generated_tokens"] <= 160
    told = [line for line in errors.splitlines() if "no longer sees" in line]
    assert told
    assert len(told) == len(set(told))


def test_questions_of_an_exam_that_are_too_long_are_told(
    small_model: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "Who lit the lamp? " * 100
    (tmp_path / "q.tsv").write_text(f"Who?\tMarta\n{long}\tMarta\n")
    assert main(["exam", str(tmp_path / "q.tsv"), "--json"]) == 0
    assert "Too long for the model, and so not answered: 1 question." in capsys.readouterr().err
