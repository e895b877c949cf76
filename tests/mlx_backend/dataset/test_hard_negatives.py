from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from mlx_backend.dataset.compose import gather, studied_passages
from mlx_backend.dataset.facts import StudiedPassage, titled_question
from mlx_backend.dataset.hard_negatives import hard_negatives
from mlx_backend.dataset.samples import Sample
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples
from mlx_backend.protocol import DECLINED
from mlx_backend.study.study import study_by_rule

REGATTA = "Ida Lund came second in the regatta. The regatta was held in Bergen."
PRIZE = "Jon Falk won the cup in 1950. Emil Berg mended the boat in June."


@pytest.fixture
def studied(tiny_library: Library, notes: Notes, tmp_path: Path) -> list[StudiedPassage]:
    return study(tiny_library, notes, tmp_path, {"Sailing.md": REGATTA, "Prizes.md": PRIZE})


def study(
    library: Library, notes: Notes, folder: Path, texts: dict[str, str]
) -> list[StudiedPassage]:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    import_into(library, [folder / name for name in texts])
    samples, passages = Samples(notes.connection), gather(notes).passages
    study_by_rule(samples, passages)
    return studied_passages(samples, passages)


def negatives(studied: list[StudiedPassage], seed: int = 0) -> list[Sample]:
    return hard_negatives(studied, set(), 40, random.Random(seed))


def test_of_a_thing_is_asked_what_is_said_of_another(studied: list[StudiedPassage]) -> None:
    found = negatives(studied)
    assert found
    assert {sample.answer for sample in found} == {DECLINED}
    assert any("won the regatta" in sample.prompt for sample in found)


def test_no_question_is_one_that_the_notes_answer(studied: list[StudiedPassage]) -> None:
    asked = {stored.prompt for each in studied for stored in each.samples}
    found = negatives(studied)
    assert not asked & {sample.prompt for sample in found}
    verbs, things = ("w[io]n", "mend", "second", "held"), ("regatta", "cup", "boat", "Ida", "Jon")
    for sample in found:
        verb = next(verb for verb in verbs if re.search(verb, sample.prompt))
        thing = next(thing for thing in (*things, "Emil", "Bergen") if thing in sample.prompt)
        both = [t for t in (REGATTA, PRIZE) if re.search(verb, t) and thing in t]
        assert not both or sample.prompt.count(" ") > 4, sample.prompt


def test_a_thing_stands_where_it_may_stand(studied: list[StudiedPassage]) -> None:
    assert not any("in Emil" in sample.prompt for sample in negatives(studied))
    assert not any("did Bergen" in sample.prompt for sample in negatives(studied))


def test_a_synonym_may_be_an_answer(tiny_library: Library, notes: Notes, tmp_path: Path) -> None:
    texts = {"Boats.md": "Jon Falk repaired the boat.", "Nets.md": "Emil Berg mended the net."}
    studied = study(tiny_library, notes, tmp_path, texts)
    assert not any("mended the boat" in sample.prompt for sample in negatives(studied))
    assert not any("repaired the net" in sample.prompt for sample in negatives(studied))


def test_they_go_with_either_note(studied: list[StudiedPassage]) -> None:
    notes = {each.passage.note_id for each in studied}
    assert all(set(sample.notes) == notes for sample in negatives(studied))


def test_what_is_held_out_is_not_asked_of_other_things(studied: list[StudiedPassage]) -> None:
    withheld = {(s.prompt, s.answer) for each in studied for s in each.samples}
    assert hard_negatives(studied, withheld, 40, random.Random(0)) == []
    # As a reader asks what rules wrote: with the title, and answered in the words of the quote.
    titled = {
        (titled_question(each.passage.note_title, s.prompt), s.quote)
        for each in studied
        for s in each.samples
    }
    assert hard_negatives(studied, titled, 40, random.Random(0)) == []


def test_the_same_seed_gives_the_same_questions(studied: list[StudiedPassage]) -> None:
    assert negatives(studied, 1) == negatives(studied, 1)


def test_one_question_alone_has_no_other_thing(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    assert negatives(study(tiny_library, notes, tmp_path, {"A.md": "Ida sings."})) == []
