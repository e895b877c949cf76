"""A run's report in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from app.jobs.snapshot import JobSnapshot
from app.notes.samples import descriptions
from app.text import amounts
from app.tonight.run_figures import Figure
from mlx_backend.protocol.report import (
    MOST_FORGOTTEN,
    MOST_PERPLEXITY,
    AdaptationReport,
    LeftOut,
    OpenBookWords,
    RunReport,
    TrainingReport,
)

_MOST_LISTED = 20


def when(run: JobSnapshot, name: str) -> str:
    """What was made and when: '“Notes” was ready today, 6:40'."""
    day = amounts.day(run.latest_at)
    return f"“{name}” was ready {day[:1].lower()}{day[1:]}."


def exam(report: RunReport) -> str:
    """What the questions about the notes are."""
    learned = "What they ask for was learned, but never in these words."
    if report.training.passes < 1:
        learned = (
            "None was learned in these words, and some ask for what was not learned at all, because"
            " the night was too short for all of it."
        )
    told = f"These questions were set aside before the training. {learned} The model answers from"
    return f"{told} memory.{_other_wordings(report)}{_fewer(report)}"


def _other_wordings(report: RunReport) -> str:
    """How it answered what only another writer worded; "" where nothing like that was asked."""
    asked = [item for item in report.exam.items if item.by_other]
    if not asked:
        return ""
    right = amounts.part(sum(item.right_after for item in asked), len(asked))
    return (
        " Some are worded by another writer than the questions that it learned: of these, it"
        f" answers {right}."
    )


def _fewer(report: RunReport) -> str:
    exam = report.exam
    if not exam.not_asked:
        return ""
    return f" There was time to ask {amounts.part(exam.asked, exam.asked + exam.not_asked)}."


def marks(report: RunReport) -> str:
    """Both counts of right answers, where they were marked in both ways; "" otherwise."""
    exam = report.exam
    if exam.by_words_after is None or exam.by_meaning_after is None:
        return ""
    words, meaning = amounts.number(exam.by_words_after), amounts.number(exam.by_meaning_after)
    return (
        f"Right by words: {words}, because the answer has the very words of your notes. Right by"
        f" meaning: {meaning}, as the base model judges with the notes in view. Above, short"
        " answers count by words, long ones by meaning."
    )


def open_book(report: RunReport) -> str:
    """How many questions are answered from the notes, and by whom; "" where that was not asked."""
    found = report.open_book
    if not found.told or not found.untold:
        return ""
    told = (
        f"With your notes in view it answers {amounts.part(found.right_after, found.told)} right"
        f" (the base model: {amounts.number(found.right_before)}). Asked what they do not tell, it"
        f" says so in {amounts.part(found.declined_after, found.untold)} cases"
        f" (the base model: {amounts.number(found.declined_before)})."
    )
    if found.words is OpenBookWords.BASE:
        return f"{told} The base model words these answers, because it reads better."
    if found.words is OpenBookWords.BOTH:
        return f"{told} Where the adapter wrongly finds nothing, the base model answers."
    return told


def study(report: RunReport) -> str:
    """What was read, the samples about it, and their purpose; "" where none were written."""
    study, reached = report.study, report.training.notes
    if not study.written:
        return ""
    # The samples of all nights so far: what was studied before is not studied again.
    written = amounts.count(study.written, "sample")
    verb = "is" if study.written == 1 else "are"
    read = max(report.left_out.notes_read, reached)
    part = f" and reached {amounts.number(reached)} of them" if reached < read else ""
    sentence = (
        f"It read {amounts.count(read, 'note')}{part}. There {verb} {written} about your notes:"
        f" questions with answers, in several wordings. It keeps {amounts.number(study.used)}"
        " that the notes support."
    )
    if study.recipe:
        learned = study.recipe.replace("what they say", "what your notes say")
        sentence += f" From these it learned {learned}."
    return sentence


def coverage(report: RunReport) -> str:
    """How many facts of the notes the model knows by heart; "" where that was not found out."""
    facts, asked, known = report.coverage.facts, report.coverage.asked, report.coverage.known
    if not 0 < asked <= facts or not 0 <= known <= asked:
        return ""
    if asked == facts:
        return f"It knows {amounts.part(known, facts)} facts by heart."
    return (
        f"It learned {amounts.count(facts, 'fact')}. It was asked for {amounts.number(asked)} of"
        f" them afterwards, and knows {amounts.number(known)} of these by heart."
    )


def thrown_out(report: RunReport) -> list[str]:
    """How many samples each filter dropped, most first."""
    dropped = sorted(report.study.dropped.items(), key=lambda item: -item[1])
    return [
        f"{amounts.number(number)} {descriptions.reason_of_several(why)}" for why, number in dropped
    ]


def general(report: RunReport) -> str:
    """How much of what the base model knew was kept."""
    scores = report.general
    lost = scores.before - scores.after
    if lost == 0 < scores.asked:
        sentence = "It lost nothing of these: as many are right as before."
    elif lost < 0:
        sentence = "It lost nothing of these."
    elif lost <= MOST_FORGOTTEN * scores.asked:
        sentence = "It forgot next to nothing of these."
    else:
        sentence = "It forgot some of these: for other things than your notes, ask the base model."
        if scores.may_be_chance:
            sentence = "It answers fewer of these, but so small a difference may be chance alone."
    if scores.perplexity_after > MOST_PERPLEXITY * scores.perplexity_before > 0:
        sentence += " But it predicts text about other things less well than before."
    return sentence


def style(report: RunReport) -> str:
    """Whether it writes more like the person; "" where that was not measured."""
    before, after = report.style.before, report.style.after
    if before is None or after is None or before <= 0:
        return ""
    shown = "It was taught only single sentences of some pages that you wrote. It predicts them"
    if after >= before:
        return f"{shown} no better than before: it does not write like you yet."
    return f"{shown} better than before: it writes more like you."


def night(report: RunReport, run: JobSnapshot) -> list[Figure]:
    """The time, memory and energy that the run took."""
    found = []
    if run.worked_s:
        found.append(Figure(amounts.span(run.worked_s), "in all"))
    if report.study.minutes:
        found.append(Figure(amounts.span(report.study.minutes * 60), "of it for study"))
    if report.training.peak_bytes:
        found.append(Figure(amounts.size(report.training.peak_bytes), "memory at most"))
    if report.energy.watt_hours > 0:
        energy = f"about {amounts.energy(report.energy.watt_hours)}"
        found.append(Figure(energy, "of energy", report.energy.how))
    return found


def energy_how(report: RunReport) -> str:
    """How the energy was measured or estimated; "" where it is not known."""
    how = report.energy.how.strip().rstrip(".")
    return f"Energy: {how[:1].lower()}{how[1:]}." if how and report.energy.watt_hours > 0 else ""


def details(report: RunReport) -> list[tuple[str, str]]:
    """The numbers behind the report, as pairs of a name and a value."""
    adaptation = _adaptation(report.adaptation)
    return [
        *_training(report.training),
        *adaptation,
        *_losses(report),
        *_not_learned(report.left_out),
    ]


def _training(training: TrainingReport) -> Iterator[tuple[str, str]]:
    if training.steps:
        yield "Steps", _steps(training)
    if training.tokens_per_second:
        yield "Speed", f"{amounts.number(training.tokens_per_second)} tokens a second"
    if training.samples:
        yield "Samples learned", amounts.number(training.samples)


def _adaptation(adaptation: AdaptationReport) -> Iterator[tuple[str, str]]:
    if adaptation.rank:
        yield "LoRA rank", amounts.number(adaptation.rank)
        yield "Learning rate", amounts.regional(f"{adaptation.learning_rate:g}")
    if adaptation.divergence is not None:
        far = amounts.number(adaptation.divergence, 2)
        yield "Distance from the base model", f"{far} nats a token on general questions"


def _steps(training: TrainingReport) -> str:
    steps = amounts.number(training.steps)
    if training.planned_steps:
        steps = f"{amounts.part(training.steps, training.planned_steps)} planned"
    if 0 < training.kept_step < training.steps:
        steps += f"; best at step {amounts.number(training.kept_step)}, which was kept"
    return steps


def _losses(report: RunReport) -> Iterator[tuple[str, str]]:
    training, general, style = report.training, report.general, report.style
    for name, before, after in (
        ("Held-out loss", training.base_valid_loss, training.valid_loss),
        ("Perplexity of general text", general.perplexity_before, general.perplexity_after),
        ("Loss on your own writing", style.before, style.after),
    ):
        if before and after:
            yield name, f"{amounts.number(after, 2)}; before: {amounts.number(before, 2)}"


def _not_learned(left_out: LeftOut) -> Iterator[tuple[str, str]]:
    for name, samples in (("Learned in part", left_out.cut), ("Not learned", left_out.unlearnable)):
        if samples:
            listed = "\n".join(sample.prompt for sample in samples[:_MOST_LISTED])
            more = len(samples) - _MOST_LISTED
            yield name, f"{listed}\nand {amounts.number(more)} more" if more > 0 else listed
