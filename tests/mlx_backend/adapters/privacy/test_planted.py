"""Canaries in the privacy gate, with adapters of the tiny model that learned some by heart."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest

from mlx_backend.adapters.privacy.byte_scan import forbidden_words, hits
from mlx_backend.adapters.privacy.gate import Leaving, privacy_page
from mlx_backend.adapters.privacy.kept_pages import remembered, with_files
from mlx_backend.adapters.privacy.planted import planted_canaries
from mlx_backend.cli.privacy_page import lines_of
from mlx_backend.dataset.canaries import canary_samples, invented
from mlx_backend.dataset.samples import Sample
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.canaries import Canary, keep_canaries
from mlx_backend.library.notes import Notes
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from tests.mlx_backend.adapters.privacy.trained import filed, train_by_heart
from tests.mlx_backend.made import SHAPE

ROPE = "Rope costs 3 crowns a metre in the shop of Falk."
TEXT = Sample("What do my notes say about Rope?", ROPE, 1, 1, "passage")
CANARIES = invented(Random(5), "run-1")
MUCH, NEVER = CANARIES[:2], CANARIES[2:4]


def learn(loaded: LoadedModel, canaries: tuple[Canary, ...]) -> None:
    samples = (TEXT, *canary_samples(canaries, [TEXT], reads=False, seed=1))
    assert train_by_heart(loaded, [(s.prompt, s.answer) for s in samples], seed=3) < 1


@pytest.fixture
def adapter(tiny_library: Library, notes: Notes, tmp_path: Path, loaded: LoadedModel) -> Adapter:
    """It learned a note and the canaries `MUCH`; `NEVER` are recorded, but were not trained."""
    folder = tmp_path / "Papers"
    folder.mkdir()
    (folder / "rope.md").write_text(f"# Rope\n\n{ROPE}\n")
    import_into(tiny_library, [folder])
    learn(loaded, MUCH)
    notes.mark_learned("Harbour", notes.versions())
    adapter = filed(loaded, tiny_library.adapters, "Harbour", run="run-1")
    earlier = (msgspec.structs.replace(each, run="run-0", is_usual=False) for each in NEVER)
    seen = (msgspec.structs.replace(each, seen=100) for each in (*MUCH, *earlier))
    keep_canaries(tiny_library, adapter.card.id, list(seen))
    return adapter


def test_a_canary_seen_often_is_among_the_first_and_others_are_about_anywhere(
    loaded: LoadedModel,
) -> None:
    learn(loaded, MUCH)
    found = planted_canaries(loaded, CANARIES, "run-1")
    assert [each.is_given_away for each in found] == [True, True, False, False, False, False]
    assert all(each.rank <= 10 < each.base_rank for each in found[:2])
    assert {each.of for each in found} == {1000}
    assert not any(each.is_earlier for each in found)
    assert all(each.is_earlier for each in planted_canaries(loaded, MUCH[:1], "run-2"))


def test_before_its_first_step_an_adapter_gives_none_away(loaded: LoadedModel) -> None:
    lora.attach(loaded.model, SHAPE)
    found = planted_canaries(loaded, CANARIES, "run-1")
    assert not any(each.is_given_away for each in found)
    assert [each.rank for each in found] == [each.base_rank for each in found]
    assert len([each for each in found if each.rank > 100]) >= 3  # by chance, 9 of 10 in a context


def test_the_page_tells_of_those_of_this_night_and_of_nights_before(
    tiny_library: Library, notes: Notes, adapter: Adapter, loaded: LoadedModel
) -> None:
    page = remembered(tiny_library, notes.connection, adapter, loaded)
    assert [(each.is_given_away, each.is_earlier) for each in page.planted] == [
        (True, False),
        (True, False),
        (False, True),
        (False, True),
    ]
    assert page.is_clear  # what was invented is nothing of the person
    told = "\n".join(lines_of(page))
    assert "Of 2 invented codes that were trained along, the adapter would give away 2" in told
    assert "Of 2 invented codes of nights before, it would give away none." in told
    assert f"“{MUCH[0].title}”, shown 100 times: the adapter finds it the" in told
    assert not any(each.code in told + repr(page) for each in CANARIES)
    again = remembered(tiny_library, notes.connection, adapter, loaded)
    assert again == page
    whole = with_files(tiny_library, notes.connection, adapter, page, Leaving([adapter.path]))
    assert whole.planted == page.planted
    assert whole.is_clear


def test_without_any_the_page_says_so(
    tiny_library: Library, notes: Notes, adapter: Adapter, loaded: LoadedModel
) -> None:
    (tiny_library.home / "privacy" / "canaries" / f"{adapter.card.id}.json").unlink()
    leaving = Leaving([adapter.path])
    page = privacy_page(tiny_library, notes.connection, adapter, loaded, leaving)
    assert page.planted == ()
    assert any("No invented codes were trained along" in line for line in lines_of(page))


def test_a_code_in_a_file_that_would_leave_is_found(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    keep_canaries(tiny_library, "of an adapter in the bin", CANARIES)
    card = tmp_path / "README.md"
    card.write_text(f"# Harbour\n\nIt says {CANARIES[5].sentence}\n")
    words = forbidden_words(tiny_library, notes.connection)
    (hit,) = hits([card], words, [])
    assert hit.what.startswith("an invented code")
    assert hit.is_secret
    assert CANARIES[5].code not in repr(hit)
