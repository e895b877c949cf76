"""A study to be killed: `python -m tests.benchmarks.killed_study HOME NAME LOG` studies a library's
notes with the model NAME, and adds a line to LOG for each group that it was told of.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlx_backend.machine import accelerator


def main(home: str, name: str, log: str) -> None:
    """Study until killed, or to the end."""
    os.environ["OVERNIGHT_HOME"] = home
    accelerator.prepare()
    from mlx_backend.dataset.compose import gather
    from mlx_backend.library import Library, database
    from mlx_backend.library.notes import Notes
    from mlx_backend.library.samples import Samples
    from mlx_backend.models.base_model import load_base_model
    from mlx_backend.study.reader_study import ReaderStudy
    from mlx_backend.study.study import StudyPlan, StudyProgress

    def on_progress(progress: StudyProgress) -> None:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{progress.kept}\n")

    library = Library.open(Path(home))
    connection = database.connect(library.database)
    material = gather(Notes(connection))
    study = ReaderStudy(Samples(connection), StudyPlan(None, 0), on_progress, lambda: False)
    study.run(material.passages, load_base_model(library, name), material.places.pointed_to)


if __name__ == "__main__":
    main(*sys.argv[1:])
