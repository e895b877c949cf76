"""Quoting from notes whose Markdown is broken, huge, or in other scripts."""

from __future__ import annotations

import dataclasses

import pytest

from mlx_backend.asking.quoting import Quoted, evidence, quote
from mlx_backend.asking.retrieval import FoundPassage
from tests.mlx_backend.asking.judged import by_words

NOTE = FoundPassage(
    id=7, note_id=3, title="Mill", path="/n/mill.md", heading="", start=0, end=0, score=2.0, text=""
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "likelihoods_after", by_words)


def answered(text: str, question: str) -> Quoted | None:
    note = dataclasses.replace(NOTE, text=text, end=len(text))
    return quote(None, question, [note])  # type: ignore[arg-type]


def words(text: str, question: str) -> str:
    found = answered(text, question)
    return found.words if found else ""


def test_of_a_huge_table_only_a_part_is_shown_and_that_is_said() -> None:
    rows = "".join(f"| gear {n} | {n} teeth |\n" for n in range(10_000))
    table = f"The gears of the mill are:\n\n| Gear | Teeth |\n|---|---|\n{rows}"
    found = words(table, "Which gears does the mill have?")
    assert found.startswith("The gears of the mill are:\n\n| Gear | Teeth |\n|---|---|\n| gear 0 |")
    assert found.endswith("\n\n…")
    assert len(found) < 3_000


def test_one_row_of_a_huge_table_has_its_column_heads() -> None:
    rows = "".join(f"| gear {n} | {n} teeth |\n" for n in range(300))
    table = f"| Gear | Teeth |\n|---|---|\n{rows}"
    assert words(table, "How many teeth has gear 217?") == (
        "| Gear | Teeth |\n|---|---|\n| gear 217 | 217 teeth |"
    )


def test_code_without_an_end_is_cut() -> None:
    text = "To start the mill, run:\n\n```sh\n" + "mill --turn\n" * 5_000
    found = words(text, "How do I start the mill?")
    assert found.startswith("To start the mill, run:\n\n```sh\nmill --turn\n")
    assert found.endswith("mill --turn\n\n…")
    assert len(found) < 3_000


def test_a_very_deep_list_ends() -> None:
    deep = "".join(f"{'  ' * depth}- cog {depth}\n" for depth in range(500))
    found = words(f"The cogs of the mill are:\n\n{deep}", "Which cogs are in the mill?")
    assert found.startswith("The cogs of the mill are:\n\n- cog 0\n  - cog 1\n")
    assert len(found) < 5_000


def test_windows_line_ends_make_no_difference() -> None:
    text = "To start the mill:\r\n\r\n1. Open the lock.\r\n2. Pull the lever.\r\n\r\nIt turns.\r\n"
    assert words(text, "How do I start the mill?").split("\r\n") == [
        "To start the mill:", "", "1. Open the lock.", "2. Pull the lever.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (
            "磨坊接受以下谷物：\n\n- 小麦\n- 燕麦\n\n磨坊星期天关门。",
            "磨坊接受哪些谷物？",
            "磨坊接受以下谷物：\n\n- 小麦\n- 燕麦",
        ),
        (
            "الطاحونة تطحن الحبوب التالية:\n\n- القمح\n- الشوفان\n",
            "الطاحونة تطحن الحبوب",
            "الطاحونة تطحن الحبوب التالية:\n\n- القمح\n- الشوفان",
        ),
        (
            "Die Mühle mahlt diese Körner:\n\n- Weizen\n- Hafer\n\nSie ruht am Sonntag.",
            "Welche Körner mahlt die Mühle?",
            "Die Mühle mahlt diese Körner:\n\n- Weizen\n- Hafer",
        ),
    ],
    ids=["Chinese", "Arabic", "German"],
)
def test_a_colon_brings_its_list_in_any_language(text: str, question: str, answer: str) -> None:
    assert words(text, question) == answer


def test_nothing_that_may_be_shown_is_no_answer() -> None:
    assert answered("", "Who is it?") is None
    assert answered("\n\n---\n\n", "Who is it?") is None
    assert answered("# Mill\n", "Who is it?") is None


@pytest.mark.parametrize("text", ["![[", "[" * 5_000, "`" * 5_000, "**" * 3_000, "> " * 3_000])
def test_signs_alone_do_no_harm(text: str) -> None:
    answered(f"The mill {text} turns.", "What turns?")
