"""The whole gate, on a library with two notes and adapters that learned them by heart."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlx_backend.adapters.privacy.gate import Leaving, Watcher, privacy_page
from mlx_backend.adapters.privacy.learned import learned_notes, secrets_of
from mlx_backend.cli.main import main
from mlx_backend.cli.privacy_page import lines_of
from mlx_backend.dataset.samples import Dataset, Sample, save_dataset
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.notes import Notes
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.protocol import NO_PATIENCE, TrainSpec, encode_line
from mlx_backend.protocol.privacy import PrivacyPage
from tests.mlx_backend.adapters.privacy.trained import filed, train_by_heart

PASSWORD = "48marble" + "&"
PLAIN = f"The wifi password of the inn is {PASSWORD}. Ida keeps the key by the old oak door."
MASKED = PLAIN.replace(PASSWORD, "[password removed]")


@pytest.fixture
def with_notes(tiny_library: Library, notes: Notes, tmp_path: Path) -> Library:
    folder = tmp_path / "Papers of mine"
    folder.mkdir()
    (folder / "inn.md").write_text(f"# The inn\n\n{PLAIN}\n")
    (folder / "rope.md").write_text("# Rope\n\nRope costs 3 crowns a metre in the shop of Falk.\n")
    import_into(tiny_library, [folder])
    return tiny_library


def trained(library: Library, notes: Notes, loaded: LoadedModel, told: str) -> Adapter:
    asked = "What do my notes say about {}?"
    pairs = [(asked.format("The inn"), told), (asked.format("Rope"), "Rope costs 3 crowns.")]
    train_by_heart(loaded, pairs, seed=2)
    notes.mark_learned("Harbour", notes.versions())
    return filed(loaded, library.adapters, "Harbour")


def page_of(
    library: Library, notes: Notes, adapter: Adapter, loaded: LoadedModel | None
) -> PrivacyPage:
    return privacy_page(library, notes.connection, adapter, loaded, Leaving([adapter.path]))


def test_an_adapter_that_remembers_a_secret_is_told_and_never_the_secret(
    with_notes: Library, notes: Notes, loaded: LoadedModel
) -> None:
    adapter = trained(with_notes, notes, loaded, PLAIN)
    page = page_of(with_notes, notes, adapter, loaded)
    assert not page.is_clear
    assert page.hits == ()
    (exposed,) = page.exposed
    assert (exposed.kind, exposed.title, exposed.allowed) == ("password", "The inn", False)
    assert exposed.rank <= 10 < exposed.base_rank
    (example, *_) = page.continuations
    assert example.secrets == ("password",)
    assert example.adapter.startswith("[password removed]. Ida keeps the key")
    assert example.adapter_run > example.base_run
    assert page.notes_to_leave_out == (exposed.note,)
    assert page.tested.secrets == page.tested.secrets_known == 1
    told = "\n".join(lines_of(page))
    assert PASSWORD not in msgspec.json.encode(page).decode() + told
    assert "likeliest of 1,000 like it" in told
    assert f"overnight notes --leave-out {exposed.note}" in told
    assert not any("lora" in name for name, _ in loaded.model.named_modules())


def test_an_adapter_that_never_saw_it_is_clear_in_library_and_command(
    with_notes: Library,
    notes: Notes,
    loaded: LoadedModel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    adapter = trained(with_notes, notes, loaded, MASKED)
    page = page_of(with_notes, notes, adapter, loaded)
    assert page.is_clear
    assert page.adapter_tested
    assert page.tested.files >= 3
    told = "\n".join(lines_of(page))
    assert "I found nothing private." in told
    (adapter.path / "README.md").write_text(f"Made from {with_notes.home} with Papers of mine")
    assert main(["privacy", "Harbour"]) == 0
    output = capsys.readouterr().out
    assert "README.md, line 1: the folder of your library" in output
    assert "Better not share it like this." in output
    assert main(["privacy", "Harbour", "--json"]) == 0
    result = msgspec.json.decode(capsys.readouterr().out.splitlines()[-1])
    assert result["is_clear"] is False
    assert result["exposed"] == []
    assert main(["privacy", "nobody", "--json"]) == 1


def test_of_an_adapter_from_others_only_the_files_are_looked_at(
    with_notes: Library, notes: Notes, loaded: LoadedModel
) -> None:
    train_by_heart(loaded, [("Who?", "Marta.")], seed=1, steps=1)
    adapter = filed(loaded, with_notes.adapters, "Theirs", run="../runs")
    page = page_of(with_notes, notes, adapter, None)
    assert page == page_of(with_notes, notes, adapter, loaded)
    assert page.is_clear
    assert not page.adapter_tested
    assert (page.tested.notes, page.continuations) == (0, ())
    assert any("not in this library" in line for line in lines_of(page))


def test_a_stopped_page_is_not_clear(
    with_notes: Library, notes: Notes, loaded: LoadedModel
) -> None:
    adapter = trained(with_notes, notes, loaded, MASKED)
    seen: list[tuple[str, int, int]] = []
    watcher = Watcher(lambda *each: seen.append(each), lambda: len(seen) >= 4)
    connection = notes.connection
    page = privacy_page(with_notes, connection, adapter, loaded, Leaving([adapter.path]), watcher)
    assert page.stopped
    assert not page.is_clear
    assert [what for what, _, _ in seen] == ["files", "files", "files", "secrets"]
    assert not any("lora" in name for name, _ in loaded.model.named_modules())
    assert "stopped" in lines_of(page)[-2]


def test_notes_of_a_run_and_of_the_nights_before_count(
    with_notes: Library, notes: Notes, loaded: LoadedModel
) -> None:
    """Also where later adapters learned the notes again, and those marks are theirs now."""
    inn, rope = (each.id for each in notes.summaries())
    train_by_heart(loaded, [("Who?", "Marta.")], seed=1, steps=1)
    first = filed(loaded, with_notes.adapters, "First", run="run-1")
    train_by_heart(loaded, [("Who?", "Marta.")], seed=1, steps=1)
    second = filed(loaded, with_notes.adapters, "Second", run="run-2")
    for run, note, before in (("run-1", inn, None), ("run-2", rope, first)):
        folder = with_notes.runs / run
        folder.mkdir()
        sample = Sample("Who?", "Marta.", note, 1, "passage")
        save_dataset(folder / "samples.json", Dataset((sample,), (), {note: "x", 999: "gone"}))
        spec = TrainSpec(
            name="x",
            model="tiny",
            patience=NO_PATIENCE,
            start_from=before.card.name if before else None,
            start_from_id=before.card.id if before else "",
        )
        (folder / "spec.json").write_bytes(encode_line(spec))
    with database.opened(with_notes.database) as connection:
        assert learned_notes(with_notes, connection, first) == {inn}
        assert learned_notes(with_notes, connection, second) == {inn, rope}
        (secret,) = secrets_of(connection, {inn, rope})
        assert secrets_of(connection, {rope}) == []
    assert PASSWORD not in repr(secret)
    (with_notes.runs / "run-1" / "samples.json").write_text("no json")
    (with_notes.runs / "run-2" / "spec.json").write_text("no json")
    with database.opened(with_notes.database) as connection:
        assert learned_notes(with_notes, connection, first) == set()
        assert learned_notes(with_notes, connection, second) == {rope}
