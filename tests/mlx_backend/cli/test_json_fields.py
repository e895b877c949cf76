"""The help of each command says which fields it gives with --json, and it gives those."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.cli.json_fields import FIELDS, fields_of, inner_fields
from mlx_backend.cli.main import main
from mlx_backend.library import Library
from mlx_backend.models.base_model import LoadedModel
from tests.mlx_backend.cli.documented import check_fields
from tests.mlx_backend.cli.running import Json, Run, Said
from tests.mlx_backend.cli.test_interrupted import commands
from tests.mlx_backend.made import make_adapter


def inner(result: Json, name: str) -> set[str]:
    value = result[name]
    (first, *_) = value if isinstance(value, list) else [value]
    return set(first)


def test_every_command_has_its_fields_in_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(FIELDS) == set(commands())
    for command in FIELDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told = " ".join(capsys.readouterr().out.split())
        assert all(name in told for name in fields_of(command)), command


def test_the_names_in_braces() -> None:
    assert inner_fields("those {id, at (Unix time); fits, runs: what this can do}") == {
        *("id", "at", "fits", "runs")
    }
    assert inner_fields("a sentence") == frozenset()


def test_what_is_in_no_help_is_found() -> None:
    for result in ({"adapter": "x", "colour": 1}, {}):
        with pytest.raises(AssertionError):
            check_fields("rename", result)
    with pytest.raises(AssertionError):
        check_fields("doctor", {"checks": [{"name": "x", "colour": 1}]})


def test_commands_give_what_their_help_says(
    filled_library: Library, loaded: LoadedModel, run: Run, said: Said, tmp_path: Path
) -> None:
    """The fields of lists and objects too, all of them."""
    for seed, name in enumerate(("Garden", "Shed")):
        make_adapter(filled_library.adapters, loaded, name, seed=seed)
    (tmp_path / "x.exe").write_bytes(b"\0\1")
    (tmp_path / "q.tsv").write_text("Who lit it?\tMarta\n")
    results = {
        "import": run("import", tmp_path / "x.exe"),
        "notes": run("notes", "--delete", 1),
        "models": run("models"),
        "plan": run("plan", "--steps", 1),
        "runs": run("runs"),
        "chat": run("chat", "--prompt", "Who?", "--grounded"),
        "exam": run("exam", tmp_path / "q.tsv", "--grounded"),
        "adapters": run("adapters"),
        "privacy": run("privacy", "Garden"),
        "export": run("export", "Garden", "--to", tmp_path / "out"),
        "merge": run("merge", "Both", "Garden", "Shed"),
        "key": run("key", "--make", "Ana"),
        "rename": run("rename", "Both", "Two"),
        "remove": run("remove", "Two"),
        "bin": run("bin"),
    }
    for command, result in results.items():
        for name, text in fields_of(command).items():
            if (promised := inner_fields(text)) and result.get(name.rstrip("?")):
                assert inner(result, name.rstrip("?")) == promised, f"{command}, {name}"
