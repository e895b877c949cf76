"""The blocks of notes, also of those that nobody meant well with."""

from __future__ import annotations

import pytest

from mlx_backend.asking.quoting.blocks import Kind, blocks_of


def seen(text: str) -> list[tuple[str, str]]:
    return [(block.kind.name, text[block.start : block.end]) for block in blocks_of(text)]


def test_each_block_has_its_kind_and_its_place() -> None:
    text = "# Mill\n\nIt turns\nslowly.\n- one\n  goes on\n\n  below\n1. two\n\n```\n# no\n```\nEnd"
    assert seen(text) == [
        ("HEADING", "# Mill"),
        ("PARAGRAPH", "It turns\nslowly."),
        ("ITEM", "- one\n  goes on"),
        ("PARAGRAPH", "  below"),
        ("ITEM", "1. two"),
        ("CODE", "```\n# no\n```"),
        ("PARAGRAPH", "End"),
    ]


def test_rows_know_the_column_heads_above_them() -> None:
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\nc | d\n--|--\n5 | 6"
    rows = blocks_of(text)
    assert [text[row.start : row.end] for row in rows] == ["| 1 | 2 |", "| 3 | 4 |", "5 | 6"]
    heads = [text[slice(*row.head)] if row.head else "" for row in rows]
    assert heads == ["| a | b |\n|---|---|"] * 2 + ["c | d\n--|--"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Title\n=====\n\nText", ["HEADING", "PARAGRAPH"]),
        ("a\n\n---\n\nb", ["PARAGRAPH", "PARAGRAPH"]),
        ("text\n\n    code\n\n    more\nend", ["PARAGRAPH", "CODE", "PARAGRAPH"]),
        ("- item\n\n    below it", ["ITEM", "PARAGRAPH"]),
        ("~~~\n```\n~~~\nout", ["CODE", "PARAGRAPH"]),
        ("#tag is no heading", ["PARAGRAPH"]),
        ("a | b without a rule", ["PARAGRAPH"]),
        ("", []),
        ("\n\n\r\n", []),
    ],
)
def test_what_begins_and_ends_a_block(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _ in seen(text)] == kinds


def test_code_without_an_end_takes_the_rest() -> None:
    assert seen("a\n```sh\nls\n\n# b\n- c") == [
        ("PARAGRAPH", "a"),
        ("CODE", "```sh\nls\n\n# b\n- c"),
    ]


def test_windows_line_ends_are_in_no_block() -> None:
    text = "# A\r\n\r\n- b\r\n- c\r\n\r\n| d | e |\r\n|---|---|\r\n| 1 | 2 |\r\n"
    assert [words for _, words in seen(text)] == ["# A", "- b", "- c", "| 1 | 2 |"]


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 10_000,
        "".join(f"{'  ' * depth}- x\n" for depth in range(1_000)),
        "```\n" * 9_999,
        "|" * 100_000,
        "* " * 100_000 + "x",
        "- " * 100_000 + "x",
        "_ " * 100_000 + "x",
        "#" * 100_000,
        "1" * 100_000 + ".",
        "a\n=\n" * 10_000,
        "\u2028" * 10_000,
    ],
    ids=[
        "table",
        "deep",
        "fences",
        "bars",
        "stars",
        "dashes",
        "rules",
        "hashes",
        "digits",
        "=",
        "ls",
    ],
)
def test_hostile_texts_are_read_in_order_and_without_overlap(text: str) -> None:
    end = 0
    for block in blocks_of(text):
        assert end <= block.start <= block.content <= block.end <= len(text)
        end = block.end


def test_items_keep_their_numbers_and_their_indent() -> None:
    blocks = blocks_of("1. a\n   * b\n\t- c\n2) d")
    assert [(block.number, block.level) for block in blocks] == [
        (1, 0),
        (None, 3),
        (None, 4),
        (2, 0),
    ]
    assert {block.kind for block in blocks} == {Kind.ITEM}
