"""Sentences about where adapters came from."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from app.adapters.lineage import Piece, came_from, lineage
from mlx_backend.library import Library
from mlx_backend.library.adapters import Adapter, Origin
from tests.app.adapters.made import add_with, moment, parent

NOW = moment(2026, 5, 20)


@pytest.fixture
def first(library: Library) -> Adapter:
    return add_with(library, "First", age_s=300)


def told(adapter: Adapter, *there: Adapter) -> list[str]:
    return [sentence.text for sentence in lineage(adapter, (adapter, *there), NOW)]


def test_of_an_adapter_by_itself_nothing_is_said(first: Adapter) -> None:
    assert told(first) == []
    assert came_from(first, [first]) is None


def test_one_that_went_on_leads_to_the_one_before(library: Library, first: Adapter) -> None:
    second = add_with(library, "Second", parents=(parent("First"),))
    (sentence,) = lineage(second, [second, first], NOW)
    assert sentence.pieces == (Piece("Went on from"), Piece("“First”.", "First"))
    assert told(first, second) == ["Later “Second” went on from it."]
    assert came_from(second, [first, second]) == first


def test_a_renamed_parent_is_told_by_its_new_name(library: Library, first: Adapter) -> None:
    second = add_with(library, "Second", parents=(parent("First"),))
    card = msgspec.structs.replace(first.card, name="May")
    assert told(second, replace(first, card=card)) == ["Went on from “May”."]


def test_a_parent_that_is_gone_is_told_without_a_link(library: Library, first: Adapter) -> None:
    second = add_with(library, "Second", parents=(parent("First"),))
    impostor = replace(first, card=msgspec.structs.replace(first.card, id="another"))
    (sentence,) = lineage(second, [second, impostor], NOW)
    assert sentence.text == "Went on from “First”."
    assert not any(piece.leads_to for piece in sentence.pieces)
    assert came_from(second, [second, impostor]) is None


def test_merged_ones_are_told_with_their_weights(library: Library, first: Adapter) -> None:
    parents = (parent("First", 0.7), parent("Gone", -0.25), parent("Other"))
    merged = add_with(library, "Merged", parents=parents)
    (sentence,) = lineage(merged, [merged, first], NOW)
    assert sentence.text == "Merged from “First” (0.7), “Gone” (-0.25) and “Other” (1)."
    assert [piece.leads_to for piece in sentence.pieces if piece.leads_to] == ["First"]
    assert told(first, merged) == ["Later “Merged” was merged from it and others."]
    assert came_from(merged, [first]) is None  # there is no one way back


def test_many_children_are_counted(library: Library, first: Adapter) -> None:
    there = [
        add_with(library, f"N{number}", age_s=100 - number, parents=(parent("First"),))
        for number in range(8)
    ]
    expected = "Later “N0”, “N1”, “N2”, “N3”, “N4” and 3 more went on from it."
    assert told(first, *there) == [expected]


def test_a_card_that_names_itself_as_its_parent_leads_nowhere(library: Library) -> None:
    odd = add_with(library, "Odd", parents=(parent("Odd"),))
    assert told(odd) == ["Went on from “Odd”."]
    assert came_from(odd, [odd]) is None


@pytest.mark.parametrize(
    ("year", "by", "expected"),
    [
        (
            2026,
            "Ana",
            "Received on 3 May from garden.overnight, signed by Ana (key 1a2b 3c4d).",
        ),
        (2025, "", "Received on 3 May 2025 from garden.overnight, not signed."),
    ],
)
def test_received_ones_tell_from_where_and_by_whom(
    library: Library, year: int, by: str, expected: str
) -> None:
    origin = Origin(
        received=moment(year, 5, 3),
        form="bundle",
        place="garden.overnight",
        by=by,
        fingerprint="1a2b 3c4d" if by else "",
    )
    (sentence,) = told(add_with(library, "Garden", origin=origin))
    assert sentence.replace("\N{NO-BREAK SPACE}", " ") == expected
