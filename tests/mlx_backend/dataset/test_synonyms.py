from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.dataset import synonyms
from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.dataset.synonyms import shortened, swapped, with_synonyms
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library
from mlx_backend.library.notes import Notes
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.words import word_set
from tests.mlx_backend.studied import make_dataset

QUESTION = "Who mended the big lamp of the lighthouse in Bergen?"
ANSWER = "Lamps: The big lamp of the lighthouse in Bergen was mended by Oskar."


def sample(prompt: str = QUESTION, key: str = "Oskar", kind: str = "agent") -> Sample:
    return Sample(prompt, ANSWER, 1, 1, kind, key, fact="f")


def reworded(one: Sample, english: frozenset[int] = frozenset({1}), seed: int = 0) -> Sample:
    (found,) = with_synonyms([one], english, random.Random(seed))
    return found


def test_a_question_comes_in_other_words_later() -> None:
    found = [reworded(sample(), seed=seed) for seed in range(8)]
    wordings = {prompt for each in found for prompt in each.rewordings}
    assert any("repaired" in prompt or "fixed" in prompt for prompt in wordings)
    assert any("large lamp" in prompt for prompt in wordings)
    assert any(len(prompt.split()) < len(QUESTION.split()) for prompt in wordings)
    assert {each.prompt for each in found} == {QUESTION}


def test_names_and_question_words_stay() -> None:
    for seed in range(20):
        for prompt in reworded(sample(), seed=seed).rewordings:
            assert prompt.startswith("Who ")
            assert "Bergen" in prompt
            assert prompt.endswith("?")


def test_no_wording_tells_the_key() -> None:
    asked = sample("What did they mend?", key="repaired")
    wordings = [p for seed in range(30) for p in reworded(asked, seed=seed).rewordings]
    assert not any(is_right(prompt, ("repaired",)) for prompt in wordings)


@pytest.mark.parametrize("kind", ["opening", "restated", "summary", "mention", "linked"])
def test_other_samples_stay_as_they_are(kind: str) -> None:
    assert reworded(sample(kind=kind)) == sample(kind=kind)


def test_other_languages_stay_as_they_are(
    tiny_library: Library, notes: Notes, tmp_path: Path
) -> None:
    german = "Die Lampe war in Not. Der Mann hat am Hang ein Bad. Das Kind rang um die Hand. "
    text = f"{german * 2}Im Winter wurde der Leuchtturm von Oskar mit roter Farbe gestrichen."
    (tmp_path / "Turm.md").write_text(text, encoding="utf-8")
    import_into(tiny_library, [tmp_path / "Turm.md"])
    words = set(text.replace(".", "").lower().split()) | {"turm"}
    for each in make_dataset(notes, seed=0).train:
        if each.note and each.kind == "keywords":
            for prompt in each.rewordings:
                told = prompt.lower().replace("?", "").replace(":", "").split()
                assert len(set(told) - words - ASKING) == 0, prompt


ASKING = word_set("what which who where when how many is about do my notes say tell me")


def test_the_same_seed_gives_the_same_wordings() -> None:
    assert reworded(sample(), seed=3) == reworded(sample(), seed=3)
    assert any(reworded(sample(), seed=3) != reworded(sample(), seed=n) for n in range(4, 9))


def test_keyword_prompts_have_as_many_wordings_as_before() -> None:
    others = tuple(f"{word} lamp lighthouse repaired?" for word in ("What", "Who", "When", "Where"))
    found = reworded(
        Sample("Lamp?", ANSWER, 1, 1, "keywords", "Oskar", rewordings=others, fact="f")
    )
    assert len(found.rewordings) == len(others)
    assert found.rewordings[::2] == others[::2]


@given(prompt=st.text(max_size=80), seed=st.integers(0, 9))
def test_any_text_can_be_reworded(prompt: str, seed: int) -> None:
    found = swapped(shortened(prompt, random.Random(seed)), random.Random(seed))
    assert isinstance(found, str)
    assert len(found) <= 4 * len(prompt) + 1


def test_further_wordings_change_nothing_else(
    filled_library: Library, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above all, no wording of a question that is withheld becomes a sample of its own."""
    with_them = make_dataset(notes, seed=0)
    monkeypatch.setattr(synonyms, "with_synonyms", lambda samples, *_: list(samples))
    without = make_dataset(notes, seed=0)

    def own(dataset: Dataset) -> list[tuple[str, str, str]]:
        return sorted((s.prompt, s.answer, s.key) for s in dataset.train if s.fact)

    assert own(with_them) == own(without)
    assert with_them.held_out == without.held_out
    asked = {(sample.prompt, sample.answer) for sample in with_them.held_out}
    trained = {(p, s.answer) for s in with_them.train for p in (s.prompt, *s.rewordings)}
    assert not asked & trained
