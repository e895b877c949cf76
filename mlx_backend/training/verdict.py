"""The report's first line and its last: whether the training helped, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping

_MOST_FORGOTTEN = 0.02  # share of the general questions
_MOST_PERPLEXITY = 1.05
_FEW_RIGHT = 0.5
_FEW_PASSES = 1.0


def verdict(report: Mapping[str, object]) -> str:
    """One sentence: whether the model knows the notes better than before."""
    asked, before, after = (_int(report, f"exam_{key}") for key in ("asked", "before", "after"))
    if not asked:
        losses = _float(report, "base_valid_loss"), _float(report, "valid_loss")
        if 0 < losses[1] < losses[0]:
            return "The model foresees the wording of your notes better than before."
        return "There were too few notes to set questions aside, so nothing could be measured."
    if after <= before:
        return (
            f"The training did not help: {after} of {asked} questions about your notes were"
            f" answered right, before it {before}. {_why(report)}"
        )
    return (
        f"The model answers {after} of {asked} questions about your notes that it was not trained"
        f" on; before: {before}."
    )


def advice(report: Mapping[str, object]) -> list[str]:
    """What to do next, most useful first; never empty."""
    found = []
    asked, after = _int(report, "exam_asked"), _int(report, "exam_after")
    if asked and after < _FEW_RIGHT * asked:
        found.append("Give it a longer night: what it knows grows with the time it trains.")
    if _forgot(report):
        found.append(
            "It forgot a little of what it could before. Choose it for your notes, and the base"
            " model for everything else."
        )
    if report.get("cut") or report.get("unlearnable"):
        found.append("Some samples were too long to learn whole; they are listed below.")
    if asked and after < asked:
        found.append(
            "With “From my notes” in the chat it looks the answer up, which is right more often."
        )
    return found or ["Ask it something. New notes make the next night worth while."]


def _why(report: Mapping[str, object]) -> str:
    if _int(report, "steps") < _int(report, "planned_steps") * _FEW_PASSES / 2:
        return "It stopped early, before it had seen all of the notes."
    if _int(report, "study_used") == 0:
        return "Nothing was found in the notes that could be asked for."
    return "The time may have been too short, or the learning rate too low (Settings, Details)."


def _forgot(report: Mapping[str, object]) -> bool:
    asked = _int(report, "general_asked")
    lost = _int(report, "general_before") - _int(report, "general_after")
    before, after = _float(report, "perplexity_before"), _float(report, "perplexity_after")
    return bool(asked) and (lost > _MOST_FORGOTTEN * asked or after > _MOST_PERPLEXITY * before)


def _int(report: Mapping[str, object], key: str) -> int:
    value = report.get(key)
    return value if isinstance(value, int) else 0


def _float(report: Mapping[str, object], key: str) -> float:
    value = report.get(key)
    return float(value) if isinstance(value, int | float) else 0.0
