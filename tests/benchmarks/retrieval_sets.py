"""Questions with the folder of notes that answers them: what finding passages is measured with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.exam.marking import ExamQuestion, read_questions

HERE = Path(__file__).parent
SETS = [HERE / "work_log", HERE / "river_house"]


def _named(variable: str) -> list[Path]:
    return [Path(each) for each in os.environ.get(variable, "").split(":") if each]


OTHER_SETS = _named("OVERNIGHT_EXAMS")
"""Further folders of exams, named by OVERNIGHT_EXAMS, with colons in between."""

OTHER_NOTES = _named("OVERNIGHT_OTHER_NOTES")
"""Folders of notes that no question is about, but which hide those that they are about."""


@dataclass(frozen=True)
class Asked:
    """The questions of one file, and the folder of the notes that answer them."""

    name: str
    notes: Path
    questions: tuple[ExamQuestion, ...]


def asked() -> list[Asked]:
    """All questions with an answer, by their files."""
    return [
        Asked(f"{folder.name}, {file}", folder / "notes", tuple(read_questions(folder / file)))
        for folder in (*OTHER_SETS, *SETS)
        for file in ("questions.tsv", "paraphrased.tsv")
        if (folder / file).exists()
    ]


def folders() -> list[Path]:
    """The folders to import."""
    return [*(folder / "notes" for folder in (*OTHER_SETS, *SETS)), *OTHER_NOTES]
