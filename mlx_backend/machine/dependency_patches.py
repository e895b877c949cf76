"""Every replacement of a function or class of a pinned dependency.

tests/mlx_backend/machine/test_dependency_patches.py fails when the code that a replacement stands
in for, or the code that calls it, has changed: then read the new code before you pin it.

Each library is imported where it is patched, because few processes need all of them.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from select import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mlx.core as mx
    import mlx.nn as nn

_PAUSE_S = 0.2


@contextlib.contextmanager
def wired_limit_untouched() -> Iterator[None]:
    """Keep mlx-lm's generation from raising the wired limit within a block; blocks may be nested.

    mlx-lm has macOS wire down all memory that Metal recommends while it generates. Study and exams
    take hours of a night, beside training, and a Mac whose memory is wired down has none left for
    other programs.
    """
    # Not `from mlx_lm import generate`: that is the function of the same name.
    generate: Any = import_module("mlx_lm.generate")
    own = generate.maybe_set_recommended_wired_limit
    generate.maybe_set_recommended_wired_limit = lambda: None
    try:
        yield
    finally:
        generate.maybe_set_recommended_wired_limit = own


def use_cpu_math(model: nn.Module) -> None:
    """Let the module that defines `model`'s class compute with `machine.cpu_math`.

    Replaces SwiGLU and attention where that module has imported mlx-lm's; calling it again changes
    nothing. For MLX's CPU build alone: on a GPU mlx-lm's own functions are faster.
    """
    from mlx_lm.models import activations, base

    from mlx_backend.machine import cpu_math

    module = sys.modules[type(model).__module__]
    for name, own, faster in (
        ("swiglu", activations.swiglu, cpu_math.swiglu),
        (
            "scaled_dot_product_attention",
            base.scaled_dot_product_attention,
            cpu_math.scaled_dot_product_attention,
        ),
    ):
        if getattr(module, name, None) is own:
            setattr(module, name, faster)


def set_gradient_checkpointing(module: nn.Module, is_on: bool) -> None:
    """Let a module recompute its activations in the backward pass, or keep them as usual.

    Exchanges the module's class for a subclass, or gives it back its own; calling it again changes
    nothing. mlx-lm's `grad_checkpoint` changes the class for all models of the process instead,
    and cannot be undone.
    """
    own: type[nn.Module] = getattr(type(module), "own_class", type(module))
    module.__class__ = _with_gradient_checkpointing(own) if is_on else own


@functools.cache
def _with_gradient_checkpointing(own: type[nn.Module]) -> type[nn.Module]:
    """A subclass of `own` that checkpoints as `mlx.nn.utils.checkpoint` does.

    It differs in what MLX computes gradients for: the module's parameters and its first argument
    alone. A mask is no argument of the checkpointed function, because a GPU's attention has no
    gradient with respect to its mask.
    """
    import mlx.core as mx

    def call(self: nn.Module, hidden: mx.array, *args: Any, **kwargs: Any) -> Any:
        def compute(parameters: dict[str, Any], hidden: mx.array) -> Any:
            self.update(parameters)
            return own.__call__(self, hidden, *args, **kwargs)

        if not self.training:
            return own.__call__(self, hidden, *args, **kwargs)
        return mx.checkpoint(compute)(self.trainable_parameters(), hidden)

    members = {"__call__": call, "__module__": own.__module__, "own_class": own}
    return type(own.__name__, (own,), members)


def pause_mlx_launch() -> None:
    """Let `mlx.launch` wait between its looks at each process's pipes, instead of polling.

    It asks `select` without a pause whether something can be written to a process, which is
    always so, and keeps a core busy for each machine (mlx 0.32.4).
    """
    from mlx._distributed_utils import launch

    launch.select = patient_select  # type: ignore[assignment]


def patient_select(
    readable: Sequence[int], writable: Sequence[int], unusual: Sequence[int], patience: float
) -> tuple[list[int], Sequence[int], list[int]]:
    """Like `select.select`, but waits for `readable` alone, for at most 0.2 seconds.

    All of `writable` is returned unasked, because a run writes only a few bytes at a time.
    """
    ready, _, _ = select(readable, [], unusual, min(patience, _PAUSE_S))
    return ready, writable, []
