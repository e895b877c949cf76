"""Why filters drop samples, as the library records it; the window has a sentence for each."""

from __future__ import annotations

from typing import Final

NOT_A_QUESTION: Final = "not a question"
UNSUPPORTED: Final = "words that the passage does not have"
TELLS_ANSWER: Final = "tells its own answer"
WRONG_WORD: Final = "asks for another kind of thing"
NO_ROUND_TRIP: Final = "the model reads another answer"
REPEATED: Final = "like another one"
READS_WORSE: Final = "reads worse than its twin"
READS_BADLY: Final = "reads badly"
UNREADABLE: Final = "not in the form that was asked for"
MISQUOTED: Final = "quotes words that are not there"
NO_KEY: Final = "asks for words that its quote does not have"
NOT_ALONE: Final = "does not say what it is about"
OTHER_LANGUAGE: Final = "in another language than its note"
LEFT_OUT: Final = "left out by you"
"""The person's choice; no filter gives this reason."""

REASONS = (
    NOT_A_QUESTION,
    UNSUPPORTED,
    TELLS_ANSWER,
    WRONG_WORD,
    NO_ROUND_TRIP,
    REPEATED,
    READS_WORSE,
    READS_BADLY,
    UNREADABLE,
    MISQUOTED,
    NO_KEY,
    NOT_ALONE,
    OTHER_LANGUAGE,
)

OF_THE_QUESTION: Final = (
    NOT_A_QUESTION,
    UNSUPPORTED,
    WRONG_WORD,
    NO_ROUND_TRIP,
    REPEATED,
    READS_WORSE,
    READS_BADLY,
)
"""Reasons that say something of a question alone, whose answer is the note's own statement.

Such a question may still be trained as one more wording of a good question about the statement,
because noise in a prompt does little harm, while noise in an answer is learned:

- NOT_A_QUESTION, READS_BADLY: people type broken sentences and bare words as well.
- WRONG_WORD, READS_WORSE: "who" instead of "what"; the other words still lead to the statement.
- NO_ROUND_TRIP: a small model reads badly, and often another part of the same statement.
- REPEATED: nearly the same words are one more wording.
- UNSUPPORTED: one word is not the note's, often a synonym. Where more of them are not, the question
  points to no statement or to another one; `dataset/crooked.py` finds that out for all reasons.

Of restatements and summaries UNSUPPORTED and REPEATED say something of the answer: they never
qualify. Nor does TELLS_ANSWER: it teaches to repeat the prompt instead of recalling the fact.
"""
