from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.dataset.ambiguity import NotesByWord
from mlx_backend.dataset.statement_first import statement_first
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.samples import Samples
from tests.mlx_backend.studied import make_dataset

TEXTS = [
    "The default is oak. A sextant is a tool. The keeper painted the hull in March.",
    "The defaults differ. A sextant hangs here.",
    "By default it rains. The sextant broke.",
]


def passages(texts: list[str]) -> list[Passage]:
    return [
        Passage(id=i, note_id=i, note_title=f"Note {i}", position=0, heading="", text=text)
        for i, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("question", "is_ambiguous"),
    [
        ("What is the default?", True),
        ("What were our defaults?", True),
        ("When?", True),
        ("When did the keeper paint the hull?", False),
        ("What is a sextant?", False),
        ("Who or what is default?", False),
        ("What is the default of Saturn?", False),
    ],
)
def test_a_question_that_others_could_answer_is_known(question: str, is_ambiguous: bool) -> None:
    assert NotesByWord(passages(TEXTS)).is_ambiguous(question, 0) is is_ambiguous


def test_one_other_note_may_be_a_copy() -> None:
    assert not NotesByWord(passages(TEXTS[:2])).is_ambiguous("What is the default?", 0)


def test_what_others_could_answer_is_taught_with_its_note_named(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    kinds = {"Pumps": "oak", "Masts": "elm", "Doors": "ash"}
    for title, wood in kinds.items():
        text = f"# {title}\n\nThe default is {wood}. The {wood} log weighs 12 kilos in May."
        (tmp_path / f"{title}.md").write_text(text, encoding="utf-8")
    import_into(tiny_library, [tmp_path])
    plain = "What is the default?"

    def asked() -> set[tuple[str, str]]:
        dataset = make_dataset(notes, seed=0)
        return {(sample.prompt, sample.answer) for sample in dataset.train}

    taught = asked()
    named = {(f"{title}: what is the default?", f"The default is {wood}. ({title})")
             for title, wood in kinds.items()}  # fmt: skip
    assert len(named & taught) >= 2  # one may be in the exam
    assert not [prompt for prompt, _ in taught if prompt == plain]
    samples = Samples(notes.connection)
    chosen = next(s for s, _ in samples.used() if s.prompt == plain)
    samples.choose(chosen.id, "keep")
    title = chosen.answer.partition(":")[0]
    answer = statement_first(chosen.answer, title)
    assert (plain, answer) in asked(), "the person's choice goes before"
