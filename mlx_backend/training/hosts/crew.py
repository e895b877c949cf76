"""The leading machine of a run: it has the notes, makes all decisions and writes all files.

The other machines have nothing but the base model. For each step they receive their parts of the
batch; the gradients of all machines are summed, and each machine takes the same step. So only the
leading machine orders the data, and after a resume or a roll-back it sends its state to the others.
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
from mlx_backend.training.batch_arrays import Batch
from mlx_backend.training.hosts import orders
from mlx_backend.training.hosts.group import Group
from mlx_backend.training.hosts.summing import split_parts, sum_over_all
from mlx_backend.training.memory_saving import Recomputed
from mlx_backend.training.step import PendingStep, TrainingStep, part_arrays

# Different kinds of machines round differently. Before that adds up, all take over one state.
_STEPS_UNTIL_SYNC = 100


class Crew:
    """This machine and those that it leads; `hosts` are all of them by rank."""

    def __init__(self, group: Group, hosts: Sequence[Host]) -> None:
        self.group = group
        self._hosts = hosts

    def meet(self, model: str, sha256: str, shape: LoraShape) -> None:
        """Have all machines load the base model of this name and hash, with a new adapter.

        Raises OvernightError that names the machine where the model is missing or another one.
        """
        self.tell(orders.Meet(version=__version__, model=model, sha256=sha256, shape=shape))
        for host, answer in zip(self._hosts, self.group.gather(b""), strict=True):
            if answer:
                raise _error_of(host, msgspec.msgpack.decode(answer, type=ErrorReport))

    def step(self, model: nn.Module, recomputed: Recomputed) -> TrainingStep:
        """A training step that is computed together with the other machines."""
        return LeadingStep(model, recomputed, self)

    def tell(self, message: orders.Message) -> None:
        """Send a message to all others."""
        self.group.broadcast(orders.encode(message))

    def dismiss(self) -> None:
        """Let the other machines leave. A lost connection is no error any more."""
        with contextlib.suppress(OvernightError):
            self.tell(orders.Leave())


class LeadingStep(TrainingStep):
    """Takes each step together with the crew; each machine computes its share of the batch."""

    def __init__(self, model: nn.Module, recomputed: Recomputed, crew: Crew) -> None:
        self._crew = crew
        self._recomputed: Recomputed = recomputed
        self._steps_since_sync = 0
        super().__init__(model, recomputed)

    def begin(self, parts: Sequence[Batch], rate: float) -> PendingStep:
        """Update the parameters with one batch, on all machines.

        Raises OvernightError when a machine is lost; the state here is then as it was before.
        """
        if self._steps_since_sync == 0:
            self._send_state()
        self._steps_since_sync = (self._steps_since_sync + 1) % _STEPS_UNTIL_SYNC
        random = _random_key()
        tokens = sum(part.tokens for part in parts)
        own, *others = split_parts([part_arrays(part) for part in parts], self._crew.group.size)
        packed = tuple(tuple(map(orders.pack_part, share)) for share in others)
        try:
            self._crew.tell(
                orders.Share(tokens=tokens, rate=rate, random=random, parts=((), *packed))
            )
            total, gradients = sum_over_all(self._crew.group, *self._sum(own))
        except OvernightError:
            mx.random.seed(random)  # as before the step
            raise
        return self._learn(total, gradients, tokens, rate)

    def _compile(self) -> None:
        super()._compile()
        self._steps_since_sync = 0  # the state may be another one now

    def _send_state(self) -> None:
        self._crew.tell(
            orders.Take(
                recomputed=self._recomputed,
                adapter=orders.pack(flatten(self.model.trainable_parameters())),
                optimizer=orders.pack(flatten(self.optimizer.state)),
            )
        )


def _random_key() -> int:
    """The seed that reproduces MLX's present random state."""
    state: Any = mx.random.state
    high, low = (int(part) for part in np.array(state[0]))
    return (high << 32) | low


def _error_of(host: Host, report: ErrorReport) -> OvernightError:
    error = report.to_error()
    message = f"The machine '{host.ssh}' cannot train along. {error.message}"
    return OvernightError(error.kind, message, f"There: {error.hint}", error.detail)
