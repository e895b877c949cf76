"""Asks the model for the facts that it is trained on: a forward pass over one or two wordings each.

A fact counts as known where greedy decoding says it: each token of the answer that comes before the
words that are asked for has a probability above a half, so that no other token has a higher one
(arXiv 2603.01097), and each token of these words one above 0.7, so that rounding or a slightly
other wording does not tip it over. Where nobody knows which words are asked for, all of them are.
Of a sample with a teacher, no token has to be much likelier than the teacher is to be matched.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from mlx_backend.training.batches import PackedBatches
from mlx_backend.training.looks import Look, looks_in
from mlx_backend.training.step import TrainingStep
from mlx_backend.training.tokenised import TokenisedSample

KNOWN = 0.7
"""The least probability of a token that is asked for."""

ON_THE_WAY = 0.5
"""The least probability of a token of the answer before that."""

OF_TEACHER = 0.9
"""The share of a teacher's probability that is enough where that is lower than the above."""

MOST_WORDINGS = 2
"""In so many wordings a fact is asked for, with different keys where it has several."""

# Shares of the time for the steps: 3 percent for three looks under way and the last one.
_SHARE_OF_A_LOOK = 0.005
_SHARE_OF_THE_LAST = 0.015
_FORWARD = 0.5  # time of a forward pass in that of a step, at most
_FILLED = 0.9  # part of a batch that samples fill


@dataclass(frozen=True)
class _Question:
    """A fact in one wording: an answer up to the end of what is asked for, which begins at `key`.

    `key` counts the sample's targets from 0. `wanted` are the probabilities of the targets that a
    teacher has them learn, 1 without one, (targets,).
    """

    fact: str
    sample: TokenisedSample
    key: int
    wanted: NDArray[np.float32]

    def is_recalled(self, losses: NDArray[np.float32]) -> bool:
        """Whether the losses (nats) of the targets are low enough; one of no number never is."""
        least = np.full(len(losses), KNOWN, np.float32)
        least[: self.key] = ON_THE_WAY
        return bool((losses < -np.log(np.minimum(least, OF_TEACHER * self.wanted))).all())


