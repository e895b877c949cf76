"""A conversation and a note that have a bit of everything that Markdown brings, for screenshots."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.bin import Bin
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.notes import Notes
from mlx_backend.protocol import Citation
from scripts.screenshots.recorded_library import NAME

NOTE = "Tide table"

_CODE = """\
```python
def tide(hour: float, height: float = 3.2) -> float:
    \"\"\"How deep the water is.\"\"\"
    return height + 1.4 * math.sin(2 * math.pi * hour / 12.42)  # metres, as the harbour has it
```"""

_TABLE = """\
| Day | High water | Low water | Berth |
|---|---|---|---|
| Monday | 06:12 | 12:25 | North quay |
| Tuesday | 07:01 | 13:14 | North quay |
| Wednesday | 07:49 | 14:02 | Gull Pantry |"""

_MARKED = f"""\
The tide comes back every *12.42 hours*, so the depth at any hour is:

{_CODE}

Ida put it more shortly, in `log.md`:

> Half a tide is six hours, and then some:
>
> ```sh
> for hour in 0 6 12 18; do ./depth --harbour "Amber Cove" --hour "$hour" --unit metres; done
> ```

For this week that gives:

{_TABLE}

1. Sail on the ebb.
2. Keep **two metres** below the keel.
"""

_QUOTE = "24 fathoms of tarred rope, kept in rope_store.txt"


def write_note(folder: Path) -> None:
    """A note of a bit of everything."""
    text = f"# {NOTE}\n\nRope: {_QUOTE}.\n\n## What it says\n\n{_MARKED}"
    (folder / f"{NOTE}.md").write_text(text, encoding="utf-8")


def record_talk(db: sqlite3.Connection) -> int:
    """A conversation with a quote, code, a table, and more questions than the model sees."""
    conversations = Conversations(db)
    note = next(note for note in Notes(db).summaries() if note.title == NOTE)
    cited = Citation(
        note=note.id, passage=1, title=NOTE, path=note.path, start=20, end=20 + len(_QUOTE)
    )
    talk = conversations.start("How much rope is there?")
    for turn in (
        StoredTurn("user", "How much rope is there?", None),
        StoredTurn("assistant", f"{NOTE}: {_QUOTE}", NAME, (cited,), _QUOTE, from_notes=True),
        StoredTurn("user", "How do I work out the depth of the harbour?", None),
        StoredTurn("assistant", _MARKED, NAME, (cited,), left_out=1),
    ):
        conversations.add(talk, turn)
    return talk


def fill_bin(library: Library, db: sqlite3.Connection) -> None:
    """Delete something of most kinds."""
    bin_ = Bin(library, db)
    bin_.delete_notes([Notes(db).summaries()[0].id])
    bin_.delete_conversations([Conversations(db).all()[0].id])
    bin_.delete_adapter(NAME)


def full_disk() -> OvernightError:
    """What is said when nothing more can be written."""
    return OvernightError(
        ErrorKind.DISK_FULL,
        "The disk is full.",
        "Make some room; what you typed is kept meanwhile.",
    )
