"""Which questions are set aside for the exam, and that their facts are still taught."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace

import pytest

from mlx_backend.dataset.facts import StudiedPassage, titled_question
from mlx_backend.dataset.held_out import (
    CHOOSING_FEWEST,
    CHOOSING_MOST,
    EXAM_MOST,
    SetAside,
    set_aside,
    without,
)
from mlx_backend.dataset.samples import Sample, fact_of
from mlx_backend.library.notes import Passage
from mlx_backend.library.sample_drafts import RULES
from mlx_backend.library.stored_samples import Choice, StoredSample

MODEL = "a model"
_numbers = itertools.count(1)


def passage(note: int, number: int = 0) -> Passage:
    return Passage(
        id=note * 100 + number,
        note_id=note,
        note_title=f"Note {note}",
        position=number,
        heading="",
        text="",
    )


def question(
    note: int, prompt: str, quote: str, writer: str = RULES, choice: Choice = ""
) -> StoredSample:
    return StoredSample(
        id=next(_numbers),
        note_id=note,
        note_title=f"Note {note}",
        writer=writer,
        kind="name",
        prompt=prompt,
        answer=f"Note {note}: {quote}",
        key=quote.split(maxsplit=1)[0],
        quote=quote,
        dropped="",
        choice=choice,
        of_used_note=True,
    )


def note_of(number: int, facts: int, writers: tuple[str, ...] = (RULES, MODEL)) -> StudiedPassage:
    """A note with some facts, each asked for by every writer in three unlike wordings."""
    asked = []
    for fact in range(facts):
        quote = f"Ida{fact} keeps lamp{fact} burning all year{number}."
        forms = ("Who keeps {} alight?", "Whose duty is {} nowadays?", "Name of {} guard, please?")
        for writer in writers:
            asked += [
                question(number, f.format(f"{writer[-1]}lamp{fact}"), quote, writer) for f in forms
            ]
    return StudiedPassage(passage(number), (), asked)


def chosen(*studied: StudiedPassage, seed: int = 0) -> SetAside:
    return set_aside(studied, random.Random(seed))


def test_as_many_from_each_note_whatever_their_size() -> None:
    found = chosen(note_of(1, 60), *(note_of(n, 4) for n in range(2, 12)))
    asked = Counter(sample.note for sample in found.all)
    assert set(asked) == set(range(1, 12))
    others = [asked[n] for n in range(2, 12)]
    assert max(others) - min(others) <= 1
    assert asked[1] > max(others), "a note without more facts leaves its turn to the others"


def test_up_to_a_hundred_and_some_for_choosing_none_of_which_is_both() -> None:
    found = chosen(*(note_of(n, 30) for n in range(1, 12)))
    assert len(found.exam) == EXAM_MOST
    assert len(found.choosing) == CHOOSING_MOST
    facts = [sample.fact for sample in found.all]
    assert len(set(facts)) == len(facts), "at most one a fact"


def test_half_are_worded_by_another_writer_and_so_are_the_first_ones() -> None:
    found = chosen(*(note_of(n, 30) for n in range(1, 12)))
    assert sum(sample.by_other for sample in found.exam) == EXAM_MOST // 2
    assert 3 <= sum(sample.by_other for sample in found.exam[:10]) <= 7
    assert 0.4 < sum(s.by_other for s in found.choosing) / len(found.choosing) < 0.6


def test_nothing_of_the_writer_who_asks_is_trained_of_that_fact() -> None:
    studied = [note_of(n, 12) for n in range(1, 6)]
    found = chosen(*studied)
    stored = [each for one in studied for each in one.samples]
    by_prompt = {titled_question(s.note_title, s.prompt): s for s in stored}
    for sample in found.all:
        asked = by_prompt[sample.prompt]
        same = [s for s in stored if s.quote == asked.quote]
        trained = [s for s in same if (s.prompt, s.answer) not in found.withheld]
        assert trained, "the fact is taught"
        if sample.by_other:
            assert {s.writer for s in trained} == {RULES, MODEL} - {asked.writer}
        else:
            assert asked.writer in {s.writer for s in trained}


def test_crooked_questions_of_the_writer_who_asks_are_not_trained_either() -> None:
    studied = []
    for note in range(1, 6):
        plain = note_of(note, 12)
        asked = {(s.quote, s.writer) for s in plain.samples}
        crooked = [question(note, f"Who is {q}?", q, writer) for q, writer in sorted(asked)]
        studied.append(replace(plain, crooked=crooked))
    found = chosen(*studied)
    assert {sample.by_other for sample in found.all} == {True, False}
    left = [s for each in found.without_silenced(studied) for s in each.crooked]
    of_fact = Counter(fact_of(s.note_id, s.quote) for s in left)
    for sample in found.all:
        assert of_fact[sample.fact] == (1 if sample.by_other else 2)


def test_with_one_writer_alone_no_question_claims_another() -> None:
    found = chosen(*(note_of(n, 12, (RULES,)) for n in range(1, 6)))
    assert found.exam
    assert not any(sample.by_other for sample in found.all)


def test_words_that_a_person_chose_are_trained_all_the_same() -> None:
    kept = [
        question(1, "Who keeps it?", "Ida keeps the lamp.", RULES, "keep"),
        question(1, "Whose lamp is that?", "Ida keeps the lamp.", RULES),
        question(1, "Name the guard now?", "Ida keeps the lamp.", MODEL),
    ]
    filler = [note_of(n, 8, (RULES,)) for n in range(2, 6)]
    for seed in range(10):
        found = chosen(StudiedPassage(passage(1), (), kept), *filler, seed=seed)
        own = [sample for sample in found.all if sample.note == 1]
        assert (kept[0].prompt, kept[0].answer) not in found.withheld
        assert all("keeps it" not in sample.prompt for sample in own)


def test_longer_and_shorter_quotes_of_the_same_words_are_one_fact() -> None:
    long = "Ida keeps the lamp burning all year."
    several = [
        question(1, "Who keeps it alight?", long, RULES),
        question(1, "Whose lamp is that now?", long, RULES),
        question(1, "Name the guard, please?", "Ida keeps the lamp", MODEL),
        question(1, "Which person tends things?", "Ida keeps the lamp", MODEL),
    ]
    filler = [note_of(n, 8, (RULES,)) for n in range(2, 6)]
    seen = []
    for seed in range(12):
        found = chosen(StudiedPassage(passage(1), (), several), *filler, seed=seed)
        own = [sample for sample in found.all if sample.note == 1]
        assert len(own) <= 1
        seen += own
    assert any(sample.by_other for sample in seen)


def test_a_question_that_tells_its_answer_is_not_asked() -> None:
    telling = [question(1, f"Is Ida {n} the keeper?", "Ida keeps it.") for n in ("a", "b", "c")]
    found = chosen(StudiedPassage(passage(1), (), telling), note_of(2, 8, (RULES,)))
    assert {sample.note for sample in found.all} == {2}


@pytest.mark.parametrize("mark", ["?", "？", "؟"])
def test_questions_of_other_scripts_are_questions(mark: str) -> None:
    asked = [
        question(1, f"{words}{mark}", f"Ida{n} keeps lamp {n}.")
        for n in range(20)
        for words in (f"谁 负责 灯 {n}", f"whose turn {n} tonight", f"name of guard {n}")
    ]
    assert chosen(StudiedPassage(passage(1), (), asked)).exam


def test_few_questions_are_all_for_the_exam() -> None:
    found = chosen(*(note_of(n, 2) for n in range(1, 6)))
    assert 0 < len(found.exam) < 4 * CHOOSING_FEWEST
    assert not found.choosing


def test_nothing_to_ask_is_nothing_set_aside() -> None:
    assert chosen().all == []
    assert chosen(StudiedPassage(passage(1), (), ())).all == []


def test_the_same_seed_chooses_the_same() -> None:
    studied = [note_of(n, 12) for n in range(1, 6)]
    assert chosen(*studied, seed=3) == chosen(*studied, seed=3)
    assert chosen(*studied, seed=3) != chosen(*studied, seed=4)


def test_what_is_like_a_held_out_question_of_the_fact_is_no_rewording_either() -> None:
    fact = fact_of(1, "Ida keeps the lamp.")
    asked = Sample("Who keeps the old lamp?", "Ida does.", 1, 1, "name", "Ida", fact=fact)
    sample = Sample(
        "Whose duty is it?",
        "It is Ida.",
        1,
        1,
        "name",
        rewordings=("Who keeps the old lamp?", "And who is it that has the duty?"),
        fact=fact,
    )
    (left,) = without([sample], set(), [asked])
    assert left.prompt == "Whose duty is it?"
    assert left.rewordings == ("And who is it that has the duty?",)
    elsewhere = Sample("Who keeps the old lamp?", "Emil.", 2, 2, "name", fact=fact_of(2, "Emil."))
    assert without([elsewhere], set(), [asked]) == [elsewhere]
