"""Is the passage with the answer among those that are found? By words, and by meaning as well.

A library holds the notes of all exams, mixed. OVERNIGHT_EXAMS adds further exams, and
OVERNIGHT_OTHER_NOTES folders of notes that hide them; see `retrieval_sets`.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlx_backend.asking.retrieval import Retriever
from mlx_backend.importers.importing import import_into
from mlx_backend.importers.meaning import compute_missing
from mlx_backend.library import Library, database
from mlx_backend.models.sentence_package import find_folder
from mlx_backend.text.answer_matching import is_right
from tests.benchmarks.retrieval_sets import Asked, asked, folders

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

FIRST = (1, 3, 5)


def test_passages_are_found(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library")
    began = time.perf_counter()
    import_into(library, folders())
    imported = time.perf_counter()
    with database.opened(library.database) as connection:
        count = compute_missing(connection)
        seconds = time.perf_counter() - imported
        print(
            f"\n{imported - began:.0f} s of import; {count} vectors in {seconds:.0f} s;"
            f" hits among the first {', '.join(map(str, FIRST))}"
        )
        for questions in asked():
            for by_meaning in (False, True) if find_folder() else (False,):
                report(Retriever(connection, by_meaning), questions, by_meaning)


def report(retriever: Retriever, questions: Asked, by_meaning: bool) -> None:
    """Print how often the passage was found, and how long that took."""
    began = time.perf_counter()
    places = [
        place(retriever, questions.notes, each.text, each.answers) for each in questions.questions
    ]
    each_ms = 1000 * (time.perf_counter() - began) / len(places)
    hits = "/".join(str(sum(each <= first for each in places)) for first in FIRST)
    way = "with meaning" if by_meaning else "words alone"
    print(
        f"{questions.name:32} {way:13} {hits:10} of {len(places)}  {each_ms:.0f} ms each",
        flush=True,
    )


def place(retriever: Retriever, notes: Path, question: str, answers: tuple[str, ...]) -> int:
    """At which place the first passage of these notes with the answer comes; 99 if it does not."""
    for number, found in enumerate(retriever.find(question, FIRST[-1]), start=1):
        if Path(found.path).is_relative_to(notes) and is_right(found.text, answers):
            return number
    return 99
