"""What a reader learns beside its own samples: every statement, in the note's own words."""

from __future__ import annotations

import pytest

from mlx_backend.dataset.compose import gather, studied_passages
from mlx_backend.dataset.reader_samples import ReaderSamples, passages_by_rule
from mlx_backend.dataset.samples import Shown
from mlx_backend.library.notes import Notes
from mlx_backend.library.sample_drafts import Draft
from mlx_backend.library.samples import Samples
from mlx_backend.run.withdrawn import find_withdrawn
from tests.mlx_backend.dataset.reading import (
    LAMP_QUOTE,
    PLUM_QUOTE,
    READER,
    WRITTEN,
    dataset_of,
    frozen_now,
    own,
    passage_with,
)


def test_every_statement_is_also_learned_in_the_notes_words(notes: Notes, samples: Samples) -> None:
    dataset = dataset_of(notes, samples)
    by_rule = [s for s in dataset.train if s.fact and not s.in_view]
    assert {"keywords", "opening"} <= {sample.kind for sample in by_rule}
    answers = {sample.answer for sample in by_rule}
    assert {PLUM_QUOTE, LAMP_QUOTE} <= answers
    titles = {note.title for note in notes.summaries()}
    assert not any(answer.startswith(f"{title}: ") for answer in answers for title in titles)
    studied = studied_passages(samples, gather(notes).passages)
    assert 0 < passages_by_rule(studied, READER) == len(studied) - len(WRITTEN)
    assert passages_by_rule(studied, "another") > passages_by_rule(studied, READER)


@pytest.mark.parametrize(
    "quote",
    [
        PLUM_QUOTE,
        "The [plum tree](trees/plum.md) was\nplanted by **grandfather Emil** in 1952 and still"
        " bears fruit.",
    ],
)
def test_rules_ask_for_what_its_own_samples_do_not(
    notes: Notes, samples: Samples, quote: str
) -> None:
    draft = Draft(
        kind="facts", prompt="When was it planted?", answer="In '52.", key="1952", quote=quote
    )
    samples.save(READER, [(passage_with(gather(notes).passages, "Emil"), [draft])])
    studied = studied_passages(samples, gather(notes).passages)
    left = ReaderSamples(studied, READER).beside
    keys = {(s.quote[:13], s.key) for each in left for s in each.kept}
    assert {key for about, key in keys if about == "The plum tree"} == {"the plum tree"}
    assert ("The lamp burn", "14") not in keys  # its own sample asks for 14 litres
    assert ("The keeper be", "1987") in keys


def test_a_list_of_its_own_takes_no_question_about_its_parts_away(
    notes: Notes, samples: Samples
) -> None:
    draft = Draft(kind="list", prompt="All?", answer="All.", key=PLUM_QUOTE, quote=PLUM_QUOTE)
    samples.save(READER, [(passage_with(gather(notes).passages, "Emil"), [draft])])
    studied = studied_passages(samples, gather(notes).passages)
    left = {s.key for each in ReaderSamples(studied, READER).beside for s in each.kept}
    assert {"1952", "the plum tree"} <= left


def test_its_questions_are_also_asked_with_the_title(notes: Notes, samples: Samples) -> None:
    asked = [s for s in own(dataset_of(notes, samples)) if s.prompt.startswith("What does rope")]
    (cost,) = asked
    assert "The rope shop: what does rope cost at Ida Falk's?" in cost.rewordings
    assert cost.answer == "Three crowns for a metre."
    assert all(prompt.endswith("?") for prompt in cost.rewordings)


@pytest.mark.parametrize("wrote", ["rules", READER])
def test_what_the_person_corrected_is_learned_in_no_words_of_the_note(
    notes: Notes, samples: Samples, wrote: str
) -> None:
    draft = Draft(
        kind="facts", prompt="When was it?", answer="In '52.", key="1952", quote=PLUM_QUOTE
    )
    samples.save(READER, [(passage_with(gather(notes).passages, "Emil"), [draft])])
    stored = next(s for s, _ in samples.used() if s.writer == wrote and s.quote == PLUM_QUOTE)
    samples.edit(stored.id, "When was the tree planted?", "In 1962.")
    for sample in dataset_of(notes, samples).train:
        told = f"{sample.prompt} {sample.rewordings} {sample.answer} {sample.in_view}"
        assert "1952" not in told
        assert "Emil" not in told


@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("wrote", ["rules", READER])
@pytest.mark.parametrize(
    "quote",
    [
        PLUM_QUOTE,
        "The [plum tree](trees/plum.md) was\nplanted by **grandfather Emil** in 1952 and still"
        " bears fruit.",
        f"Potatoes go to the north bed in April. {PLUM_QUOTE}",
    ],
)
def test_what_is_left_out_of_one_writer_is_in_no_words_of_the_other(
    notes: Notes, samples: Samples, quote: str, wrote: str, is_frozen: bool
) -> None:
    draft = Draft(kind="facts", prompt="When was it?", answer="In '52.", key="1952", quote=quote)
    samples.save(READER, [(passage_with(gather(notes).passages, "Emil"), [draft])])
    frozen = frozen_now(dataset_of(notes, samples))
    for stored, _ in samples.used():
        if stored.writer == wrote and "Emil" in stored.quote:
            samples.choose(stored.id, "drop")
    if is_frozen:
        withdrawn = find_withdrawn(frozen, notes.connection, studied=True)
        left = withdrawn.removed_from(frozen, Shown())
    else:
        left = dataset_of(notes, samples)
    for sample in left.train:
        told = f"{sample.prompt} {sample.rewordings} {sample.answer} {sample.in_view}"
        assert "Emil" not in told
        assert "1952" not in told
