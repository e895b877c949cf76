from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.library import database
from mlx_backend.library.conversations import Conversations, StoredTurn
from mlx_backend.library.notes import NewNote, Notes
from mlx_backend.protocol import Citation


@pytest.fixture
def conversations(connection: sqlite3.Connection) -> Conversations:
    return Conversations(connection)


def test_turns_come_back_in_order_and_as_they_were(conversations: Conversations) -> None:
    number = conversations.start("Who lit the lamp?")
    turns = [
        StoredTurn("user", "Who lit the lamp?\n\n🎉 '; DROP TABLE turns; --", None),
        StoredTurn("assistant", "Marta.", "Garden"),
        StoredTurn("user", "", None),
        StoredTurn("assistant", "…", None),
        StoredTurn("assistant", "Note: 2*3", None, (cited("Note"),), "2*3"),
    ]
    for turn in turns:
        conversations.add(number, turn)
    assert conversations.turns(number) == turns


def cited(title: str, note: int = 1) -> Citation:
    return Citation(note=note, passage=1, title=title, path="/n", start=0, end=1)


@pytest.mark.parametrize(
    ("text", "sources", "quote"),
    [
        ("Lamp: It was *Marta*.", [cited("Lamp")], "It was *Marta*."),
        ("Lamp lit", [cited("Lamp")], "Lamp lit"),
        ("Lamp: It was Marta, I think.", [cited("Lamp")], ""),
        ("Lamp: It was *Marta*.", [cited("Lamp"), cited("Oil")], ""),
        ("Lamp: It was *Marta*.", [cited("Lamp", 9)], ""),
        ("It was *Marta*.", [cited("Lamp")], ""),
        ("It was *Marta*.", [], ""),
    ],
)
def test_earlier_answers_that_stand_in_their_note_are_quotes(
    tmp_path: Path, text: str, sources: list[Citation], quote: str
) -> None:
    path = tmp_path / "old.sqlite"
    connection = database.connect(path)
    Notes(connection).save(
        [NewNote("/n", "/", "Lamp", "Lamp lit.\nIt was *Marta*.", "1", 5, 5, ())]
    )
    number = Conversations(connection).start("Who?")
    Conversations(connection).add(number, StoredTurn("assistant", text, None, tuple(sources)))
    connection.execute("ALTER TABLE turns DROP COLUMN quote")
    scripts = sorted(Path(database.__file__).with_name("migrations").glob("*.sql"))
    place = next(i for i, script in enumerate(scripts) if script.name == "0013_quotes.sql")
    for statement in database._statements(scripts[place].read_text()):
        connection.execute(statement)
    (turn,) = Conversations(connection).turns(number)
    assert turn.quote == quote


def test_what_is_told_of_an_answer_is_kept(conversations: Conversations) -> None:
    number = conversations.start("Who?")
    told = StoredTurn("assistant", "Lamp: lit", None, (cited("Lamp"),), "lit", True, 3)
    conversations.add(number, told)
    assert list(conversations.turns(number)) == [told]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Short?", "Short?"),
        ("  Two\n lines \t here ", "Two lines here"),
        ("", ""),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_titles(conversations: Conversations, question: str, title: str) -> None:
    conversations.start(question)
    assert conversations.all()[0].title == title


def test_the_latest_is_first(conversations: Conversations) -> None:
    first, second = conversations.start("first"), conversations.start("second")
    assert [c.id for c in conversations.all()] == [second, first]
    conversations.add(first, StoredTurn("user", "again", None))
    assert [c.id for c in conversations.all()] == [first, second]


def test_a_turn_of_no_conversation_is_refused_and_the_next_one_is_not(
    conversations: Conversations,
) -> None:
    with pytest.raises(OvernightError, match="has been deleted"):
        conversations.add(99, StoredTurn("user", "text", None))
    number = conversations.start("next")
    conversations.add(number, StoredTurn("user", "text", None))
    assert len(conversations.turns(number)) == 1
