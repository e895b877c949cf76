"""How a base model is trained by default: its rank, learning rate, passes and shares.

One table, by what the model is: whether it reads (so that it is taught by prompt distillation, in
its own words) or quotes, and how large it is. A person may set rank, rate and passes otherwise
(Settings, Details); what is None in a `TrainSpec` comes from here.

Sources, by column. Measured here are the first row alone (the starter, exams of `tests/benchmarks`)
and 40 steps of the second; the others are the literature's figures.

rank: prompt distillation at rank 16 beats fine-tuning on the same questions at rank 512 (Kujanpää
    et al., arXiv 2412.14964); most facts are held per parameter at ranks from 4 to 16 (2603.01097,
    2605.30260). So it does not grow with the model: an adapter on all linear layers does that.
learning_rate: the best rate of LoRA hardly depends on the model, and is about ten times that of
    training all weights (Schulman et al., "LoRA Without Regret", Thinking Machines 2025: 5e-4 at a
    width of 2,000 for alpha 32, which is our scale of 2 at rank 16), for batches larger than ours;
    1e-4 to 3e-4 is what others take from 3 to 8 billion parameters. The starter was measured at
    1e-3 and 2e-3: after 400 steps it recalled 42 of 102 facts at the lower rate and 80 at the
    higher, and had forgotten no more. `rates` are what a long night tries for a few steps; half and
    double of the middle one.
passes: the starter sees each statement in ever other words 12 times. A reader is taught whole
    distributions, from which more is learned at a time (Hinton et al., arXiv 1503.02531), and
    larger models need fewer repetitions (Allen-Zhu and Li, arXiv 2309.14316). Early stopping ends
    a run sooner.
general: words of the base model's own general answers for each word about the notes. With half of
    a batch of this kind, an 8-billion reader keeps MMLU-Pro within 1.1 points (2412.14964).
grounded: words of questions with passages beside them for each word without.
temperature: of the soft targets of a teacher that has the passage in view; 2 in 2412.14964.

Two things are not in the table. The longest row is 512 tokens for all (`jobs/memory_ladder.py`):
no sample about a passage of 120 words needs more, and masks of packed rows grow with its square.
Embeddings take no adapter by default at any size: measured to gain nothing with the starter, and
with a vocabulary of 152,000 tokens they make an adapter of a 0.5-billion model half as large again.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlx_backend.library.models import BaseModel

_BILLION = 10**9


@dataclass(frozen=True)
class TrainingRecipe:
    """A row of the table; see above for what the columns mean and where they come from.

    below: the number of parameters that a model of this row has fewer of.
    """

    reads: bool
    below: float
    rank: int
    learning_rate: float
    rates: tuple[float, ...]
    passes: int
    general: float
    grounded: float
    temperature: float = 1.0


RECIPES = (
    TrainingRecipe(False, 0.3 * _BILLION, 16, 2e-3, (), 12, 0.4, 0.3),
    TrainingRecipe(False, 2 * _BILLION, 16, 5e-4, (), 12, 0.4, 0.3),
    TrainingRecipe(False, float("inf"), 16, 2e-4, (), 12, 0.4, 0.3),
    TrainingRecipe(True, 1 * _BILLION, 16, 5e-4, (2.5e-4, 5e-4, 1e-3), 8, 0.5, 0.5, 2.0),
    TrainingRecipe(True, 2 * _BILLION, 16, 4e-4, (2e-4, 4e-4, 8e-4), 6, 0.7, 0.5, 2.0),
    TrainingRecipe(True, 5 * _BILLION, 16, 2e-4, (1e-4, 2e-4, 4e-4), 5, 1.0, 0.5, 2.0),
    TrainingRecipe(True, float("inf"), 16, 1e-4, (5e-5, 1e-4, 2e-4), 4, 1.0, 0.5, 2.0),
)
"""The table: models that quote, then models that read, each by size."""


def recipe_of(model: BaseModel) -> TrainingRecipe:
    """The recipe for a base model."""
    return recipe_for_size(model.card.parameters, model.reads)


def recipe_for_size(parameters: int, reads: bool) -> TrainingRecipe:
    """The recipe for a model with so many parameters, which reads or quotes."""
    fitting = (row for row in RECIPES if row.reads is reads and parameters < row.below)
    return next(fitting)
