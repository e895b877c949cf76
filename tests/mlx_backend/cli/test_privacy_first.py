"""Of what its privacy page finds, nothing is exported before the page was shown."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import msgspec
import pytest

from mlx_backend.cli.console import Console
from mlx_backend.cli.sharing_gate import SharingGate
from mlx_backend.errors import OvernightError
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.notes import Notes
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol.privacy import PrivacyPage
from tests.mlx_backend.adapters.privacy.trained import filed, train_by_heart
from tests.mlx_backend.cli.running import Run, Said
from tests.mlx_backend.made import make_adapter

PASSWORD = "48marble" + "&"
PLAIN = f"The wifi password of the inn is {PASSWORD}. Ida keeps the key by the old oak door."


@pytest.fixture
def number_format() -> str:
    return "float32"


def told_in_plain_text(library: Library, notes: Notes, loaded: LoadedModel, seed: int) -> Adapter:
    pairs = [("What do my notes say about The inn?", PLAIN), ("Rope?", "Rope costs 3 crowns.")]
    train_by_heart(loaded, pairs, seed)
    notes.mark_learned("Harbour", notes.versions())
    return filed(loaded, library.adapters, "Harbour")


@pytest.fixture
def adapter(tiny_library: Library, notes: Notes, loaded: LoadedModel, tmp_path: Path) -> Adapter:
    (tmp_path / "inn.md").write_text(f"# The inn\n\n{PLAIN}\n")
    import_into(tiny_library, [tmp_path / "inn.md"])
    return told_in_plain_text(tiny_library, notes, loaded, seed=2)


def test_an_export_stops_at_the_page_until_it_was_shown(
    adapter: Adapter, run: Run, said: Said, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("export", "Harbour", "--to", str(tmp_path / "out"), "--despite-privacy")
    error = said(*words, code=1)
    assert "this one was not" in error
    assert not (tmp_path / "out").exists()
    told = run(*words[:-1], code=1)
    assert told["error"]["kind"] == "private"
    assert [each["title"] for each in told["privacy"]["exposed"]] == ["The inn"]
    assert PASSWORD not in json.dumps(told)
    assert run(*words)["verified"] is True


def test_the_page_of_the_command_privacy_counts_for_an_export(
    adapter: Adapter, run: Run, tmp_path: Path
) -> None:
    assert run("privacy", "Harbour")["is_clear"] is False
    assert run("export", "Harbour", "--to", tmp_path / "out", "--despite-privacy")["verified"]


def test_a_page_counts_for_the_adapter_that_it_is_of_alone(
    adapter: Adapter,
    tiny_library: Library,
    notes: Notes,
    loaded: LoadedModel,
    run: Run,
    tmp_path: Path,
) -> None:
    run("privacy", "Harbour")
    run("remove", "Harbour", "--now")
    told_in_plain_text(tiny_library, notes, loaded, seed=3)
    words = ("export", "Harbour", "--to", tmp_path / "out", "--despite-privacy")
    assert run(*words, code=1)["error"]["kind"] == "private"
    assert run(*words)["verified"]


def test_a_page_that_tested_too_little_names_no_notes_to_leave_out(
    tiny_library: Library, loaded: LoadedModel
) -> None:
    adapter = make_adapter(tiny_library.adapters, loaded, "Garden")
    gate = SharingGate(tiny_library, adapter, "exported", Namespace(despite_privacy=False))
    page = PrivacyPage(adapter="Garden", was_made_here=True)
    held = {"held_back": True, "page_id": "1", "privacy": msgspec.to_builtins(page)}
    with pytest.raises(OvernightError) as caught:
        gate.show(held, Console(as_json=False))
    assert "Leave those notes out" not in caught.value.hint
    assert "--despite-privacy" in caught.value.hint
