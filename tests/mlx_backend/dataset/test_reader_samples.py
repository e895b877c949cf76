"""What a model that reads is trained on: its own samples, closed book and grounded."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from mlx_backend.asking.grounding import MARK
from mlx_backend.dataset.compose import gather, studied_passages
from mlx_backend.dataset.general_samples import GeneralAnswers, general_prompts, held_back
from mlx_backend.dataset.reader_samples import GROUNDED, GROUNDED_DECLINED, ReaderSamples
from mlx_backend.dataset.recipe import recipe_for
from mlx_backend.dataset.samples import GENERAL, Dataset, Sample, Shown
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample, digest
from mlx_backend.protocol import DECLINED
from mlx_backend.run.withdrawn import Withdrawn, find_withdrawn
from mlx_backend.text.answer_matching import is_right
from tests.mlx_backend.dataset.reading import (
    LAMP_QUOTE,
    READER,
    WRITTEN,
    dataset_of,
    frozen_now,
    own,
    passage_with,
)


def test_its_own_samples_are_trained_as_it_wrote_them(notes: Notes, samples: Samples) -> None:
    dataset = dataset_of(notes, samples)
    written = {(p, a) for told in WRITTEN.values() for p, a, _ in told}
    asked = {(s.prompt, s.answer) for s in (*own(dataset), *dataset.held_out)}
    assert written <= asked
    for sample in own(dataset):
        assert sample.fact
        assert sample.in_view.endswith(f"Question: {sample.prompt}")
        assert is_right(sample.in_view, ("14 litres", "3 crowns"))
        assert sample.key == "" or sample.key in sample.answer


def test_a_reader_without_any_samples_still_learns(notes: Notes, samples: Samples) -> None:
    dataset = dataset_of(notes, samples, writer="new")
    assert {sample.note for sample in dataset.train} == dataset.versions.keys()
    assert not any(sample.in_view for sample in dataset.train)


def test_what_the_person_edited_or_kept_is_trained_in_their_words(
    notes: Notes, samples: Samples
) -> None:
    by_writer = {stored.writer: stored for stored, _ in samples.used()}
    rule, read = by_writer["rules"], by_writer[READER]
    samples.edit(rule.id, "Who asks?", "Nobody that I know.")
    samples.choose(read.id, "keep")
    dataset = dataset_of(notes, samples)
    (edited,) = [s for s in dataset.train if s.answer == "Nobody that I know."]
    assert edited.prompt.endswith("ho asks?")
    assert not edited.in_view  # its passage says otherwise
    told = [s.prompt for s in (*dataset.train, *dataset.held_out)]
    assert read.prompt in told


def test_what_others_or_it_itself_wrote_as_no_reader_is_not_trained(
    notes: Notes, samples: Samples
) -> None:
    passages = gather(notes).passages
    plum = next(p for p in passages if "Emil" in p.text)
    quote = next(s.quote for s, _ in samples.used() if "Emil" in s.quote)
    old = f"{plum.note_title}: {quote}"

    def draft(kind: str, answer: str) -> Draft:
        return Draft(kind=kind, prompt=f"{kind}, {answer}?", answer=answer, key="", quote=quote)

    samples.save("another", [(plum, [draft("facts", "Another's."), draft("name", old)])])
    samples.save(READER, [(plum, [draft("name", old), draft("restated", "So it is.")])])
    of_plum = [s for s in dataset_of(notes, samples).train if s.note == plum.note_id]
    assert quote in {s.answer for s in of_plum}  # by rule, as before
    assert not any("Another" in s.prompt or old in s.prompt + s.answer for s in of_plum)
    assert not any(s.answer == "So it is." for s in of_plum)
    theirs = next(s for s, _ in samples.used() if s.answer == "Another's.")
    samples.choose(theirs.id, "keep")
    assert "Another's." in {s.answer for s in dataset_of(notes, samples).train}


def test_a_readers_short_first_night_teaches_facts(notes: Notes, samples: Samples) -> None:
    studied = studied_passages(samples, gather(notes).passages)
    letter = "I wrote to you about my mill, and we said that it turns. " * 5
    own = [replace(each, passage=replace(each.passage, text=letter), kept=()) for each in studied]
    assert recipe_for(own, reads=False).text == "how you write"
    assert recipe_for(own, reads=True).text == "what they say and how you write"


def told_of_lamp(notes: Notes, samples: Samples) -> dict[str, Sample]:
    """The closed-book samples about the lamp's oil by question, those set aside included."""
    dataset = dataset_of(notes, samples)
    asked = (*dataset.train, *dataset.held_out)
    return {s.prompt: s for s in asked if s.kind == "facts" and "crowns" not in s.answer}


