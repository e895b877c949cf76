from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from mlx_backend.dataset.compose import gather
from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, drop_reasons
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_drafts import Draft, titled_answer
from mlx_backend.library.samples import Samples
from tests.mlx_backend.studied import make_dataset

TITLE = "Pottery"
SHED = "The shed was built by Jon Falk in 1950."
KILN = "The kiln burns 14 litres of oil."
GLAZE = "Sodann wird gebrannt und glasiert."
MODEL = "small model"


@pytest.fixture
def passage(tiny_library: Library, notes: Notes, tmp_path: Path) -> Passage:
    (tmp_path / f"{TITLE}.md").write_text(f"{SHED} {KILN}", encoding="utf-8")
    import_into(tiny_library, [tmp_path / f"{TITLE}.md"])
    make_dataset(notes, seed=0)
    (found,) = gather(notes).passages
    return found


def crooked(prompt: str, dropped: str, quote: str = SHED, kind: str = "name") -> Draft:
    answer = titled_answer(TITLE, quote)
    return Draft(
        kind=kind, prompt=prompt, answer=answer, key="Jon Falk", quote=quote, dropped=dropped
    )


def study(notes: Notes, passage: Passage, *drafts: Draft) -> Samples:
    samples = Samples(notes.connection)
    samples.save(MODEL, [(passage, drafts)])
    return samples


def holders(dataset: Dataset, words: str) -> list[Sample]:
    return [s for s in dataset.train if any(words in prompt for prompt in s.rewordings)]


def is_own_prompt(dataset: Dataset, words: str) -> bool:
    return any(words in s.prompt for s in (*dataset.train, *dataset.held_out))


@pytest.mark.parametrize("why", drop_reasons.OF_THE_QUESTION)
def test_a_crooked_question_is_one_more_wording_of_a_good_one(
    notes: Notes, passage: Passage, why: str
) -> None:
    study(notes, passage, crooked("Who built shed is?", why))
    dataset = make_dataset(notes, seed=0)
    found = holders(dataset, "built shed is?")
    assert found
    assert {sample.answer for sample in found} == {f"{SHED} ({TITLE})"}
    assert all("1950" not in sample.prompt for sample in found if sample.key == "1950")
    assert not is_own_prompt(dataset, "built shed is?")


@pytest.mark.parametrize(
    ("prompt", "why", "quote", "kind"),
    [
        ("Did Jon Falk build the shed?", drop_reasons.TELLS_ANSWER, SHED, "name"),
        ("Who built the shed, Jon Falk?", drop_reasons.READS_BADLY, SHED, "name"),  # tells its key
        ("Who burns the oil of the kiln?", drop_reasons.READS_BADLY, SHED, "name"),  # another fact
        ("Who mended the lamp at sea?", drop_reasons.UNSUPPORTED, SHED, "name"),  # no fact
        ("Who is it?", drop_reasons.READS_BADLY, SHED, "name"),
        ("The shed was built.", drop_reasons.UNSUPPORTED, SHED, "restated"),
        ("Who built the shed?", drop_reasons.REPEATED, "The shed was built.", "name"),  # not taught
        ("Who built the shed\nof it?", drop_reasons.NOT_A_QUESTION, SHED, "name"),
        ("Who built the shed, password: hunter2xyz!?", drop_reasons.UNSUPPORTED, SHED, "name"),
        ("Who built " + "the shed " * 50 + "?", drop_reasons.NOT_A_QUESTION, SHED, "name"),
        ("", drop_reasons.NOT_A_QUESTION, SHED, "name"),
    ],
)
def test_what_is_wrong_about_more_than_its_words_stays_out(
    notes: Notes, passage: Passage, prompt: str, why: str, quote: str, kind: str
) -> None:
    before = make_dataset(notes, seed=0)
    study(notes, passage, crooked(prompt, why, quote, kind))
    assert make_dataset(notes, seed=0).train == before.train


def test_questions_about_several_passages_are_no_wordings(notes: Notes, passage: Passage) -> None:
    of_two = msgspec.structs.replace(
        crooked("Who built shed is?", drop_reasons.READS_BADLY), others=((passage.note_id, b"x"),)
    )
    assert MODEL not in {s.writer for s, _ in study(notes, passage, of_two).crooked()}


