"""The answers that a model learns to quote begin with the statement and end with their note."""

from __future__ import annotations

import pytest

from mlx_backend.dataset.samples import Sample
from mlx_backend.dataset.statement_first import statement_first, with_statements_first


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


def test_answers_of_no_note_and_of_several_stay_as_they_are() -> None:
    titles = {1: "Mill", 2: "Barn"}
    general = Sample("Hello?", "Mill: hello", 0, 0, "general")
    several = Sample("Ida?", "Mill: Ida was here. Barn: Ida left.", 1, 1, "mention", others=(2,))
    alone = Sample("Who?", "Barn: Ida left.", 2, 2, "subject", "Ida")
    found = with_statements_first([general, several, alone], titles)
    assert found[:2] == [general, several]
    assert found[2].answer == "Ida left. (Barn)"
    assert (found[2].prompt, found[2].key) == ("Who?", "Ida")
