from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.library import database
from mlx_backend.library.bin.rows import RowBin
from mlx_backend.library.branches import parents_of, versions_of
from mlx_backend.library.conversation_export import file_name
from mlx_backend.library.conversations import Conversations, ConversationSettings, StoredTurn
from mlx_backend.library.judgements import Judgement, Judgements
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


def test_questions_make_a_tree_and_the_branch_asked_last_is_on_show(
    conversations: Conversations,
) -> None:
    number, one = conversations.begin_as(
        StoredTurn("user", "One", None, parent=0), ConversationSettings()
    )
    conversations.add(number, StoredTurn("assistant", "1", None, parent=one))
    two = conversations.add(number, StoredTurn("user", "Two", None, parent=one))
    conversations.add(number, StoredTurn("assistant", "2", None, parent=two))
    other = conversations.add(number, StoredTurn("user", "Other", None, parent=one))
    assert [turn.text for turn in conversations.branch(number)] == ["One", "1", "Other"]
    conversations.show(number, two)
    assert [turn.text for turn in conversations.branch(number)] == ["One", "1", "Two", "2"]
    assert versions_of(parents_of(conversations.turns(number)))[one] == (two, other)


def test_what_was_stored_before_there_were_branches_is_one(
    conversations: Conversations, connection: sqlite3.Connection
) -> None:
    number = conversations.start("One")
    for role, text in (("user", "One"), ("assistant", "1"), ("user", "Two"), ("assistant", "2")):
        connection.execute(
            "INSERT INTO turns (conversation_id, role, text, at) VALUES (?, ?, ?, 1.0)",
            (number, role, text),
        )
    assert [turn.text for turn in conversations.branch(number)] == ["One", "1", "Two", "2"]
    last = conversations.branch(number)[-2].id
    conversations.add(number, StoredTurn("user", "Three", None, parent=last))
    assert [turn.text for turn in conversations.branch(number)][-2:] == ["2", "Three"]


def test_branches_come_back_from_the_bin(connection: sqlite3.Connection, tmp_path: Path) -> None:
    talks = Conversations(connection)
    number, one = talks.begin_as(StoredTurn("user", "One", None, parent=0))
    answer = talks.add(number, StoredTurn("assistant", "Puffin", None, parent=one))
    talks.add(number, StoredTurn("user", "Two", None, parent=one))
    talks.show(number, one)
    Judgements(connection).judge(answer, Judgement(1, "Two puffins"))
    before = talks.branch(number)
    rows = RowBin(connection)
    (item,) = rows.delete("conversation", [number])
    assert talks.find("puffin") == []
    assert Judgements(connection).all() == []
    rows.restore([item.id])
    assert talks.branch(number) == before
    assert [talk.id for talk in talks.find("puffin")] == [number]
    assert Judgements(connection).of([answer]) == {answer: Judgement(1, "Two puffins")}


def test_an_answer_that_grows_is_found_when_it_has_ended(conversations: Conversations) -> None:
    number, one = conversations.begin_as(
        StoredTurn("user", "One", None, parent=0), ConversationSettings()
    )
    growing = StoredTurn("assistant", "Puf", None, ended="live", parent=one)
    turn = conversations.save(number, growing)
    conversations.save(number, replace(growing, id=turn, text="Puffin"))
    assert conversations.find("puffin") == []
    conversations.save(number, replace(growing, id=turn, text="Puffin", ended="stop"))
    assert [talk.id for talk in conversations.find("puffin")] == [number]
    assert len(conversations.turns(number)) == 2


def test_what_a_killed_window_left_is_marked(conversations: Conversations) -> None:
    number, one = conversations.begin_as(
        StoredTurn("user", "One", None, parent=0), ConversationSettings()
    )
    conversations.add(number, StoredTurn("assistant", "Puf", None, ended="live", parent=one))
    conversations.end_live()
    assert conversations.turns(number)[1].ended == "broken"


def test_settings_of_a_conversation_are_kept(conversations: Conversations) -> None:
    own = ConversationSettings(system="Be brief.", temperature=0.0, seed=3)
    number, _ = conversations.begin_as(StoredTurn("user", "One", None, parent=0), own)
    assert conversations.settings(number) == own
    assert conversations.settings(99) == ConversationSettings()


def test_file_names_are_good_everywhere() -> None:
    assert file_name('a/b: "c"?') == "a b c.md"
    assert file_name("..\u202e") == "Conversation.md"
    assert len(file_name("x" * 500)) < 100