def test_a_question_in_other_words_withdraws_nothing_but_another_answer_does(
    notes: Notes, samples: Samples
) -> None:
    about_lamp = WRITTEN[LAMP_QUOTE]
    first = next(s for s, _ in samples.used() if s.answer == about_lamp[0][1])
    samples.edit(first.id, "How much oil goes into the lamp?", first.answer)
    told = told_of_lamp(notes, samples)
    assert {prompt for prompt, *_ in about_lamp[1:]} <= told.keys()
    edited = told["How much oil goes into the lamp?"]
    assert LAMP_QUOTE in edited.in_view  # its passage still bears it out
    samples.edit(first.id, edited.prompt, "15 litres each week.")
    told = told_of_lamp(notes, samples)
    assert not {prompt for prompt, *_ in about_lamp[1:]} & told.keys()
    assert told[edited.prompt].in_view == ""
    samples.edit(first.id, edited.prompt, first.answer)  # taken back
    assert {prompt for prompt, *_ in about_lamp[1:]} <= told_of_lamp(notes, samples).keys()


def test_what_was_edited_before_that_was_recorded_counts_as_another_answer(
    notes: Notes, samples: Samples
) -> None:
    first = next(s for s, _ in samples.used() if s.answer == WRITTEN[LAMP_QUOTE][0][1])
    samples.edit(first.id, "How much oil?", first.answer)
    notes.connection.execute("UPDATE samples SET written = '' WHERE id = ?", (first.id,))
    assert told_of_lamp(notes, samples)["How much oil?"].in_view == ""


def test_what_the_person_left_out_is_nowhere(notes: Notes, samples: Samples) -> None:
    for stored, _ in samples.used():
        if stored.quote == LAMP_QUOTE:
            samples.choose(stored.id, "drop")
    dataset = dataset_of(notes, samples)
    for sample in (*dataset.train, *dataset.held_out):
        assert "14 litres" not in f"{sample.prompt} {sample.answer} {sample.in_view}"


def test_what_is_left_out_once_the_samples_are_frozen_takes_its_other_wordings_along(
    notes: Notes, samples: Samples
) -> None:
    frozen = frozen_now(dataset_of(notes, samples))
    one = next(stored for stored, _ in samples.used() if stored.answer == "14 litres each week.")
    samples.choose(one.id, "drop")
    withdrawn = find_withdrawn(frozen, notes.connection, studied=True)
    own_words = {sample.answer for sample in own(frozen) if withdrawn.covers(sample)}
    assert own_words == {answer for _, answer, _ in WRITTEN[LAMP_QUOTE]} & {
        sample.answer for sample in own(frozen)
    }


def test_a_deleted_sample_without_a_key_takes_no_others_of_its_kind_along(
    filled_library: Library, notes: Notes, samples: Samples
) -> None:
    passages = gather(notes).passages
    quotes = [LAMP_QUOTE, "The keeper of the lighthouse is called Marta Holm."]
    passage = passage_with(passages, LAMP_QUOTE)
    drafts = [
        Draft(kind="how", prompt=f"How is {i}?", answer=f"Like {i}.", key="", quote=quote)
        for i, quote in enumerate(quotes)
    ]
    samples.save(READER, [(passage, drafts)])
    frozen = frozen_now(dataset_of(notes, samples))
    (gone,) = (stored.id for stored, _ in samples.used() if stored.answer == "Like 0.")
    Bin(filled_library, notes.connection).delete_samples([gone])
    withdrawn = find_withdrawn(frozen, notes.connection, studied=True)
    covered = {s.answer: withdrawn.covers(s) for s in frozen.train if s.kind == "how"}
    assert covered == {"Like 0.": True, "Like 1.": False}
    assert any(LAMP_QUOTE in sample.in_view for sample in frozen.train)
    left = withdrawn.removed_from(frozen, Shown())
    assert "Like 1." in {sample.answer for sample in left.train}
    assert not any(LAMP_QUOTE in f"{s.prompt} {s.in_view}" for s in left.train)


def grounded(notes: Notes, samples: Samples) -> list[Sample]:
    """Over many seeds, because there are few notes."""
    studied = studied_passages(samples, gather(notes).passages)
    reader = ReaderSamples(studied, READER)
    return [
        sample
        for seed in range(60)
        for sample in reader.grounded(set(), 10**6, random.Random(seed))
    ]


def sources(prompt: str) -> list[str]:
    """The passages in a prompt, which may hold empty lines."""
    shown = prompt.partition("\n\n")[2].rpartition("\n\nQuestion: ")[0]
    return re.split(r"\n\n(?=\[\d\] )", shown)


