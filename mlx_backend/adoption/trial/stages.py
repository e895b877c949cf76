"""The stages of a trial: what each tries, and how long and how large it may get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StageName = Literal[
    "start",
    "tokenizer",
    "template",
    "weights",
    "outputs",
    "memory",
    "training",
    "answers",
    "reading",
    "quantising",
    "adapter",
]

Extent = Literal["all", "tokenizer"]
"""What is tried: all of a model, or what needs no weights."""

_GB = 10**9


@dataclass(frozen=True)
class Stage:
    """A stage; its limits hold until the next sign of progress.

    tried: what is tried, as the subject of a sentence. seconds: its time, and `seconds_a_gb` more
    for each 10^9 bytes of weights. memory: bytes that the process may take; 0: as many as a model
    of these weights needs.
    """

    name: StageName
    tried: str
    seconds: float
    seconds_a_gb: float = 0.0
    memory: int = 0

    def time(self, weights: int) -> float:
        """The limit in seconds for a model with so many bytes of weights in memory."""
        return self.seconds + self.seconds_a_gb * weights / _GB


# A template takes milliseconds and a tokenizer seconds, whatever the model. What computes gets a
# hundred times as long as it took here, on two slow cores.
START = Stage("start", "Starting its trial", 120.0)
TOKENIZER = Stage("tokenizer", "Loading its tokenizer", 60.0, memory=3 * _GB)
TEMPLATE = Stage("template", "Writing a conversation with its chat template", 10.0, memory=3 * _GB)
WEIGHTS = Stage("weights", "Loading it", 120.0, 120.0)
OUTPUTS = Stage("outputs", "Reading a text with it", 120.0, 120.0)
MEMORY = Stage("memory", "Going on from what it has read before", 120.0, 120.0)
TRAINING = Stage("training", "Training it for a step", 300.0, 300.0)
ANSWERS = Stage("answers", "Asking it several questions at once", 300.0, 300.0)
READING = Stage("reading", "Its reading exam", 600.0, 600.0)

QUANTISING = Stage("quantising", "Quantising it", 300.0, 300.0)
ADAPTER = Stage("adapter", "Answering with the adapter", 300.0, 300.0)

TRIAL_STAGES = (
    *(START, TOKENIZER, TEMPLATE, WEIGHTS, OUTPUTS, MEMORY),
    *(TRAINING, ANSWERS, READING),
)
"""The stages of a trial, in their order."""

STAGES: dict[StageName, Stage] = {
    stage.name: stage for stage in (*TRIAL_STAGES, QUANTISING, ADAPTER)
}
"""All stages by their names."""
