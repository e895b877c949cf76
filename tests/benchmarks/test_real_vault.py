"""Questions about a real vault, answered from the notes; the answers are printed, to be read.

An answer is useful that answers the question, whole, from the right note; whether it has the words
that such an answer needs is only a hint of that, and counted.

OVERNIGHT_NOTES: the folder of notes (Josh Branchaud's "Today I Learned", which `til/questions.tsv`
is about). OVERNIGHT_READERS: base models to ask beside the starter, as in `test_real_readers`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlx_backend.library import Library
from mlx_backend.library.models import STARTER
from mlx_backend.text.answer_matching import is_right
from tests.benchmarks.test_knowing import overnight
from tests.benchmarks.test_real_readers import adopted

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3 * 3600)]

PLACE = "OVERNIGHT_NOTES"
ASKED = Path(__file__).parent / "til" / "questions.tsv"
READERS = os.environ.get("OVERNIGHT_READERS", "").split()


@pytest.mark.skipif(PLACE not in os.environ, reason=f"{PLACE} names no folder of notes")
@pytest.mark.parametrize("name", [STARTER, *READERS])
def test_answers_from_a_real_vault(name: str, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library")
    overnight(library.home, "import", os.environ[PLACE])
    if name != STARTER:
        adopted(library, name)
    lines = [line.split("\t") for line in ASKED.read_text(encoding="utf-8").splitlines()]
    questions = tmp_path / "questions.tsv"
    questions.write_text("".join(f"{asked}\t{keys}\n" for asked, keys, _ in lines))
    items = overnight(library.home, "exam", str(questions), "--grounded", "--model", name)["items"]
    hinted = 0
    for item, (asked, keys, note) in zip(items, lines, strict=True):
        from_note = any(cited["path"].endswith(note) for cited in item["citations"])
        has_words = is_right(item["text"], tuple(keys.split("|")))
        hinted += from_note and has_words
        print(
            f"\n{asked}  [{'right' if from_note else 'another'} note]\n{item['text']}", flush=True
        )
    print(f"\n{name}: {hinted} of {len(items)} from the right note with the words that it needs")
    assert hinted