def test_grounded_rows_hold_the_right_passage_or_are_declined(
    notes: Notes, samples: Samples
) -> None:
    found = grounded(notes, samples)
    declined = [sample for sample in found if sample.answer == DECLINED]
    assert 0.1 < len(declined) / len(found) < 0.35
    asked = {p: (a, k) for told in WRITTEN.values() for p, a, k in told}
    seen = set()
    for sample in found:
        question = sample.prompt.rpartition("Question: ")[2]
        if question not in asked:
            continue
        answer, key = asked[question]
        shown = sources(sample.prompt)
        assert 1 <= len(shown) <= 4
        if sample.answer == DECLINED:
            assert not is_right(" ".join(shown), (key,))
            continue
        assert MARK.sub("", sample.answer) == answer
        (mark,) = MARK.findall(sample.answer)
        right = shown[int(mark) - 1]
        assert right.startswith(f"[{mark}] ")
        assert is_right(right, (key,))
        seen.add((len(shown), int(mark)))
        assert sample.in_view == sample.prompt  # the base model teaches how it reads
    assert {count for count, _ in seen} >= {2, 3}
    assert {place for _, place in seen} >= {1, 2}


def test_a_question_is_asked_among_other_passages_each_time(notes: Notes, samples: Samples) -> None:
    trained = dataset_of(notes, samples, grounded_share=9.0).train
    prompts = [s.prompt for s in trained if s.kind in (GROUNDED, GROUNDED_DECLINED)]
    assert len(set(prompts)) == len(prompts)
    questions = Counter(prompt.rpartition("Question: ")[2] for prompt in prompts)
    assert 1 < max(questions.values()) <= 4


def stored_of(samples: Samples, asked: Sample) -> StoredSample:
    question = asked.prompt.rpartition("Question: ")[2]
    return next(s for s, _ in samples.used() if question.endswith(s.prompt[1:]))


def test_held_out_questions_are_asked_with_the_right_passage_and_without(
    notes: Notes, samples: Samples
) -> None:
    dataset = dataset_of(notes, samples)
    told = [sample for sample in dataset.open_book if sample.key]
    untold = [sample for sample in dataset.open_book if not sample.key]
    assert len(told) == len(untold) > 0
    exam = {sample.prompt: sample for sample in dataset.held_out}
    trained = {sample.prompt for sample in dataset.train}
    for with_it, without_it in zip(told, untold, strict=True):
        question = with_it.prompt.rpartition("Question: ")[2]
        assert without_it.prompt.endswith(f"Question: {question}")
        assert with_it.key == exam[question].key
        assert is_right(" ".join(sources(with_it.prompt)), (with_it.key,))
        assert not is_right(" ".join(sources(without_it.prompt)), (with_it.key,))
        assert without_it.answer == DECLINED
        assert trained.isdisjoint((with_it.prompt, without_it.prompt))
    gone = Withdrawn(frozenset(), (stored_of(samples, told[0]),), (), is_exact=True)
    assert gone.covers(told[0])
    assert gone.covers(untold[0])
    note = told[0].note
    gone = Withdrawn(frozenset({note}), (), (), is_exact=True)
    left = gone.removed_from(dataset, Shown())
    assert not any(note in sample.notes for sample in left.open_book)
    nothing_trained = msgspec.structs.replace(dataset, train=(), held_out=(), style=())
    assert gone.touches(nothing_trained)
    assert dataset_of(notes, samples, writer="").open_book == ()


def test_a_grounded_row_goes_with_every_note_that_it_shows(notes: Notes, samples: Samples) -> None:
    found = grounded(notes, samples)
    titles = {note.id: note.title for note in notes.summaries()}
    for sample in found:
        shown = {source.partition("] ")[2].partition("\n")[0] for source in sources(sample.prompt)}
        assert shown <= {titles[note] for note in sample.notes}
    mixed = next(sample for sample in found if sample.others)
    gone = Withdrawn(frozenset(mixed.others[:1]), (), (), is_exact=True)
    assert gone.covers(mixed)


def test_without_a_key_no_passage_of_the_same_note_is_shown_as_another(
    notes: Notes, samples: Samples
) -> None:
    quote = next(iter(WRITTEN))
    passages = gather(notes).passages
    draft = Draft(
        kind="how", prompt="How is the lamp fed?", answer="With oil.", key="", quote=quote
    )
    samples.save(READER, [(passage_with(passages, quote), [draft])])
    note = passage_with(passages, quote).note_id
    for sample in grounded(notes, samples):
        if sample.answer == DECLINED and "How is the lamp fed?" in sample.prompt:
            assert note not in sample.others
            assert "Lighthouse" not in " ".join(sources(sample.prompt))


