"""A machine that follows: it loads the base model, computes its shares, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import msgspec
from mlx.utils import tree_unflatten

from mlx_backend import __version__
from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.training.hosts import orders
from mlx_backend.training.hosts.group import Group
from mlx_backend.training.hosts.orders import Leave, Meet, Share, Take
from mlx_backend.training.hosts.summing import sum_over_all, zero_gradients
from mlx_backend.training.step import TrainingStep

Load = Callable[[str], LoadedModel]
"""Loads the base model of a name. Raises OvernightError when that cannot be done."""


class FollowingStep(TrainingStep):
    """Takes the same steps as the leading machine."""

    def take_over(self, told: Take) -> None:
        """Replace adapter and optimizer state by those of the leading machine."""
        self.model.update(tree_unflatten(list(orders.unpack(told.adapter).items())))
        optimizer = orders.unpack(told.optimizer)
        self.set_optimizer_state(tree_unflatten(list(optimizer.items())))

    def take_share(self, told: Share, group: Group) -> None:
        """Compute this machine's parts of a batch, then step with the gradients of all machines."""
        mx.random.seed(told.random ^ group.rank)
        parts = [orders.unpack_part(part) for part in told.parts[group.rank]]
        summed = self._sum(parts) if parts else zero_gradients(self.model.trainable_parameters())
        total, gradients = sum_over_all(group, *summed)
        self._learn(total, gradients, told.tokens, told.rate).result()


def follow(group: Group, load: Load) -> None:
    """Do as the leading machine says until it lets this one leave.

    Raises OvernightError when the leading machine is lost, or when this machine cannot take part;
    the leading machine has been told the reason then.
    """
    loaded = _meet(group, load)
    if loaded is None:
        return
    step: FollowingStep | None = None
    while not isinstance(told := orders.decode(group.broadcast()), Leave):
        if isinstance(told, Take):
            step = FollowingStep(loaded.model, told.recomputed)
            step.take_over(told)
        else:
            assert isinstance(told, Share)
            assert step is not None, "a state comes before the first step"
            step.take_share(told, group)


def _meet(group: Group, load: Load) -> LoadedModel | None:
    """Load the model that the leading machine names, and answer whether that went well.

    None if it lets this machine leave at once; then it waits for no answer.
    """
    told = group.broadcast()
    if told == orders.encode(Leave()):
        return None
    try:
        loaded = _loaded_as_told(load, _understood(told))
    except Exception as error:
        typed = from_exception(error)
        group.gather(msgspec.msgpack.encode(report_of(typed)))
        raise typed from error
    group.gather(b"")
    return loaded


def _understood(told: bytes) -> Meet:
    try:
        message = orders.decode(told)
    except msgspec.DecodeError:
        message = None
    if isinstance(message, Meet) and message.version == __version__:
        return message
    raise OvernightError(
        ErrorKind.BAD_INPUT,
        f"It has another version of Overnight ({__version__}).",
        "Install the version of the first machine.",
    )


def _loaded_as_told(load: Load, told: Meet) -> LoadedModel:
    loaded = load(told.model)
    if loaded.info.card.sha256 != told.sha256:
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"Its base model '{told.model}' is another version.",
            f"Put the version of the first machine into {loaded.info.path.parent}.",
        )
    lora.attach(loaded.model, told.shape)
    return loaded
