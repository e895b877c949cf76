"""A machine that is led: it loads the base model, computes its shares, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable

import mlx.core as mx
import msgspec
from mlx.utils import tree_unflatten

from mlx_backend import __version__
from mlx_backend.errors import ErrorKind, OvernightError, from_exception
from mlx_backend.library.home import Library
from mlx_backend.models import lora
from mlx_backend.models.base_model import LoadedModel, load_base_model
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.training.hosts import messages
from mlx_backend.training.hosts.group import Group
from mlx_backend.training.hosts.messages import Leave, Meet, Share, Take
from mlx_backend.training.hosts.summing import nothing_learned, sum_over_all
from mlx_backend.training.step import TrainingStep


class FollowingStep(TrainingStep):
    """Takes the steps that the leading machine takes."""

    def take_over(self, told: Take) -> None:
        """Become what the leading machine is."""
        self.model.update(tree_unflatten(list(messages.unpack(told.adapter).items())))
        optimizer = messages.unpack(told.optimizer)
        self.set_optimizer_state(tree_unflatten(list(optimizer.items())))

    def take_share(self, told: Share, group: Group) -> None:
        """Compute this machine's parts of a batch, and take the step with what all computed."""
        mx.random.seed(told.random ^ group.rank)
        parts = [messages.unpack_part(part) for part in told.parts[group.rank]]
        summed = self._sum(parts) if parts else nothing_learned(self.model.trainable_parameters())
        total, gradients = sum_over_all(group, *summed)
        self._learn(total, gradients, told.tokens, told.rate).result()


def follow(group: Group, open_library: Callable[[], Library]) -> None:
    """Do as the leading machine says until it lets this one go.

    Raises OvernightError when it is lost, or when this machine cannot train along; then the
    leading one was told.
    """
    loaded = _meet(group, open_library)
    if loaded is None:
        return
    step: FollowingStep | None = None
    while not isinstance(told := messages.decode(group.broadcast()), Leave):
        if isinstance(told, Take):
            step = FollowingStep(loaded.model, told.recomputed)
            step.take_over(told)
        else:
            assert isinstance(told, Share)
            assert step is not None, "a state comes before the first step"
            step.take_share(told, group)


def _meet(group: Group, open_library: Callable[[], Library]) -> LoadedModel | None:
    """Load what the leading machine says, and answer whether that went well.

    None where it lets this one go at once; then it asks for no answer.
    """
    told = group.broadcast()
    if told == messages.encode(Leave()):
        return None
    try:
        loaded = _load(open_library(), _understood(told))
    except Exception as error:
        typed = from_exception(error)
        group.gather(msgspec.msgpack.encode(report_of(typed)))
        raise typed from error
    group.gather(b"")
    return loaded


def _understood(told: bytes) -> Meet:
    try:
        message = messages.decode(told)
    except msgspec.DecodeError:
        message = None
    if isinstance(message, Meet) and message.version == __version__:
        return message
    raise OvernightError(
        ErrorKind.BAD_INPUT,
        f"It has another version of Overnight ({__version__}).",
        "Install the version of the first machine.",
    )


def _load(library: Library, told: Meet) -> LoadedModel:
    loaded = load_base_model(library, told.model)
    if loaded.info.card.sha256 != told.sha256:
        raise OvernightError(
            ErrorKind.MODEL_DAMAGED,
            f"Its base model '{told.model}' is another version.",
            f"Put the version of the first machine into {library.models}.",
        )
    lora.attach(loaded.model, told.shape)
    return loaded
