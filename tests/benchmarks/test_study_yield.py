"""What study brings on real notes: how much, what each filter throws out, and fifty to read.

OVERNIGHT_STUDY_NOTES names the folder (../shared/notes/til where it exists, else the sample notes)
and OVERNIGHT_STUDY_MINUTES the time (30).
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.notes import Notes
from mlx_backend.machine import accelerator

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(2 * 3600)]

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "notes" / "til"
NOTES = Path(
    os.environ.get(
        "OVERNIGHT_STUDY_NOTES", REAL if REAL.exists() else ROOT / "resources" / "sample_notes"
    )
)
MINUTES = float(os.environ.get("OVERNIGHT_STUDY_MINUTES", "30"))
SHOWN = 50


def test_what_study_brings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERNIGHT_HOME", str(tmp_path / "library"))
    accelerator.prepare()
    from mlx_backend.dataset.ambiguity import NotesByWord
    from mlx_backend.dataset.compose import gather
    from mlx_backend.dataset.facts import titled_question
    from mlx_backend.library.samples import Samples
    from mlx_backend.models.base_model import load_base_model
    from mlx_backend.study.by_model.writer import Writer
    from mlx_backend.study.studying import Study, StudyPlan

    library = Library.open()
    import_into(library, [NOTES])
    with database.opened(library.database) as connection:
        passages = gather(Notes(connection)).passages
        samples = Samples(connection)
        plan = StudyPlan(time.time() + MINUTES * 60, seed=0)
        study = Study(samples, plan, on_progress=lambda _: None, stop_requested=lambda: False)
        found = study.run(passages, lambda: Writer(load_base_model(library, "starter")))
        print(f"\n{NOTES.name}: {len(passages)} passages, {MINUTES:g} minutes")
        print(f"written {found.written}, kept {found.used} ({found.used / found.written:.0%})")
        for why, number in sorted(found.dropped.items(), key=lambda item: -item[1]):
            print(f"  {number / found.written:6.1%}  {why}")
        by_word = NotesByWord(passages)
        kept = [sample for sample, _ in samples.used()]
        for sample in random.Random(0).sample(kept, min(SHOWN, len(kept))):
            asked = sample.prompt
            if by_word.is_ambiguous(asked, sample.note_id):  # as it is taught then
                asked = titled_question(sample.note_title, asked)
            print(f"[{sample.writer}] {sample.note_title} | {asked} | {sample.answer}")