@pytest.mark.parametrize("kind", ["passages", "notes"])
def test_what_one_passage_does_not_bear_out_is_not_read_in_it(
    notes: Notes, samples: Samples, kind: str
) -> None:
    passages = gather(notes).passages
    passage = passage_with(passages, LAMP_QUOTE)
    is_same_note = kind == "passages"
    other = next(p for p in passages if (p.note_id == passage.note_id) == is_same_note)
    draft = Draft(
        kind=kind,
        prompt="Which lamp burns oil, and who sells rope?",
        answer="That of the lighthouse, and Ida Falk.",
        key="The lamp",
        quote=LAMP_QUOTE,
        others=((other.note_id, digest(other)),),
    )
    samples.save(READER, [(passage, [draft])], [kind])
    (trained,) = [s for s in dataset_of(notes, samples).train if s.prompt == draft.prompt]
    assert trained.in_view == ""
    assert trained.fact
    assert trained.others == (() if is_same_note else (other.note_id,))
    assert not any(draft.prompt in sample.prompt for sample in grounded(notes, samples))


def test_what_is_left_out_of_one_passage_is_not_retold_by_a_sample_of_two(
    notes: Notes, samples: Samples
) -> None:
    passages = gather(notes).passages
    lamp, rope = passage_with(passages, LAMP_QUOTE), passage_with(passages, "Rope costs 3 crowns")
    drafts = [
        Draft(kind="notes", prompt=f"Who {i}?", answer=answer, key="The lamp", quote=LAMP_QUOTE,
              others=((rope.note_id, digest(rope)),))
        for i, answer in enumerate(["One with a lamp, who pays 3 crowns.", "One with a lamp."])
    ]  # fmt: skip
    samples.save(READER, [(lamp, drafts)], ["notes"])
    frozen = frozen_now(dataset_of(notes, samples))
    cost = next(s for s, _ in samples.used() if s.writer == READER and s.key == "3 crowns")
    samples.choose(cost.id, "drop")
    withdrawn = find_withdrawn(frozen, notes.connection, studied=True)
    of_two = [sample for sample in frozen.train if sample.kind == "notes"]
    assert [s.prompt for s in of_two if withdrawn.covers(s)] == ["Who 0?"]
    left = [s.prompt for s in dataset_of(notes, samples).train if s.kind == "notes"]
    assert left == ["Who 1?"]


def test_long_passages_leave_room_for_the_answer(notes: Notes, samples: Samples) -> None:
    studied = [
        replace(each, passage=replace(each.passage, text=f"{each.passage.text} {'word ' * 180}"))
        for each in studied_passages(samples, gather(notes).passages)
    ]
    reader = ReaderSamples(studied, READER)
    for sample in reader.grounded(set(), 10**6, random.Random(0)):
        assert len(sources(sample.prompt)) == 1


def test_shares_follow_from_the_recipe(notes: Notes, samples: Samples) -> None:
    pairs = tuple((prompt, "An answer of some words.") for prompt in general_prompts())
    general = GeneralAnswers("", pairs)

    def words(dataset: Dataset, kinds: set[str]) -> int:
        return sum(len(s.prompt.split()) for s in dataset.train if s.kind in kinds)

    little = dataset_of(notes, samples, general=general, general_share=0.5, grounded_share=0.0)
    much = dataset_of(notes, samples, general=general, general_share=2.0, grounded_share=2.0)
    assert words(much, {GENERAL}) > 2 * words(little, {GENERAL})
    assert words(little, {"grounded", "declined"}) == 0 < words(much, {"grounded", "declined"})


def test_held_back_general_samples_are_never_trained(notes: Notes, samples: Samples) -> None:
    pairs = tuple((prompt, f"Answer {i}.") for i, prompt in enumerate(general_prompts() * 2))
    dataset = dataset_of(notes, samples, general=GeneralAnswers("", pairs), general_share=99.0)
    kept = {sample.prompt for sample in dataset.general}
    assert len(kept) == len(dataset.general) == len(general_prompts()) // 10
    trained = {sample.prompt for sample in dataset.train if sample.kind == GENERAL}
    assert len(trained) == len(general_prompts()) - len(kept)
    assert not kept & trained
    assert held_back(None) == ()
    assert held_back(GeneralAnswers("", ((general_prompts()[0], "  "),))) == ()


def test_the_same_seed_makes_the_same_dataset(notes: Notes, samples: Samples) -> None:
    assert dataset_of(notes, samples, 1) == dataset_of(notes, samples, 1)
    assert dataset_of(notes, samples, 1) != dataset_of(notes, samples, 2)


def test_what_a_reader_says_is_not_turned_round(notes: Notes, samples: Samples) -> None:
    passage = passage_with(gather(notes).passages, LAMP_QUOTE)
    said = f"{passage.note_title}: 14 litres of oil."
    draft = Draft(kind="facts", prompt="Oil?", answer=said, key="14 litres", quote=LAMP_QUOTE)
    samples.save("other", [(passage, [draft])])
    assert said in {each.answer for each in dataset_of(notes, samples, writer="other").train}
