"""A run's report in plain words."""

from __future__ import annotations

from app.jobs.snapshot import JobSnapshot
from app.notes.samples import descriptions
from app.text import amounts
from app.tonight.report import Report
from app.tonight.run_facts import Fact
from mlx_backend.exam.verdict import MOST_FORGOTTEN, MOST_PERPLEXITY

_MOST_LISTED = 20


def when(run: JobSnapshot, name: str) -> str:
    """What was made and when: '“Notes” was ready today, 6:40'."""
    day = amounts.day(run.latest_at)
    return f"“{name}” was ready {day[:1].lower()}{day[1:]}."


def exam(report: Report) -> str:
    """What the questions about the notes are."""
    learned = "What they ask for was learned, but never in these words."
    if report.passes < 1:
        learned = (
            "None was learned in these words, and what some of them ask for not at all, for the"
            " night was too short for all of it."
        )
    return (
        f"These questions were set aside before the training. {learned} The model answers from"
        " memory."
    )


def study(report: Report) -> str:
    """What was read, what there is about it, and what for; "" where nothing is known of it."""
    if not report.study_written:
        return ""
    # They are of all nights so far: what was studied before is not studied again.
    written = amounts.count(report.study_written, "sample")
    verb = "is" if report.study_written == 1 else "are"
    read = max(report.notes_read, report.notes)
    reached = f" and reached {amounts.number(report.notes)} of them" if report.notes < read else ""
    used = amounts.number(report.study_used)
    sentence = (
        f"It read {amounts.count(read, 'note')}{reached}. There {verb} {written} about your notes:"
        f" questions with answers, in several wordings. It keeps {used}"
        " that the notes bear out."
    )
    if report.recipe:
        learned = report.recipe.replace("what they say", "what your notes say")
        sentence += f" From these it learned {learned}."
    return sentence


def thrown_out(report: Report) -> list[str]:
    """How many samples each filter threw out, most first."""
    dropped = sorted(report.study_dropped.items(), key=lambda item: -item[1])
    return [
        f"{amounts.number(number)} {descriptions.reason_of_several(why)}" for why, number in dropped
    ]


def general(report: Report) -> str:
    """What became of what the model could before."""
    lost = report.general_before - report.general_after
    if lost <= 0:
        sentence = "It lost nothing of these."
    elif lost <= MOST_FORGOTTEN * report.general_asked:
        sentence = "It forgot next to nothing of these."
    else:
        sentence = "It forgot some of these: for other things than your notes, ask the base model."
    if report.perplexity_after > MOST_PERPLEXITY * report.perplexity_before > 0:
        sentence += " But it foresees text about other things less well than before."
    return sentence


def style(report: Report) -> str:
    """Whether it writes more like the person; "" where that was not measured."""
    before, after = report.style_before, report.style_after
    if before is None or after is None or before <= 0:
        return ""
    shown = "Of pages that you wrote, and of which it knows only single sentences, it foresees"
    if after >= before:
        return f"{shown} the words no better than before: it does not write like you yet."
    return f"{shown} the words better than before: it writes more like you."


def night(report: Report, run: JobSnapshot) -> list[Fact]:
    """What it took."""
    found = []
    if run.worked_s:
        found.append(Fact(amounts.span(run.worked_s), "in all"))
    if report.study_minutes:
        found.append(Fact(amounts.span(report.study_minutes * 60), "of it for study"))
    if report.peak_bytes:
        found.append(Fact(amounts.size(report.peak_bytes), "memory at most"))
    if report.watt_hours > 0:
        energy = f"about {amounts.energy(report.watt_hours)}"
        found.append(Fact(energy, "of energy", report.energy_how))
    return found


def energy_how(report: Report) -> str:
    """How the energy is known."""
    how = report.energy_how.strip().rstrip(".")
    return f"Energy: {how[:1].lower()}{how[1:]}." if how and report.watt_hours > 0 else ""


def details(report: Report) -> list[tuple[str, str]]:
    """The numbers behind it all, as pairs of a name and a value."""
    found = [("Steps", _steps(report))] if report.steps else []
    if report.tokens_per_second:
        found.append(("Speed", f"{amounts.number(report.tokens_per_second)} tokens a second"))
    if report.samples:
        found.append(("Samples learned", amounts.number(report.samples)))
    pairs = (
        ("Held-out loss", report.base_valid_loss, report.valid_loss),
        ("Perplexity of general text", report.perplexity_before, report.perplexity_after),
        ("Loss on your own writing", report.style_before, report.style_after),
    )
    for name, before, after in pairs:
        if before and after:
            found.append((name, f"{amounts.number(after, 2)}; before: {amounts.number(before, 2)}"))
    for name, samples in (("Learned in part", report.cut), ("Not learned", report.unlearnable)):
        if samples:
            listed = "\n".join(sample.prompt for sample in samples[:_MOST_LISTED])
            more = len(samples) - _MOST_LISTED
            found.append(
                (name, f"{listed}\nand {amounts.number(more)} more" if more > 0 else listed)
            )
    return found


def _steps(report: Report) -> str:
    planned, kept = report.planned_steps, report.kept_step
    steps = amounts.number(report.steps)
    if planned:
        steps = f"{amounts.part(report.steps, planned)} planned"
    if 0 < kept < report.steps:
        steps += f"; best at step {amounts.number(kept)}, which was kept"
    return steps
