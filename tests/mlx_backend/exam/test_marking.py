from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.exam.marking import ExamQuestion, read_questions, take_exam
from mlx_backend.text.answer_matching import is_right


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("Marta lit it.", ["marta"]),
        ("It was MARTA!", ["Marta"]),
        ("At 18:40, I think.", ["18:40"]),
        ("It costs 1,240 crowns.", ["1240"]),
        ("It costs 1240 crowns.", ["1,240"]),
        ("The “Amber-Cove” light", ["amber cove"]),
        ("in the year of 1987", ["1986", "1987"]),
        ("ﬁne naïve STRASSE", ["fine naïve straße"]),
        ("blue", ["blue"]),
        ("snake_case", ["snake case"]),
    ],
)
def test_right_answers(text: str, answers: list[str]) -> None:
    assert is_right(text, answers)


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("Martas lamp", ["Marta"]),
        ("12 and 3", ["123"]),
        ("1,24", ["124"]),
        ("", ["Marta"]),
        ("Marta", []),
        ("Marta", ["", "..."]),
        ("the 140 boats", ["40"]),
        ("cove of amber", ["amber cove"]),
    ],
)
def test_wrong_answers(text: str, answers: list[str]) -> None:
    assert not is_right(text, answers)


@given(st.text(), st.lists(st.text()))
def test_any_texts_are_marked(text: str, answers: list[str]) -> None:
    is_right(text, answers)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_file_of_questions(tmp_path: Path) -> None:
    data = "\ufeffWho lit it?\tMarta|Marta Lind\r\n\n  Where? \t Amber Cove \nNo answer?\n\t\n"
    assert read_questions(write(tmp_path / "q.tsv", data.encode())) == [
        ExamQuestion("Who lit it?", ("Marta", "Marta Lind")),
        ExamQuestion("Where?", ("Amber Cove",)),
        ExamQuestion("No answer?", ()),
    ]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", ErrorKind.BAD_INPUT),
        (b"\n \n\t\n", ErrorKind.BAD_INPUT),
        (b"\tonly answers\n", ErrorKind.BAD_INPUT),
        (b"\xff\xfe\x00", ErrorKind.UNREADABLE),
        ("Who?\tné".encode("latin-1"), ErrorKind.UNREADABLE),
    ],
)
def test_a_file_without_questions(tmp_path: Path, data: bytes, kind: ErrorKind) -> None:
    with pytest.raises(OvernightError) as caught:
        read_questions(write(tmp_path / "q.tsv", data))
    assert caught.value.kind is kind
    assert caught.value.hint


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path, kind in (
        (tmp_path / "gone", ErrorKind.PATH_MISSING),
        (tmp_path, ErrorKind.UNREADABLE),
    ):
        with pytest.raises(OvernightError) as caught:
            read_questions(path)
        assert caught.value.kind is kind


def test_an_exam_marks_every_answer_in_order() -> None:
    questions = [ExamQuestion("Who?", ("Marta",)), ExamQuestion("Where?", ("Amber Cove", "here"))]
    items = take_exam(questions, lambda prompts: [f"{p} Marta" for p in prompts])
    assert [(item.question, item.text, item.right) for item in items] == [
        ("Who?", "Who? Marta", True),
        ("Where?", "Where? Marta", False),
    ]