def test_a_sample_never_takes_a_wording_that_tells_its_key(notes: Notes, passage: Passage) -> None:
    study(notes, passage, crooked("Who built the shed of 1950?", drop_reasons.READS_BADLY))
    found = holders(make_dataset(notes, seed=0), "shed of 1950?")
    assert found
    assert all(sample.key != "1950" for sample in found)


def test_what_the_person_left_out_takes_crooked_questions_along(
    notes: Notes, passage: Passage
) -> None:
    samples = study(notes, passage, crooked("Who built shed is?", drop_reasons.READS_BADLY))
    stored = next(s for s, _ in samples.used() if s.quote == SHED)
    samples.choose(stored.id, "drop")
    assert not holders(make_dataset(notes, seed=0), "built shed is?")
    samples.choose(stored.id, "")
    (bad,) = (s for s, _ in samples.crooked() if s.writer == MODEL)
    samples.choose(bad.id, "drop")
    assert samples.crooked() == []
    assert not holders(make_dataset(notes, seed=0), "built shed is?")


def test_what_was_masked_since_is_not_asked_for_any_more(
    tiny_library: Library, notes: Notes, passage: Passage, tmp_path: Path
) -> None:
    study(notes, passage, crooked("Who built shed is?", drop_reasons.READS_BADLY))
    (tmp_path / f"{TITLE}.md").write_text(f"The shed is locked. {KILN}", encoding="utf-8")
    import_into(tiny_library, [tmp_path / f"{TITLE}.md"])
    assert not holders(make_dataset(notes, seed=0), "built shed is")


def test_where_no_question_is_good_keyword_prompts_take_crooked_ones(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    (tmp_path / "Ton.md").write_text(
        f"{GLAZE} Danach ruht alles drei Tage lang im Schuppen.", encoding="utf-8"
    )
    import_into(tiny_library, [tmp_path / "Ton.md"])
    make_dataset(notes, seed=0)
    (passage,) = gather(notes).passages
    draft = Draft(
        kind="name",
        prompt="Was wird dort glasiert?",
        answer=titled_answer("Ton", GLAZE),
        key="gebrannt",
        quote=GLAZE,
        dropped=drop_reasons.WRONG_WORD,
    )
    study(notes, passage, draft)
    found = holders(make_dataset(notes, seed=0), draft.prompt)
    assert {sample.kind for sample in found} == {"keywords"}


def test_the_exam_asks_nothing_that_a_crooked_wording_teaches(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    names = ("Jon Falk", "Ida Lund", "Emil Berg", "Marta Holm")
    text = " ".join(
        f"The {w} was built by {n} in 19{i}0."
        for i, (w, n) in enumerate(
            zip(("shed", "barn", "mill", "dock"), names, strict=True), start=3
        )
    )
    (tmp_path / "Sheds.md").write_text(text, encoding="utf-8")
    import_into(tiny_library, [tmp_path / "Sheds.md"])
    (exam, *_), (passage,) = make_dataset(notes, seed=0).held_out, gather(notes).passages
    quote = exam.answer.removeprefix("Sheds: ")
    asked = exam.prompt.removeprefix("Sheds: ")
    copy = Draft(
        kind="name",
        prompt=asked[:1].upper() + asked[1:],
        answer=exam.answer,
        key=exam.key,
        quote=quote,
        dropped=drop_reasons.READS_BADLY,
    )
    study(notes, passage, copy)
    dataset = make_dataset(notes, seed=0)
    assert exam in dataset.held_out
    prompts = {
        p for s in dataset.train if s.answer == exam.answer for p in (s.prompt, *s.rewordings)
    }
    assert not {exam.prompt, copy.prompt} & prompts


def test_the_same_seed_gives_the_same_wordings(notes: Notes, passage: Passage) -> None:
    prompts = [f"Who built {word} shed is?" for word in ("this", "that", "your", "my")]
    random.Random(0).shuffle(prompts)
    study(notes, passage, *(crooked(p, drop_reasons.READS_BADLY) for p in prompts))
    first = make_dataset(notes, seed=1)
    assert first == make_dataset(notes, seed=1)
    assert len(holders(first, " shed is?")) > 1
