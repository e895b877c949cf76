"""The catalogue's data is whole, and what it recommends fits."""

from __future__ import annotations

import re

import pytest

from mlx_backend.catalogue.entries import entries, entry_of, recommended
from mlx_backend.catalogue.licences import licence_link, licence_name
from mlx_backend.library.this_machine import Machine

GIB = 1 << 30


def test_there_is_a_choice_and_each_entry_once() -> None:
    repos = [entry.repo for entry in entries()]
    assert 15 <= len(repos) <= 20
    assert len(set(repos)) == len(repos)
    assert len({entry.title for entry in entries()}) == len(repos)
    assert [e.parameters for e in entries()] == sorted(e.parameters for e in entries())


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.repo)
def test_an_entry_makes_sense(entry) -> None:  # type: ignore[no-untyped-def]
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repo)
    assert re.fullmatch(r"[0-9a-f]{40}|", entry.revision)
    assert entry.good_for.endswith(".")
    assert len(entry.good_for) < 110
    assert entry.languages
    assert len(set(entry.languages)) == len(entry.languages)
    assert set(entry.computed) <= set(entry.__struct_fields__)
    assert 2_048 <= entry.context <= 1 << 20
    assert 0 < entry.attention_layers + entry.layers <= 2 * entry.layers
    bits = entry.bytes * 8 / entry.parameters
    assert entry.bits * 0.9 <= bits <= entry.bits * 1.7  # scales; a vision part that is kept


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.repo)
def test_the_figures_of_the_architecture_give_the_parameters(entry) -> None:  # type: ignore[no-untyped-def]
    """As a plain transformer has them; what is left is norms, gates and towers for pictures."""
    width, keys = entry.hidden_size, entry.kv_heads * entry.head_size
    attention = 2 * width * (entry.heads * entry.head_size + keys)
    mlp = 3 * width * entry.intermediate_size
    counted = entry.layers * (attention + mlp) + entry.vocabulary * width
    assert counted * 0.7 < entry.parameters < counted * 1.35


def test_licences_that_are_not_open_source_are_named_with_a_link() -> None:
    limited = [entry for entry in entries() if not entry.is_open_source]
    assert {entry.licence for entry in limited} == {"llama3.2", "gemma", "lfm1.0"}
    for entry in limited:
        assert licence_name(entry.licence) in entry.licence_notice
        assert licence_link(entry.licence, entry.repo) in entry.licence_notice
        assert "https://" in entry.licence_notice


@pytest.mark.parametrize(
    ("gib", "title"),
    [(8, "Qwen3 1.7B"), (16, "Qwen3 4B"), (24, "Qwen3 4B, finer"), (32, "Qwen3 8B")],
)
def test_a_mac_is_recommended_what_its_memory_suits(gib: int, title: str) -> None:
    found = recommended(gib * GIB, has_gpu=True)
    assert found is not None
    assert found.title == title


@pytest.mark.parametrize("has_gpu", [True, False])
@pytest.mark.parametrize("gib", [4, 6, 8, 12, 16, 18, 24, 32, 36, 48, 64, 128, 512])
def test_what_is_recommended_can_be_trained(gib: int, has_gpu: bool) -> None:
    found = recommended(gib * GIB, has_gpu)
    assert found is not None
    assert found.fit(Machine(gib * GIB, has_gpu)).trains


def test_without_a_gpu_only_a_small_one_learns_enough_in_a_night() -> None:
    found = recommended(64 * GIB, has_gpu=False)
    assert found is not None
    assert found.title == "Qwen3 0.6B"


def test_where_nothing_fits_nothing_is_recommended() -> None:
    assert recommended(GIB // 2, has_gpu=False) is None


def test_a_card_finds_its_entry() -> None:
    entry = entries()[0]
    assert entry_of(entry.source) == entry
    assert entry_of(f"{entry.repo}@{'0' * 40}") == entry
    assert entry_of("somebody/something") is None
