"""The ledger of coverage: what an adapter knows, and where that goes with notes and adapters."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.bin import Bin
from mlx_backend.library.ledger import Ledger, LedgerFact

pytestmark = pytest.mark.usefixtures("filled")

# The notes of the filled database are 3 and 9.
LAMP = LedgerFact("aa", 3, wordings=5, both_ways=True, known=True)
COPY = LedgerFact("bb", 9, wordings=1, both_ways=False, known=False)
UNASKED = LedgerFact("cc", 9, wordings=2, both_ways=False, known=None)
ALL = [LAMP, COPY, UNASKED]


@pytest.fixture
def ledger(connection: sqlite3.Connection) -> Ledger:
    return Ledger(connection)


def test_what_is_recorded_is_read_again(ledger: Ledger) -> None:
    assert ledger.of("a") == []
    ledger.record("a", reversed(ALL))
    ledger.record("b", [COPY])
    assert ledger.of("a") == ALL
    ledger.record("a", [UNASKED])
    assert (ledger.of("a"), ledger.of("b")) == ([UNASKED], [COPY])


def test_facts_of_notes_that_are_gone_are_not_recorded(ledger: Ledger) -> None:
    ledger.record("a", [LAMP, LedgerFact("dd", 77, 1, False, True)])
    assert ledger.of("a") == [LAMP]


def test_a_failed_record_leaves_what_was_there(ledger: Ledger) -> None:
    ledger.record("a", ALL)
    broken = LedgerFact("ee", 3, wordings="many", both_ways=False, known=None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        ledger.record("a", [broken])
    assert ledger.of("a") == ALL


def test_facts_go_to_the_bin_with_their_note_and_come_back(ledger: Ledger, bin_: Bin) -> None:
    ledger.record("a", ALL)
    (item,) = bin_.delete_notes([9])
    assert ledger.of("a") == [LAMP]
    bin_.restore(item.id)
    assert ledger.of("a") == ALL


def test_facts_of_a_note_deleted_for_good_are_gone(ledger: Ledger, bin_: Bin) -> None:
    ledger.record("a", ALL)
    bin_.delete_notes([3])
    bin_.empty()
    assert ledger.of("a") == [COPY, UNASKED]


@pytest.mark.parametrize("renamed", [False, True])
def test_an_adapter_back_from_the_bin_knows_what_it_knew(
    ledger: Ledger, bin_: Bin, adapters: Path, renamed: bool
) -> None:
    own = read_adapter(adapters, "Garden").card.id
    ledger.record(own, ALL)
    item = bin_.delete_adapter("Garden")
    if renamed:
        (adapters / "Garden").mkdir()  # the name is taken meanwhile
    back = bin_.restore(item.id)
    assert (back.name == "Garden") != renamed
    assert ledger.of(read_adapter(adapters, back.name).card.id) == ALL


@pytest.mark.parametrize("way", ["removed", "emptied", "at once", "purged"])
def test_what_an_adapter_knew_goes_with_it_for_good(
    ledger: Ledger, bin_: Bin, adapters: Path, way: str
) -> None:
    own = read_adapter(adapters, "Garden").card.id
    ledger.record(own, ALL)
    ledger.record("another", ALL)
    if way == "at once":
        bin_.delete_adapter_now("Garden")
    else:
        item = bin_.delete_adapter("Garden")
        assert ledger.of(own) == ALL
        if way == "removed":
            bin_.remove(item.id)
        elif way == "emptied":
            bin_.empty()
        else:
            for days in (40, 80):
                bin_.purge(30, item.deleted + days * 86_400)
    assert (ledger.of(own), ledger.of("another")) == ([], ALL)


@pytest.mark.parametrize("at_once", [False, True])
def test_facts_of_an_adapter_deleted_for_good_do_not_come_back_with_a_note(
    ledger: Ledger, bin_: Bin, adapters: Path, at_once: bool
) -> None:
    own = read_adapter(adapters, "Garden").card.id
    ledger.record(own, ALL)
    ledger.record("another", ALL)
    (note,) = bin_.delete_notes([9])
    if at_once:
        bin_.delete_adapter_now("Garden")
    else:
        bin_.remove(bin_.delete_adapter("Garden").id)
    bin_.restore(note.id)
    assert (ledger.of(own), ledger.of("another")) == ([], ALL)


def test_a_damaged_adapter_can_be_deleted_for_good_all_the_same(bin_: Bin, adapters: Path) -> None:
    (adapters / "Garden" / "card.json").write_bytes(b"{\xff")
    item = bin_.delete_adapter("Garden")
    bin_.remove(item.id)
    assert bin_.items() == []
