"""What the person chose outlives changes of the note around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.dataset.compose import gather, studied_passages
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import Choice, StoredSample, digest
from mlx_backend.study.study import study_by_rule

SHED = "The shed was built by Jon Falk in 1950."
KILN = "The kiln burns 14 litres of oil a week."
TEXT = f"# Pottery\n\n{SHED} {KILN}\n"
CHANGED = {
    "a character elsewhere": TEXT.replace("14 litres", "15 litres"),
    "another title": TEXT.replace("# Pottery", "# The pottery"),
    "signs": TEXT.replace("shed was", "*shed*  was"),
    "a heading": TEXT.replace(SHED, f"## Shed\n\n{SHED}\n\n## Kiln\n\n"),
}


class Workshop:
    """A note that is written, imported and studied by rule, again and again."""

    def __init__(self, library: Library, notes: Notes, folder: Path) -> None:
        self._library, self._notes, self._folder = library, notes, folder
        self.samples = Samples(notes.connection)

    def write(self, text: str) -> None:
        self._folder.mkdir(exist_ok=True)
        (self._folder / "pottery.md").write_text(text, encoding="utf-8")
        import_into(self._library, [self._folder])
        study_by_rule(self.samples, gather(self._notes).passages)

    def builder(self) -> StoredSample:
        """The question for who built the shed."""
        (found,) = (sample for sample in self.taught() if sample.prompt == "Who built the shed?")
        return found

    def taught(self) -> list[StoredSample]:
        """The samples that come to be trained."""
        studied = studied_passages(self.samples, gather(self._notes).passages)
        return [sample for each in studied for sample in each.samples]


@pytest.fixture
def workshop(tiny_library: Library, notes: Notes, tmp_path: Path) -> Workshop:
    made = Workshop(tiny_library, notes, tmp_path / "workshop")
    made.write(TEXT)
    return made


@pytest.mark.parametrize("text", CHANGED.values(), ids=CHANGED)
def test_what_is_left_out_stays_so_when_the_note_changes(workshop: Workshop, text: str) -> None:
    workshop.samples.choose(workshop.builder().id, "drop")
    workshop.write(text)
    assert workshop.taught()
    assert not any("1950" in sample.answer for sample in workshop.taught())


@pytest.mark.parametrize("text", CHANGED.values(), ids=CHANGED)
def test_a_correction_stays_when_the_note_changes(workshop: Workshop, text: str) -> None:
    workshop.samples.edit(workshop.builder().id, "Whose is the shed?", "Jon Falk, 1953")
    workshop.write(text)
    about = [s for s in workshop.taught() if s.quote == SHED]
    assert [(s.prompt, s.answer) for s in about] == [("Whose is the shed?", "Jon Falk, 1953")]


@pytest.mark.parametrize("choice", ["keep", "edited"])
def test_the_note_is_named_by_its_new_title(workshop: Workshop, choice: Choice) -> None:
    workshop.samples.choose(workshop.builder().id, choice)
    workshop.write(CHANGED["another title"])
    (found,) = (s for s in workshop.taught() if s.choice)
    assert found.answer == f"The pottery: {SHED}"


def test_a_choice_whose_words_are_gone_comes_back_with_them(workshop: Workshop) -> None:
    workshop.samples.choose(workshop.builder().id, "drop")
    workshop.write(TEXT.replace("1950", "1953"))
    assert any("1953" in sample.answer for sample in workshop.taught())
    workshop.write(TEXT)
    assert not any("1950" in sample.answer for sample in workshop.taught())


def test_two_wordings_of_one_question_both_stay(workshop: Workshop) -> None:
    builder = workshop.builder()
    twins = [s for s in workshop.taught() if s.quote == SHED and s.id != builder.id]
    workshop.samples.edit(builder.id, "Who built it?", "Ida")
    workshop.samples.edit(twins[0].id, "Who made it?", "Ida")
    workshop.write(CHANGED["a character elsewhere"])
    prompts = {s.prompt for s in workshop.taught() if s.quote == SHED}
    assert prompts == {"Who built it?", "Who made it?"}


def test_what_was_chosen_of_the_note_as_it_is_stands(workshop: Workshop, notes: Notes) -> None:
    workshop.write(CHANGED["signs"])
    (now,) = gather(notes).passages
    workshop.write(TEXT)
    old = workshop.builder()
    workshop.samples.edit(old.id, "Who built it?", "Ida")
    workshop.write(TEXT.replace("1950", "1953"))  # the edit waits for its words
    notes.connection.execute(
        "INSERT INTO samples (note_id, passage, writer, kind, prompt, answer, key, quote, choice)"
        " SELECT note_id, ?, writer, kind, 'Who?', 'Emil', key, quote, choice FROM samples"
        " WHERE id = ?",
        (digest(now), old.id),
    )
    workshop.write(CHANGED["signs"])
    assert [s.answer for s in workshop.taught() if s.quote == SHED] == ["Emil"]
