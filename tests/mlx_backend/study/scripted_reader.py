"""A reader whose replies are written by rule, at the model's edge: `Completer.complete`.

`python -m tests.mlx_backend.study.scripted_reader HOME LOG SECONDS` studies a library's notes with
it, takes so long for each genre, and logs each group once it was told of: for tests that kill it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlx_backend.library import Library, database
from mlx_backend.library.notes import Notes
from mlx_backend.library.samples import Samples
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.study.by_model.reader import reader as reader_module
from mlx_backend.study.by_model.reader.completing import Conversation
from mlx_backend.study.by_model.reader.genres import ALL, DETAILS, FACTS
from mlx_backend.study.reader_study import ReaderStudy
from mlx_backend.study.study import StudyPlan, StudyProgress

NAME = "scripted"
LOADED: Any = SimpleNamespace(info=SimpleNamespace(card=SimpleNamespace(name=NAME)))


class ScriptedReader:
    """Stands in for a `Completer`; `calls` has the genres it was asked for, in order.

    Of other genres than facts it finds nothing. What it is asked to read, it answers with the key.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.calls: list[str] = []
        self._seconds = seconds
        self._keys: dict[str, str] = {}

    def complete(
        self,
        kind: str,
        families: Sequence[Sequence[Conversation]],
        most: int,
        is_over: Callable[[], bool],
    ) -> list[list[str]] | None:
        """As `Completer.complete`."""
        assert most > 0
        if is_over():
            return None
        self.calls += dict.fromkeys(asked_for(kind, each) for family in families for each in family)
        time.sleep(self._seconds)
        return [[self.reply(asked_for(kind, each), each) for each in family] for family in families]

    def reply(self, kind: str, asked: Conversation) -> str:
        """What it goes on with in a conversation."""
        if kind == "reading":
            return self._keys[asked.turns[-1].text.rpartition("Question: ")[2]]
        return self._about_sentence(asked.begun) if kind == "facts" else "[]"

    def _about_sentence(self, begun: str) -> str:
        given = json.loads(begun + '"}]')[0]
        *about, key = given["quote"].strip(".").split()
        question = f"What belongs to {' '.join(about)}?"
        self._keys[question] = key
        ending = json.dumps({"question": question, "key": key, "answer": f"It is {key}."})
        return ending[len('{"question": "') :] + "]"


def asked_for(kind: str, asked: Conversation) -> str:
    """The name of the genre that a conversation asks for; "reading" where it has it read."""
    text = asked.turns[-1].text
    if kind == "reading":
        return kind
    found = next(genre for genre in ALL.values() if genre.request in text)
    return DETAILS.name if found is FACTS and '"key"' in asked.begun else found.name


def agree(_: LoadedModel, pairs: Sequence[object]) -> list[float]:
    """A judge that finds all answers alike."""
    return [1.0] * len(pairs)


def main(home: str, log: str, seconds: float) -> None:
    """Study a library's notes, and log the progress line by line."""
    scripted: Any = ScriptedReader(seconds)
    edge: Any = reader_module
    edge.Completer, edge.agreement = lambda _: scripted, agree
    connection = database.connect(Library.open(Path(home)).database)

    def on_progress(progress: StudyProgress) -> None:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{progress.kept}\n")

    study = ReaderStudy(Samples(connection), StudyPlan(None, seed=0), on_progress, lambda: False)
    study.run(list(Notes(connection).passages()), LOADED, lambda *_: 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