class Recall:
    """Asks for the facts of `batches` in a training of `steps` steps.

    Where there are too many facts for the time, a part of them is drawn, another one at each look.
    What is asked follows from the seed of the batches, the step and the passes alone: of each fact
    its questions as a person would ask them; its other prompts only where it has none.
    """

    def __init__(self, batches: PackedBatches, steps: int) -> None:
        self._batches = batches
        self._steps = steps
        self._samples: defaultdict[str, list[TokenisedSample]] = defaultdict(list)
        for sample in batches.all:
            if sample.fact and _question(sample, 0) is not None:
                self._samples[sample.fact].append(sample)
        for fact, samples in self._samples.items():
            self._samples[fact] = [each for each in samples if each.is_question] or samples

    @property
    def facts(self) -> int:
        """The number of facts that can be asked for."""
        return len(self._samples)

    @property
    def steps_of_the_last(self) -> float:
        """The time of the last look, in that of steps."""
        return self._time(_SHARE_OF_THE_LAST)

    @property
    def steps_of_all(self) -> float:
        """The time of all looks together, in that of steps."""
        looks = looks_in(self._steps, self._batches.steps(1))
        return looks * self._time(_SHARE_OF_A_LOOK) + self.steps_of_the_last

    def look(self, training: TrainingStep, step: int, passes: int) -> Look:
        """What the model knows after `step` steps, in the wordings of the pass number `passes`.

        Draws no random numbers of MLX and changes no parameter.
        """
        return self._look(training, step, passes, _SHARE_OF_A_LOOK)

    def last_look(self, training: TrainingStep, step: int, passes: int) -> Look:
        """The same after the training, of more facts, in the questions' own words."""
        found = self._look(training, step, 0, _SHARE_OF_THE_LAST)
        return msgspec.structs.replace(found, passes=passes)

    def _look(self, training: TrainingStep, step: int, passes: int, share: float) -> Look:
        questions = list(self._questions(step, passes, share))
        samples = [question.sample for question in questions]
        batches = PackedBatches(samples, self._batches.seed, self._batches.shape)
        recalled: dict[str, bool] = {}
        for part in (part for at in range(batches.steps(1)) for part in batches[at]):
            losses = training.losses(part)
            for number in np.unique(part.samples).tolist():
                fact = questions[number].fact
                is_recalled = questions[number].is_recalled(losses[part.samples == number])
                recalled[fact] = recalled.get(fact, True) and is_recalled
        known = tuple(sorted(fact for fact, is_known in recalled.items() if is_known))
        missed = tuple(sorted(fact for fact, is_known in recalled.items() if not is_known))
        return Look(step, passes, known, missed)

    def _questions(self, step: int, passes: int, share: float) -> Iterator[_Question]:
        """Each fact in one wording, in random order, then in another, as far as there is time."""
        room = self._batches_of(share) * self._batches.shape.positions * _FILLED
        for number, question in enumerate(self._in_order(step, passes)):
            room -= len(question.sample.tokens)
            if room < 0 and number:
                return
            yield question

    def _in_order(self, step: int, passes: int) -> Iterator[_Question]:
        random = np.random.default_rng([self._batches.seed, step])
        facts = sorted(self._samples)
        order = [facts[i] for i in random.permutation(len(facts)).tolist()]
        chosen = [_of_different_keys(self._samples[fact], random) for fact in order]
        for turn in range(MOST_WORDINGS):
            for samples in chosen:
                question = _question(samples[turn], passes) if turn < len(samples) else None
                if question is not None:
                    yield question

    def _time(self, share: float) -> float:
        all_of_them = sum(
            min(MOST_WORDINGS, len(samples)) * max(len(sample.tokens) for sample in samples)
            for samples in self._samples.values()
        )
        most = math.ceil(all_of_them / (self._batches.shape.positions * _FILLED))
        return _FORWARD * min(most, self._batches_of(share))

    def _batches_of(self, share: float) -> int:
        """How many batches a look may take, but at least one."""
        return max(1, int(share * self._steps / _FORWARD))


def _of_different_keys(
    samples: Sequence[TokenisedSample], random: np.random.Generator
) -> list[TokenisedSample]:
    """Up to MOST_WORDINGS samples of a fact in random order, of different keys where there are."""
    first_of_key: dict[bytes, TokenisedSample] = {}
    others = []
    for place in random.permutation(len(samples)).tolist():
        sample = samples[place]
        key = _key_tokens(sample)
        if key in first_of_key:
            others.append(sample)
        else:
            first_of_key[key] = sample
    return [*first_of_key.values(), *others][:MOST_WORDINGS]


def _key_tokens(sample: TokenisedSample) -> bytes:
    start, (first, end) = max(1, sample.prompt_length), sample.key
    return sample.tokens[start + first : start + end].tobytes()


def _question(sample: TokenisedSample, passes: int) -> _Question | None:
    """A sample as a question, in its wording of a pass; None where its row ends before its key."""
    wording = sample.wording(passes)
    start, (first, end) = max(1, wording.prompt_length), sample.key
    tokens = wording.tokens[: start + (end or wording.targets)]
    if len(tokens) <= start + first or len(tokens) < start + end:
        return None
    asked = TokenisedSample(tokens, wording.prompt_length)
    return _Question(sample.fact, asked, first, _wanted(wording, asked.targets))


def _wanted(sample: TokenisedSample, count: int) -> NDArray[np.float32]:
    """The probabilities of the first `count` targets that are learned, at temperature 1."""
    soft = sample.soft
    if soft is None:
        return np.ones(count, np.float32)
    answer = sample.tokens[len(sample.tokens) - sample.targets :][:count]
    shares = soft.probabilities[:count] ** np.float32(soft.temperature)
    is_answer = soft.tokens[:count] == answer[:, None]
    found: NDArray[np.float32] = (shares * is_answer).sum(axis=-1) / shares.sum(axis=-1)
    return found
