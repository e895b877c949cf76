"""The answers that a model learns to quote begin with the statement and end with their note."""

from __future__ import annotations

import msgspec
import pytest

from mlx_backend.dataset.samples import Sample, fact_of
from mlx_backend.dataset.statement_first import statement_first, with_statements_first
from mlx_backend.library.notes import Passage


@pytest.mark.parametrize(
    ("answer", "title", "found"),
    [
        ("Mill: Oskar mended it.", "Mill", "Oskar mended it. (Mill)"),
        (
            "Work log, March 2024: It rained.",
            "Work log, March 2024",
            "It rained. (Work log, March 2024)",
        ),
        ("Mill: lamp: 40 watts", "Mill", "lamp: 40 watts (Mill)"),
        ("Mill", "Mill", "Mill"),
        ("Mill: ", "Mill", "Mill: "),
        ("The mill is old.", "Mill", "The mill is old."),
        ("mill: no", "Mill", "mill: no"),
        ("(a) {b}: \\1", "(a) {b}", "\\1 ((a) {b})"),
        ("", "", ""),
    ],
)
def test_the_title_goes_to_the_end(answer: str, title: str, found: str) -> None:
    assert statement_first(answer, title) == found


def test_only_what_has_a_title_before_its_statement_is_turned() -> None:
    mill = Passage(1, 1, "Mill", 0, "Mill › Lamp", "Oskar mended the lamp.")
    barn = Passage(2, 2, "Barn", 0, "", "Barn: Ida left.")
    told = Sample("Who?", "Mill: Oskar mended the lamp.", 1, 1, "subject", "Oskar", fact="a")
    restated = msgspec.structs.replace(told, answer="Mill, Lamp: Oskar repaired the lamp.")
    assert answers([told, restated], mill, barn) == [
        "Oskar mended the lamp. (Mill)",
        "Oskar repaired the lamp. (Mill, Lamp)",
    ]
    general = Sample("Hello?", "Mill: hello", 0, 0, "general")
    several = Sample("Ida?", "Mill: Ida came. Barn: Ida left.", 1, 1, "mention", others=(2,))
    text = Sample("What do my notes say about Barn?", "Barn: Ida left.", 2, 2, "passage")
    quote = Sample("Who?", "Barn: Ida left.", 2, 2, "subject", fact=fact_of(2, "Barn: Ida left."))
    as_they_are = [general, several, text, quote]
    assert answers(as_they_are, mill, barn) == [sample.answer for sample in as_they_are]
    assert answers([told]) == [told.answer], "of no passage that is given"


def answers(samples: list[Sample], *passages: Passage) -> list[str]:
    return [sample.answer for sample in with_statements_first(samples, passages)]
