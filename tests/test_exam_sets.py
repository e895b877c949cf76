"""Nothing that ships knows the notes and questions that it is measured on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETS = [
    ROOT / "tests" / "benchmarks" / "work_log",
    ROOT / "tests" / "benchmarks" / "river_house",
    ROOT / "tests" / "benchmarks" / "lab_book",
    ROOT.parent / "shared" / "exam",
]
SHIPPED = ("mlx_backend", "app", "resources")
TEXTS = {".py", ".jsonl", ".json", ".md", ".txt", ".toml"}
_WORD = re.compile(r"[\w'’]+")
WORDS = 7  # in a row; six may be a turn of speech: "what is the name of the"


def spaced(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.lower()), ""])


def runs_of_words(text: str) -> set[str]:
    words = spaced(text).split()
    return {f" {' '.join(words[i : i + WORDS])} " for i in range(len(words) - WORDS + 1)}


def questions(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {spaced(line.split("\t")[0]) for line in lines if line.strip()}


@pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
def test_what_ships_does_not_quote_an_exam(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    if not files:
        pytest.skip(f"{folder.name} is not here")
    exam = set().union(*(runs_of_words(path.read_text(encoding="utf-8")) for path in files))
    asked = set().union(*map(questions, folder.glob("*.tsv")))
    for place in SHIPPED:
        for path in (ROOT / place).rglob("*"):
            if path.suffix in TEXTS:
                text = spaced(path.read_text(encoding="utf-8"))
                quoted = runs_of_words(text) & exam
                quoted |= {question for question in asked if question in text}
                assert not quoted, f"{path}: {quoted}"
