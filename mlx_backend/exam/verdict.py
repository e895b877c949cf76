"""The report's first line and its last: whether the training helped, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from mlx_backend.training.end import End

MOST_FORGOTTEN = 0.02
"""Share of the general questions; what is below it is chance."""

MOST_PERPLEXITY = 1.05
"""How many times as high that of general text may be as before."""

_FEW_RIGHT = 0.5


def verdict(report: Mapping[str, object]) -> str:
    """One sentence: whether the model knows the notes better than before."""
    asked, before, after = (_int(report, f"exam_{key}") for key in ("asked", "before", "after"))
    if not asked:
        return _verdict_by_loss(report)
    if before == after == asked:
        return (
            f"The model answers {after} of {asked} questions about your notes right, and did so"
            " before the training too."
        )
    if after <= before:
        return (
            f"The training did not help: {after} of {asked} questions about your notes were"
            f" answered right, before it {before}. {_why(report)}"
        )
    told = (
        f"The model answers {after} of {asked} questions about your notes that it was not trained"
        " on"
    )
    if (after - before) ** 2 <= after + before:  # within what chance alone may bring
        return f"{told}, hardly more than before ({before}). {_why(report)}"
    return f"{told}; before: {before}."


def _verdict_by_loss(report: Mapping[str, object]) -> str:
    before, after = _float(report, "base_valid_loss"), _float(report, "valid_loss")
    if not (before and after):
        return "There were too few notes to set any aside, so nothing could be measured."
    if after < before:
        return "The model foresees the wording of your notes better than before."
    return (
        "The training did not help: the model foresees the wording of your notes no better than"
        f" before. {_why(report)}"
    )


def advice(report: Mapping[str, object]) -> list[str]:
    """What to do next, most useful first; never empty."""
    found = []
    asked, after = _int(report, "exam_asked"), _int(report, "exam_after")
    if asked and after < _FEW_RIGHT * asked:
        found.append(
            "A longer night would not help, for it ended by itself. More notes about the same"
            " things may."
            if report.get("ended") == End.NO_GAIN
            else "Give it a longer night: what it knows grows with the time it trains."
        )
    if _forgot(report):
        found.append(
            "It forgot a little of what it could before. Choose it for your notes, and the base"
            " model for everything else."
        )
    if report.get("cut") or report.get("unlearnable"):
        found.append("Some samples were too long to learn whole; they are listed below.")
    if asked and after < asked:
        found.append(
            "With “From my notes” in the chat the answer is looked up instead of remembered."
        )
    return found or ["Ask it something. New notes make the next night worth while."]


def _why(report: Mapping[str, object]) -> str:
    """What kept it from learning, as far as the report tells."""
    # Only a run that studied has a recipe.
    if report.get("recipe") and not _int(report, "study_used"):
        return "Nothing was found in the notes that could be asked for."
    if report.get("ended") == End.NO_GAIN:
        return "It ended by itself once more training no longer helped."
    if _float(report, "passes") < 1.0:
        was_cut = report.get("ended") == End.NO_TIME
        short = "The time was over" if was_cut else "It was planned to end"
        return f"{short} before it had seen all of the notes."
    return "It saw all of the notes, but perhaps not often enough."


def _forgot(report: Mapping[str, object]) -> bool:
    asked = _int(report, "general_asked")
    lost = _int(report, "general_before") - _int(report, "general_after")
    before, after = _float(report, "perplexity_before"), _float(report, "perplexity_after")
    return bool(asked) and (lost > MOST_FORGOTTEN * asked or after > MOST_PERPLEXITY * before)


def _int(report: Mapping[str, object], key: str) -> int:
    value = report.get(key)
    return value if isinstance(value, int) else 0


def _float(report: Mapping[str, object], key: str) -> float:
    value = report.get(key)
    return float(value) if isinstance(value, int | float) else 0.0
