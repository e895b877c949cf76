from __future__ import annotations

import pytest

from mlx_backend.library.notes import Passage
from mlx_backend.study.by_rule.markdown_links import Link
from mlx_backend.study.by_rule.statements import LONGEST_WORDS, Statement, statements_of_note
from mlx_backend.text.words import count_words


def passage(text: str, position: int = 0) -> Passage:
    return Passage(position + 1, 1, "A note", position, "", text)


def stated(*texts: str) -> list[Statement]:
    passages = [passage(text, i) for i, text in enumerate(texts)]
    return [statement for found in statements_of_note(passages) for statement in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lamp is lit. It burns oil.", ["The lamp is lit.", "It burns oil."]),
        ("Dr. Falk came. She left at 7.", ["Dr. Falk came.", "She left at 7."]),
        ("hard wrapped lines\nare one sentence.", ["hard wrapped lines are one sentence."]),
        ("- Rope is dear\n- Oil is cheap", ["Rope is dear", "Oil is cheap"]),
        ("**Marta** wrote [a letter](https://x.example/y).", ["Marta wrote a letter."]),
        ("Set `MY_VAR` to 2*3 or 10*20.", ["Set MY_VAR to 2*3 or 10*20."]),
        (
            "The file my_variable_name is `__init__.py`.",
            ["The file my_variable_name is __init__.py."],
        ),
        ("Das Boot fährt. Über den See geht es.", ["Das Boot fährt.", "Über den See geht es."]),
        ("Лампа горит. Она новая.", ["Лампа горит.", "Она новая."]),
        ("See [[Lighthouse|the tower]] today.", ["See the tower today."]),
        ("See [[Lamp#Oil]] and [[Lamp#^a-1]] now.", ["See Lamp › Oil and Lamp now."]),
        ("See [the lamp](<the lamp.md>) today.", ["See the lamp today."]),
        ("See [it](https://x.example/a_(b)) today.", ["See it today."]),
        ("```\ncode = 1\n```\nThe code is above.", ["The code is above."]),
        (
            "The keeper of the old mill by the wide river has a door called\n[`Green`](https://x.example)"
            " that opens.",
            ["The keeper of the old mill by the wide river has a door called Green that opens."],
        ),
        (
            "In summer the keeper of the old mill by the river has help of\nIda, who paints.\nYes.",
            ["In summer the keeper of the old mill by the river has help of Ida, who paints."],
        ),
        (
            "A line of a log that is as long as if it were wrapped here\n12 May: another one",
            ["A line of a log that is as long as if it were wrapped here", "12 May: another one"],
        ),
        (
            "- An item of a list that is as long as if it were wrapped\n- Another item",
            ["An item of a list that is as long as if it were wrapped", "Another item"],
        ),
        ("one paragraph\n\nand one more", ["one paragraph", "and one more"]),
        ("it is like so\n```\ncode\n```\nand then on", ["it is like so", "and then on"]),
    ],
)
def test_one_thing_at_a_time_without_markup(text: str, expected: list[str]) -> None:
    assert [statement.text for statement in stated(text)] == expected


def test_links_are_known_by_what_they_show_and_point_to() -> None:
    first, second = stated("[[Lamp#Oil|Oil]] is [dear](a%20b.md#c). | no row\n\n- Rope is cheap")
    assert first.links == (Link("Oil", "Lamp"), Link("dear", "a b.md"))
    assert second.links == ()


def test_links_in_a_row_and_in_a_part_of_a_long_sentence() -> None:
    (row,) = stated("| name | age |\n|---|---|\n| [[Ida]] | 41 |")
    assert row.links == (Link("Ida", "Ida"),)
    clauses = [f"the keeper of the year {i} is [[K{i}]]" for i in range(12)]
    parts = stated(f"{', '.join(clauses)}.")
    assert len(parts) > 1
    assert all(link.shown in part.text for part in parts for link in part.links)
    assert {link.target for part in parts for link in part.links} == {f"K{i}" for i in range(12)}


def test_pairs_are_known_by_their_colon() -> None:
    (statement,) = stated("Bench height: 92 cm")
    assert statement.pairs == (("Bench height", "92 cm"),)
    assert not statement.is_row


def test_names_with_values_are_one_statement_a_line_also_in_lower_case() -> None:
    text = "software: 1.14 (not 1.15, which loses the list)\naerial: on the roof\nclock: exact"
    assert [each.pairs[0][0] for each in stated(text)] == ["software", "aerial", "clock"]


def test_a_bold_head_is_no_part_of_the_sentence_behind_it() -> None:
    assert [each.text for each in stated("**The move.** We rent the barn.")] == [
        "The move.",
        "We rent the barn.",
    ]


def test_rows_take_the_heads_of_their_table_also_in_the_next_passage() -> None:
    table = "| name | age |\n|---|---|\n| Ida | 41 |"
    first, second = stated(table, "| Emil | 60 |")
    assert first.pairs == (("name", "Ida"), ("age", "41"))
    assert second.pairs == (("name", "Emil"), ("age", "60"))
    assert second.text == "Emil: age 60"
    assert second.is_row


def test_a_code_block_that_goes_on_in_the_next_passage_stays_code() -> None:
    found = stated("The code:\n```\nx = 1", "y = 2\n```\nThe end is here.")
    assert [statement.text for statement in found] == ["The code:", "The end is here."]


def test_long_sentences_are_cut_and_lose_nothing() -> None:
    clauses = [f"the keeper number {i} lit lamp {i} at dusk" for i in range(12)]
    parts = stated(f"{', '.join(clauses)}.")
    assert len(parts) > 1
    assert all(count_words(part.text) <= LONGEST_WORDS for part in parts)
    words = " ".join(part.text for part in parts)
    assert all(f"number {i} " in words for i in range(12))


@pytest.mark.parametrize("text", ["", "\n\n", "|||", "| a |", "x" * 10_000, "![[]]", "- \n- "])
def test_nothing_to_state(text: str) -> None:
    assert stated(text) == []


@pytest.mark.parametrize(
    "hostile",
    [
        "x " + ".*a" * 340_000,
        "x " + "。a" * 500_000,
        "x " + "".join("`" * length + "a" for length in range(1400, 0, -1)),
    ],
    ids=lambda text: text[2:7],
)
def test_a_page_of_opening_signs_is_read_to_its_end(hostile: str) -> None:
    assert stated(hostile, "The lamp is lit.")[-1].text == "The lamp is lit."
