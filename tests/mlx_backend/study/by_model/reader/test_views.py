"""What details ask for: names and numbers as they stand in a sentence."""

from __future__ import annotations

import pytest

from mlx_backend.library.notes import Passage
from mlx_backend.study.by_model.reader.genres import DETAILS
from mlx_backend.study.by_model.reader.views import Views


def asked_in(text: str) -> dict[str, set[str]]:
    """The words that are asked for over many seeds, by sentence."""
    passage = Passage(1, 1, "Mill", 0, "", text)
    found: dict[str, set[str]] = {}
    for seed in range(30):
        for view in Views([passage], lambda *_: 0, seed).of(DETAILS, passage):
            found.setdefault(view.sentence, set()).add(view.key)
    return found


def test_names_and_numbers_are_asked_for() -> None:
    first = "The mill was built in 1875 by the carpenter Oskar Lind from Bergen."
    second = "It stands on a small hill beside the river."
    asked = asked_in(f"{first} {second}")
    assert asked[first] == {"1875", "Oskar Lind", "Bergen"}
    assert all(key in sentence for sentence, keys in asked.items() for key in keys)


@pytest.mark.parametrize(
    "text",
    [
        "I've recently moved from one way of taking pictures to quite another one.",
        "And if you run it again, it may not fail a subsequent time.",
        "Or I could use the other way, which prints it and gives it back as it is.",
    ],
)
def test_how_a_sentence_begins_is_not_asked_for(text: str) -> None:
    keys = {key for found in asked_in(text).values() for key in found}
    assert not keys & {"I've", "And", "Or I", "Or", "I"}


def test_code_is_asked_for_as_it_stands() -> None:
    text = "It is better to use `git stash --keep-index` here, and not ```all``` of it or `` ` ``."
    assert asked_in(text) == {text: {"git stash --keep-index"}}


def test_outside_english_numbers_alone_are_asked_for() -> None:
    text = "Die Mühle wurde 1875 von dem Zimmermann Oskar Lind gebaut und gehört heute der Stadt."
    assert asked_in(text) == {text: {"1875"}}


@pytest.mark.parametrize(
    "text",
    [
        "The carpenter of the old mill sent [email removed] to his brother last week.",
        "We read about it [in the archive](archive/Bergen-1875.md) on that rainy day.",
        "The miller said 12 and 12 again, because nobody had heard him.",
    ],
)
def test_placeholders_targets_and_what_stands_twice_are_not_asked_for(text: str) -> None:
    keys = {key for found in asked_in(text).values() for key in found}
    assert not any(word in key for key in keys for word in ("email", "1875", "12", "Bergen"))
