"""Sentences about samples: what becomes of each and why, and how many there are."""

from __future__ import annotations

from app.text import amounts
from mlx_backend.library.drop_reasons import (
    LEFT_OUT,
    MISQUOTED,
    NO_KEY,
    NO_ROUND_TRIP,
    NOT_A_QUESTION,
    NOT_ALONE,
    OTHER_LANGUAGE,
    READS_BADLY,
    READS_WORSE,
    REPEATED,
    TELLS_ANSWER,
    UNREADABLE,
    UNSUPPORTED,
    WRONG_WORD,
)
from mlx_backend.library.sample_browsing import SampleOverview
from mlx_backend.library.stored_samples import StoredSample

# By filter: what is wrong with one, and what was wrong with several.
_REASONS = {
    NOT_A_QUESTION: ("It is not a question.", "were not questions"),
    UNSUPPORTED: (
        "It says something that its note does not.",
        "said something that their note does not",
    ),
    TELLS_ANSWER: ("It tells its own answer.", "told their own answer"),
    WRONG_WORD: (
        "It asks for another kind of thing than its answer is.",
        "asked for another kind of thing than their answer is",
    ),
    NO_ROUND_TRIP: (
        "With the note in view, the model gives another answer.",
        "were answered differently with the note in view",
    ),
    REPEATED: ("It is like another one.", "were like others"),
    READS_WORSE: (
        "Another wording of it reads better.",
        "read worse than another wording",
    ),
    LEFT_OUT: ("You left it out.", "were left out by you"),
    READS_BADLY: (
        "It is worded as hardly anybody would ask.",
        "were worded as hardly anybody would ask",
    ),
    UNREADABLE: (
        "The model did not write it in the form that was asked for.",
        "were not written in the form that was asked for",
    ),
    MISQUOTED: (
        "It quotes words that its note does not have.",
        "quoted words that their note does not have",
    ),
    NO_KEY: (
        "The words that it asks for are not in what it quotes.",
        "asked for words that are not in what they quote",
    ),
    NOT_ALONE: (
        "Nobody could tell what it is about without seeing the note.",
        "did not say what they are about",
    ),
    OTHER_LANGUAGE: (
        "It is in another language than its note.",
        "were in another language than their note",
    ),
}


def reason(dropped: str) -> str:
    """Why a filter threw a sample out, as a sentence."""
    known = _REASONS.get(dropped)
    return known[0] if known else f"{dropped[:1].upper()}{dropped[1:]}."


def reason_of_several(dropped: str) -> str:
    """The same for several, to follow their number."""
    known = _REASONS.get(dropped)
    return known[1] if known else dropped


def state(sample: StoredSample) -> str:
    """What becomes of a sample, in a word or two."""
    if sample.is_used and not sample.of_used_note:
        return "Left out"
    match sample.choice:
        case "keep":
            return "Used"
        case "drop" | "edited, dropped":
            return "Left out"
        case "edited":
            return "Changed"
    return "Thrown out" if sample.dropped else "Kept"


def state_help(sample: StoredSample) -> str:
    """What becomes of a sample, and why."""
    if sample.is_used and not sample.of_used_note:
        return "Its note is left out of training, and so is this sample."
    match sample.choice:
        case "keep":
            why = f" It had been thrown out: {_inside(sample.dropped)}" if sample.dropped else ""
            return f"You chose to use this sample.{why}"
        case "drop" | "edited, dropped":
            return "You left this sample out; training does not see it."
        case "edited":
            return "You changed this sample; training uses it as it is now."
    if sample.dropped:
        return f"Thrown out: {_inside(sample.dropped)} Training does not see it."
    return "Kept: training uses this sample."


def totals(overview: SampleOverview, found: int | None) -> str:
    """'2,410 samples written, 2,105 kept'; and how many are shown, where not all are."""
    sentence = (
        f"{amounts.count(overview.written, 'sample')} written, {amounts.number(overview.kept)} kept"
    )
    return sentence if found is None else f"{amounts.count(found, 'sample')} found. {sentence}"


def thrown_out(overview: SampleOverview) -> str:
    """How many each filter threw out, a line for each."""
    return "\n".join(
        f"{amounts.number(number)} {reason_of_several(dropped)}"
        for dropped, number in overview.reasons.items()
    )


def _inside(dropped: str) -> str:
    sentence = reason(dropped)
    return sentence[:1].lower() + sentence[1:]
