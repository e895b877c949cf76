from __future__ import annotations

from app.chat.exchanges import Exchange, ShownAnswer, exchanges_of, turns_for, unseen_questions
from mlx_backend.library.conversations import StoredTurn


def test_stored_turns_become_questions_with_answers() -> None:
    turns = [
        StoredTurn("assistant", "an answer to nothing", None),
        StoredTurn("user", "One?", None),
        StoredTurn("assistant", "Adapter's one.", "Notes"),
        StoredTurn("assistant", "Base's one.", None),
        StoredTurn("user", "Two?", None),
        StoredTurn("assistant", "First try.", "Notes"),
        StoredTurn("assistant", "Second try.", "Notes"),
    ]
    assert exchanges_of(turns) == [
        Exchange(
            "One?", (ShownAnswer("Notes", "Adapter's one."), ShownAnswer(None, "Base's one."))
        ),
        Exchange("Two?", (ShownAnswer("Notes", "Second try."),)),
    ]


def test_each_answerer_hears_its_own_answers() -> None:
    exchanges = [
        Exchange(
            "One?", (ShownAnswer("Notes", "Adapter's one."), ShownAnswer(None, "Base's one."))
        ),
        Exchange("Two?", (ShownAnswer("Notes", "Adapter's two."),)),
        Exchange("Never answered?"),
        Exchange("Now?"),
    ]
    heard = [turn.text for turn in turns_for(exchanges, None)]
    assert heard == ["One?", "Base's one.", "Two?", "Adapter's two.", "Now?"]
    roles = [turn.role for turn in turns_for(exchanges, "Notes")]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


def test_the_worker_is_told_more_than_any_model_reads() -> None:
    long = [Exchange(f"Question {n}", (ShownAnswer(None, "word " * 10_000),)) for n in range(60)]
    turns = turns_for([*long[:20], Exchange("Last?")], None)
    assert len(turns) == 41
    turns = turns_for([*long, Exchange("Last?")], None)
    assert turns[-1].text == "Last?"
    assert turns[0].role == "user"
    assert 20 < len(turns) < 100
    unsent = (121 - len(turns)) // 2
    assert unseen_questions([*long, Exchange("Last?")], None, 3) == unsent + 3


def test_questions_that_were_never_answered_count_among_those_not_seen() -> None:
    answered = Exchange("Heard?", (ShownAnswer(None, "Yes."),))
    exchanges = [answered, Exchange("Never answered?"), answered, answered, Exchange("Now?")]
    assert [unseen_questions(exchanges, None, n) for n in range(4)] == [0, 2, 3, 4]
