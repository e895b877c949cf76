"""What a person should know of a long question before they send it."""

from __future__ import annotations

from app.text import amounts
from mlx_backend.protocol import LONGEST_QUESTION, WORDS_LOOKED_UP

# Rules of thumb for English.
_WORDS_A_TOKEN = 0.75
_BYTES_A_TOKEN = 4
# A question of so few characters has no more words than are looked up.
_SHORT = 2 * WORDS_LOOKED_UP
# Characters that the bubble of a long question shows of its beginning, and of its end.
_SHOWN = 1_000


def length_notice(question: str, is_quoting: bool, context: int) -> str:
    """How much of a question is read, "" where that is all of it.

    A model reads `context` tokens at once, 0 where that is not known; with `is_quoting` the
    question is looked up in the notes, and answered in their words.
    """
    if len(question) <= _SHORT:
        return ""
    if len(question) > LONGEST_QUESTION:
        return (
            f"This has {amounts.count(len(question), 'character')}; up to"
            f" {amounts.number(LONGEST_QUESTION)} can be sent."
            " Nothing is cut off. Shorten it to send it."
        )
    if is_quoting:
        asked = len(question[: LONGEST_QUESTION // 10].split())
        if asked <= WORDS_LOOKED_UP:
            return ""
        return (
            f"The last {WORDS_LOOKED_UP} words of this are looked up in your notes. So ask at the"
            " end, or switch “From my notes” off to have the model read all of it."
        )
    if context and len(question) // _BYTES_A_TOKEN > context // 2:
        tokens = len(question.encode("utf-8", "replace")) // _BYTES_A_TOKEN
        if tokens > context:
            return (
                f"The model reads about {amounts.number(_round(context * _WORDS_A_TOKEN))} words at"
                " once, and this is longer. Shorten it, or ask about one part of it at a time."
            )
    return ""


def without_middle(question: str) -> str:
    """A question as its bubble shows it: of a long one the beginning and the end.

    What is asked is mostly at one of the two. Between them it says how much is not shown.
    """
    if len(question) <= 2 * _SHOWN + _SHOWN // 2:
        return question
    left_out = amounts.count(len(question) - 2 * _SHOWN, "character")
    return f"{question[:_SHOWN]}\n\n[… {left_out} sent and not shown …]\n\n{question[-_SHOWN:]}"


def _round(words: float) -> int:
    return int(round(words, -max(0, len(str(int(words))) - 2)))
