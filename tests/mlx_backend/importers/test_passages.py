from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.importers.passages import LONGEST_WORDS, TARGET_WORDS, split_passages

# Lines of the kinds that the splitter treats specially, and any other text.
LINES = st.one_of(
    st.sampled_from(
        ["", "   ", "# One", "## Two ##", "```", "~~~", "``` python", "- item", "A b. C d.", "#no"]
    ),
    st.lists(st.sampled_from(["word", "end.", "é!", "…”"]), max_size=200).map(" ".join),
    st.text(max_size=40),
)
TEXTS = st.lists(LINES, max_size=12).map("\n".join)
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*$")


def passages_of(text: str) -> list[str]:
    return [text[span.start : span.end] for span in split_passages(text)]


def words(count: int) -> str:
    return " ".join(f"word{i}" for i in range(count))


@pytest.mark.timeout(30)
def test_a_file_of_one_paragraph_takes_linear_time() -> None:
    assert len(split_passages("a log without a blank line.\n" * 100_000)) > 1000


@given(TEXTS)
def test_every_character_lies_in_one_passage_at_most(text: str) -> None:
    end = 0
    for span in split_passages(text):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end]
        end = span.end


@given(TEXTS)
def test_only_headings_and_white_space_lie_in_none(text: str) -> None:
    covered = [False] * len(text)
    for span in split_passages(text):
        covered[span.start : span.end] = [True] * (span.end - span.start)
    position = 0
    for line in text.splitlines(keepends=True):
        left = [c for i, c in enumerate(line, position) if not covered[i] and not c.isspace()]
        assert not left or _HEADING.match(line)
        position += len(line)


@given(TEXTS)
def test_no_passage_is_too_long(text: str) -> None:
    assert all(len(passage.split()) <= LONGEST_WORDS for passage in passages_of(text))


@given(TEXTS)
def test_headings_stay_out_and_go_with_what_is_below(text: str) -> None:
    for span in split_passages(text):
        for title in filter(None, span.heading.split(" › ")):
            assert title in text


def test_nothing_gives_nothing() -> None:
    assert split_passages("") == []
    assert split_passages(" \n\t\n") == []
    assert split_passages("# Only\n## Headings\n") == []


def test_small_paragraphs_share_a_passage_and_big_ones_do_not() -> None:
    text = f"{words(20)}\n\n{words(20)}\n\n{words(TARGET_WORDS - 10)}\n"
    assert [len(passage.split()) for passage in passages_of(text)] == [40, 50]


def test_headings_part_passages_and_are_carried_by_them() -> None:
    text = "Before.\n# A\n## B ##\nIn b.\n## C\nIn c.\n# D\nIn d.\n"
    spans = split_passages(text)
    assert passages_of(text) == ["Before.", "In b.", "In c.", "In d."]
    assert [span.heading for span in spans] == ["", "A › B", "A › C", "D"]


def test_a_short_code_block_stays_whole_with_its_blank_lines() -> None:
    block = "```python\n# no heading\n\nx = 1\n\ny = 2\n```"
    text = f"{words(59)}\n\n{block}\n\n{words(59)}\n"
    assert block in passages_of(text)


def test_a_fence_inside_another_kind_of_fence_ends_nothing() -> None:
    text = "~~~\n```\n# no heading\n\n~~~\n\n# Heading\nText.\n"
    assert split_passages(text)[-1].heading == "Heading"
    assert "# no heading" in passages_of(text)[0]


def test_a_fence_that_is_never_closed_loses_nothing() -> None:
    text = "```\n" + "\n\n".join(words(30) for _ in range(10))
    assert "".join("".join(passages_of(text)).split()) == "".join(text.split())


def test_a_long_paragraph_is_cut_at_ends_of_sentences() -> None:
    text = " ".join(f"This is sentence number {i} of many." for i in range(100))
    found = passages_of(text)
    assert len(found) > 5
    assert all(passage.endswith(".") for passage in found)
    assert all(TARGET_WORDS - 10 <= len(p.split()) <= TARGET_WORDS + 10 for p in found[:-1])


def test_a_line_without_an_end_of_sentence_is_cut_between_words() -> None:
    text = words(1000)
    found = passages_of(text)
    assert " ".join(found) == text
    assert all(len(passage.split()) <= LONGEST_WORDS for passage in found)


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_a_giant_word_is_one_passage(size: int) -> None:
    assert passages_of("x" * size) == ["x" * size]


def test_many_lines_take_no_quadratic_time() -> None:
    text = "one two three\n" * 50_000  # one paragraph of 150,000 words
    assert sum(len(passage.split()) for passage in passages_of(text)) == 150_000


def test_text_without_spaces_is_cut_by_its_signs() -> None:
    text = "船はフットノートという。島へ本を運ぶ。" * 200
    passages = passages_of(text)
    assert "".join(passages) == text
    assert max(len(passage) for passage in passages) <= LONGEST_WORDS
    assert all(passage.endswith("。") for passage in passages)
