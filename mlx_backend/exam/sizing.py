"""How much is measured in a night, so that it takes no more than its share of the time."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

FEWEST_QUESTIONS = 8
"""An exam of fewer means nothing, and is not taken where time is short."""

FEWEST_FOR_CHOOSING = 8
"""With fewer questions, the best state of a training is chosen by its loss alone."""

ROUNDS = 4
"""How often the questions for choosing are asked while a training goes on, at most."""

FEWEST_OPEN_BOOK = 16
"""With fewer questions with passages before them, nothing follows from the answers."""

# Times as long as an answer alone: the base model is also asked whether the passages tell it.
_BY_BASE = 2

_FEWEST = {
    "exam": FEWEST_QUESTIONS,
    "choosing": FEWEST_FOR_CHOOSING,
    "open_book": FEWEST_OPEN_BOOK,
}

# What the time is spent on, the most needed first: up to so many questions or texts in all, or one
# general question in so many.
_WANTED = (
    ("exam", 10),
    ("every", 8),
    ("style", 4),
    ("choosing", 8),
    ("open_book", 24),
    ("exam", 40),
    ("every", 4),
    ("choosing", 16),
    ("every", 2),
    ("exam", 100),
    ("open_book", 64),
    ("choosing", 32),
    ("style", 24),
    ("every", 1),
)


class Measuring(msgspec.Struct, frozen=True):
    """What is measured in a night: numbers of questions, and of texts for the style.

    every: one general question in so many is asked, none at 0. choosing: the questions by which the
    best state is chosen, 0 where the loss chooses. open_book: the questions with passages before
    them. Then about how many seconds it takes: one exam, all before the training, all after it, and
    all choosing.
    """

    exam: int = 0
    every: int = 0
    choosing: int = 0
    style: int = 0
    exam_s: float = 0.0
    before_s: float = 0.0
    after_s: float = 0.0
    choosing_s: float = 0.0
    open_book: int = 0

    @property
    def seconds(self) -> float:
        """About how long all of it takes."""
        return self.before_s + self.after_s + self.choosing_s


@dataclass(frozen=True)
class Costs:
    """Seconds: of an answer, of judging a question's answers by their meaning, of a style text.

    open_book: of an answer with passages before the question. probe: of all general questions,
    once. kept: the probes of the base model, by `every`, that are known already.
    """

    answer: float
    judging: float
    style: float
    probe: float
    kept: frozenset[int] = frozenset()
    open_book: float = 0.0

    def of(self, found: Measuring) -> Measuring:
        """The same with how long it takes."""
        exam, style = found.exam * self.answer, found.style * self.style
        probe = self.probe / found.every if found.every else 0.0
        probe_before = 0.0 if found.every in self.kept else probe
        open_book = found.open_book * self.open_book
        return msgspec.structs.replace(
            found,
            exam_s=exam,
            before_s=exam + style + probe_before + _BY_BASE * open_book,
            after_s=exam + style + probe + found.exam * self.judging + open_book,
            choosing_s=ROUNDS * found.choosing * self.answer,
        )

    def of_one(self, what: str) -> float:
        """What one more question or text costs in the whole night; 0 for general questions."""
        costs = {
            "exam": 2 * self.answer + self.judging,
            "choosing": ROUNDS * self.answer,
            "style": 2 * self.style,
            "open_book": (_BY_BASE + 1) * self.open_book,
        }
        return costs.get(what, 0.0)


def sized(available: Measuring, costs: Costs, budget_s: float) -> Measuring:
    """As much as can be measured in `budget_s` seconds; `available` are the numbers there are."""
    found = Measuring()
    for what, number in _WANTED:
        left, cost = max(0.0, budget_s - found.seconds), costs.of_one(what)
        more = int(left / cost) if cost > 0 else number
        larger = costs.of(_enlarged(found, what, number, available, more))
        if larger.seconds <= budget_s:
            found = larger
    return found


def _enlarged(
    found: Measuring, what: str, number: int, available: Measuring, more: int
) -> Measuring:
    """With up to `number` of one kind: `more` at most than there are."""
    if what == "every":
        return msgspec.structs.replace(found, every=max(number, available.every))
    present, there = getattr(found, what), getattr(available, what)
    size = min(number, there, present + more)
    fewest = min(there, _FEWEST.get(what, 1))
    is_enough = size >= fewest and size > present
    return msgspec.structs.replace(found, **{what: size}) if is_enough else found
