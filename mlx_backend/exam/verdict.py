"""Whether a training helped, and what to do next: the first line of the report and its last."""

from __future__ import annotations

from mlx_backend.protocol.report import MOST_FORGOTTEN, MOST_PERPLEXITY, RunReport, TrainingEnd

_FEW_RIGHT = 0.5
_CHANCE = " The difference may be chance."


def verdict(report: RunReport) -> str:
    """A sentence or two: whether the model knows the notes better than before."""
    if not report.exam.asked:
        return _verdict_by_loss(report)
    return f"{_verdict_by_exam(report)}{_why_so_few(report)}"


def _verdict_by_exam(report: RunReport) -> str:
    asked, before, after = report.exam.asked, report.exam.before, report.exam.after
    if before == after == asked:
        return (
            f"The model answers {after} of {asked} questions about your notes right, and did so"
            " before the training too."
        )
    if after <= before:
        was = "as many as before it" if after == before else f"before it {before}"
        chance = _CHANCE if after < before and report.exam.may_be_chance else ""
        return (
            f"The training did not help: {after} of {asked} questions about your notes were"
            f" answered right, {was}.{chance} {_why(report)}"
        )
    told = (
        f"The model answers {after} of {asked} questions about your notes that it was not trained"
        f" on; before: {before}."
    )
    return f"{told}{_CHANCE} {_why(report)}" if report.exam.may_be_chance else told


def _why_so_few(report: RunReport) -> str:
    """That fewer questions were asked than there are, and why; "" where all were asked."""
    exam = report.exam
    if not exam.not_asked:
        return ""
    return f" {exam.asked} of {exam.set_aside} questions were asked, because the night was short."


def _verdict_by_loss(report: RunReport) -> str:
    before, after = report.training.base_valid_loss, report.training.valid_loss
    if not (before and after):
        if report.exam.not_asked:
            return "The night was too short to measure what the model knows of your notes."
        return "There were too few notes to set any aside, so nothing could be measured."
    if after < before:
        return "The model predicts the wording of your notes better than before."
    return (
        "The training did not help: the model predicts the wording of your notes no better than"
        f" before. {_why(report)}"
    )


def advice(report: RunReport) -> list[str]:
    """What to do next, most useful first; never empty."""
    found = []
    exam, left_out = report.exam, report.left_out
    if exam.asked and exam.after < _FEW_RIGHT * exam.asked:
        found.append(
            "A longer night would not help, because the training ended by itself. More notes about"
            " the same things may."
            if report.training.ended is TrainingEnd.NO_GAIN
            else "Give it a longer night: what it knows grows with the time it trains."
        )
    if _forgot(report):
        found.append(
            "It forgot a little of what it could before. Choose it for your notes, and the base"
            " model for everything else."
        )
    if left_out.cut or left_out.unlearnable:
        found.append("Some samples were too long to learn whole; they are listed below.")
    if exam.asked and exam.after < exam.asked:
        found.append(
            "With “From my notes” in the chat the answer is looked up instead of remembered."
        )
    return found or ["Ask it something. New notes make the next night worthwhile."]


def _why(report: RunReport) -> str:
    """What kept it from learning, as far as the report tells."""
    training = report.training
    # Only a run that studied has a recipe.
    if report.study.recipe and not report.study.used:
        return "Nothing was found in the notes that could be asked for."
    if training.ended is TrainingEnd.NO_GAIN:
        return "It ended by itself once more training no longer helped."
    if training.ended is TrainingEnd.TOO_FAR:
        return "It ended by itself before the model would have forgotten what it knew."
    if training.passes < 1.0:
        was_cut = training.ended is TrainingEnd.NO_TIME
        short = "The time was over" if was_cut else "It was planned to end"
        return f"{short} before it had seen all of the notes."
    return "It saw all of the notes, but perhaps not often enough."


def _forgot(report: RunReport) -> bool:
    general = report.general
    lost = general.before - general.after
    is_less_fluent = general.perplexity_after > MOST_PERPLEXITY * general.perplexity_before
    has_lost = lost > MOST_FORGOTTEN * general.asked and not general.may_be_chance
    return bool(general.asked) and (has_lost or is_less_fluent)
