"""Kill -9 of the window while an answer streams in: what was said and typed is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from app.chat.drafts_and_choices import DraftsAndChoices
from app.library.background import Background
from mlx_backend.library import Library
from mlx_backend.library.conversations import Conversations
from mlx_backend.library.database import opened
from tests.app.tiny_library import environment

_LOST_S = 1.0  # of which half a second is for a busy machine
_MOMENTS = 2


def test_what_was_said_and_typed_is_there(tmp_path: Path) -> None:
    chance = random.Random(5)
    for number in range(int(os.environ.get("OVERNIGHT_KILLS", _MOMENTS))):
        kill_at_some_moment(tmp_path / str(number), chance.randint(30, 150))


def kill_at_some_moment(home: Path, lines: int) -> None:
    window = subprocess.Popen(
        [sys.executable, "-m", "tests.app.chat.streaming_window", str(home)],
        stdout=subprocess.PIPE,
        env=environment(home) | {"QT_QPA_PLATFORM": "offscreen"},
        text=True,
    )
    assert window.stdout is not None
    told: list[tuple[float, int, int]] = []
    for line in window.stdout:
        at, said, typed = line.split("\t")
        told.append((float(at), int(said), int(typed)))
        if sum(each[1] > 0 for each in told) >= lines:
            break
    os.kill(window.pid, signal.SIGKILL)
    window.communicate()
    before = [each for each in told if each[0] < told[-1][0] - _LOST_S] or [(0.0, 0, 0)]
    library = Library.open(home)
    with opened(library.database) as db:
        (talk,) = Conversations(db).all()
        question, *answers = Conversations(db).turns(talk.id)
    assert question.text == "slowly"
    assert len(answers[0].text if answers else "") >= before[-1][1]
    background = Background(library.database)
    drafts = DraftsAndChoices(library.home / "chat.json", background)
    kept = max(len(drafts.draft(talk.id)), len(drafts.draft(None)))
    background.close()
    assert kept >= before[-1][2]
