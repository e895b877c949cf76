"""The machines of a run as the leading one has them: it has the notes, decides, and writes.

The others know nothing but the base model. With each step they are sent their parts of the batch,
and the gradients of all are added up; then each takes the same step. So all agree on the order of
the data, and a run that was resumed or rolled back needs no more than a new state to take over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import msgspec
import numpy as np

from mlx_backend import __version__
from mlx_backend.errors import OvernightError
from mlx_backend.machine.arrays import flatten
from mlx_backend.models.lora import LoraShape
from mlx_backend.protocol import ErrorReport, Host
from mlx_backend.training.batches import Batch
from mlx_backend.training.hosts import messages
from mlx_backend.training.hosts.group import Group
from mlx_backend.training.hosts.summing import shares, sum_over_all
from mlx_backend.training.memory_saving import Recomputed
from mlx_backend.training.step import PendingStep, TrainingStep, part_arrays

# Machines of different kinds round differently: before that adds up, all take over one state.
_STEPS_UNTIL_TAKING_OVER = 100


class Crew:
    """This machine and those that it leads."""

    def __init__(self, group: Group, hosts: Sequence[Host]) -> None:
        self.group = group
        self._hosts = hosts

    def meet(self, model: str, sha256: str, shape: LoraShape) -> None:
        """Have all machines load the base model of this name and hash, with a new adapter.

        Raises OvernightError that names the machine where the model is missing or another one.
        """
        self.tell(messages.Meet(version=__version__, model=model, sha256=sha256, shape=shape))
        for host, answer in zip(self._hosts, self.group.gather(b""), strict=True):
            if answer:
                raise _told_by(host, msgspec.msgpack.decode(answer, type=ErrorReport))

    def step(self, model: nn.Module, recomputed: Recomputed) -> TrainingStep:
        """What takes steps together with the others."""
        return LeadingStep(model, recomputed, self)

    def tell(self, message: messages.Message) -> None:
        """Send a message to all others."""
        self.group.broadcast(messages.encode(message))

    def dismiss(self) -> None:
        """Let the others go; one that is gone already is not missed any more."""
        with contextlib.suppress(OvernightError):
            self.tell(messages.Leave())


class LeadingStep(TrainingStep):
    """Takes each step with a crew, of whom each computes its share."""

    def __init__(self, model: nn.Module, recomputed: Recomputed, crew: Crew) -> None:
        self._crew = crew
        self._recomputed: Recomputed = recomputed
        self._steps_alike = 0
        super().__init__(model, recomputed)

    def begin(self, parts: Sequence[Batch], rate: float) -> PendingStep:
        """Update the parameters, here and everywhere, with one batch.

        Raises OvernightError when a machine is lost; everything here is then as it was before.
        """
        if self._steps_alike == 0:
            self._hand_over()
        self._steps_alike = (self._steps_alike + 1) % _STEPS_UNTIL_TAKING_OVER
        random = _random_key()
        tokens = sum(part.tokens for part in parts)
        own, *others = shares([part_arrays(part) for part in parts], self._crew.group.size)
        packed = tuple(tuple(map(messages.pack_part, share)) for share in others)
        try:
            self._crew.tell(
                messages.Share(tokens=tokens, rate=rate, random=random, parts=((), *packed))
            )
            total, gradients = sum_over_all(self._crew.group, *self._sum(own))
        except OvernightError:
            mx.random.seed(random)  # drawn in vain
            raise
        return self._learn(total, gradients, tokens, rate)

    def _compile(self) -> None:
        super()._compile()
        self._steps_alike = 0  # the state is another one

    def _hand_over(self) -> None:
        self._crew.tell(
            messages.Take(
                recomputed=self._recomputed,
                adapter=messages.pack(flatten(self.model.trainable_parameters())),
                optimizer=messages.pack(flatten(self.optimizer.state)),
            )
        )


def _random_key() -> int:
    state: Any = mx.random.state
    high, low = (int(part) for part in np.array(state[0]))
    return (high << 32) | low


def _told_by(host: Host, report: ErrorReport) -> OvernightError:
    error = report.to_error()
    message = f"The machine '{host.ssh}' cannot train along. {error.message}"
    return OvernightError(error.kind, message, f"There: {error.hint}", error.detail)
