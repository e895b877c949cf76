"""Computing the vectors by which passages are found by meaning, after an import.

`python -m mlx_backend.importers.meaning HOME` computes those that are missing, at a low priority,
and ends. It may be killed at any time: each batch is saved by itself, and the next one
goes on from there.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from mlx_backend.errors import OvernightError
from mlx_backend.library import database
from mlx_backend.library.home import HOME_VARIABLE, Library
from mlx_backend.library.passage_index import refresh_index
from mlx_backend.library.passage_vectors import PassageVectors
from mlx_backend.locks import held
from mlx_backend.models.sentence_package import find_folder
from mlx_backend.private_data.redacting import log_to_stderr
from mlx_backend.settings import load_settings

_AT_ONCE = 64
_NICENESS = 10  # at 19, a machine that is never idle would never come to it
_THREADS = {"OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}

_log = logging.getLogger(__name__)


def start_if_due(library: Library) -> subprocess.Popen[bytes] | None:
    """Start a process of its own that computes what is missing, if anything is, and can be.

    Returns at once: the process outlives this one. None where there is nothing to do. Where the
    person does not want it, the vectors are deleted.
    """
    with database.opened(library.database) as connection:
        vectors = PassageVectors(connection)
        if not load_settings(library.settings).search_by_meaning:
            vectors.forget_all()
            return None
        if find_folder() is None or not vectors.count_missing():
            return None
    process = subprocess.Popen(
        [sys.executable, "-m", "mlx_backend.importers.meaning", str(library.home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=os.environ | _THREADS | {HOME_VARIABLE: str(library.home)},
        start_new_session=True,
    )
    # Without someone who waits, the ended process would stay as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def compute_missing(
    connection: sqlite3.Connection, stop_requested: Callable[[], bool] = lambda: False
) -> int:
    """Compute the vectors that are missing, batch by batch; returns how many were computed.

    Computes none without the sentence model. Raises OvernightError when its files are damaged.
    """
    from mlx_backend.models.sentence_model import SentenceModel

    folder = find_folder()
    vectors = PassageVectors(connection)
    if folder is None or not vectors.count_missing():
        return 0
    model = SentenceModel(folder)
    done = 0
    while not stop_requested() and (passages := vectors.missing(_AT_ONCE)):
        vectors.add(passages, model.vectors([each.text for each in passages]))
        done += len(passages)
    return done


def main(arguments: list[str]) -> int:
    """Compute what is missing in the library at `arguments[0]`; returns 0 also if another does."""
    log_to_stderr()
    os.nice(_NICENESS)
    library = Library(Path(arguments[0]))
    if not library.database.is_file():
        return 0
    try:
        with (
            held(library.home / "meaning.lock") as alone,
            database.opened(library.database) as connection,
        ):
            if alone:
                refresh_index(connection)
                compute_missing(connection)
    except (OvernightError, OSError, sqlite3.Error):
        _log.exception("the vectors could not be computed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
