"""From which odds on a model is believed when it says that passages answer a question.

It is asked that about the questions of the reading exam, and about lessons that ship with the app,
each beside another one (`resources/reading.jsonl`): some they answer, some they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean, stdev

from mlx_backend.adoption.trial.lessons import lessons
from mlx_backend.adoption.trial.reading_exam import questions
from mlx_backend.asking.grounding import Source, grounded_prompt

_LESSONS = 12  # two questions about each
_FEWEST = 10
_DEVIATIONS = 1.645  # below the mean: 5 % of what is answered is declined, if the odds are normal
_CAUGHT = 1 / 3  # of what is not answered; for less, the question is not worth asking


def known_prompts() -> Iterator[tuple[str, bool]]:
    """Grounded prompts, and whether their passages answer the question."""
    for question in questions():
        yield question.prompt, bool(question.answers)
    found = lessons()
    for place, lesson in enumerate(found[:_LESSONS]):
        other = found[_LESSONS + place]
        shown = [Source(each.title, each.text) for each in (lesson, other)]
        shown = shown[:: 1 if place % 2 else -1]
        yield grounded_prompt(shown, lesson.answered[0][0]), True
        yield grounded_prompt(shown, lesson.not_answered[0]), False


def measured_least_odds(
    odds_of: Callable[[str], float | None],
    on_progress: Callable[[int, int], object] = lambda *_: None,
) -> float | None:
    """The log-odds (nats) from which a model is believed; None if it does not know by itself.

    odds_of: its log-odds of "yes" for a grounded prompt. `on_progress` receives the numbers of
    prompts asked and in all.
    """
    prompts = list(known_prompts())
    told: list[float] = []
    not_told: list[float] = []
    for done, (prompt, is_told) in enumerate(prompts, start=1):
        odds = odds_of(prompt)
        if odds is None:
            return None
        (told if is_told else not_told).append(odds)
        on_progress(done, len(prompts))
    return least_odds(told, not_told)


def least_odds(told: Sequence[float], not_told: Sequence[float]) -> float | None:
    """The odds that one in twenty answered questions is expected to fall below.

    None where too few of those that are not answered do, or where there are too few to tell.
    """
    if min(len(told), len(not_told)) < _FEWEST:
        return None
    least = fmean(told) - _DEVIATIONS * stdev(told)
    caught = sum(odds < least for odds in not_told)
    return least if caught >= _CAUGHT * len(not_told) else None
