"""One training, measured, in a process of its own: `python -m tests.benchmarks.trainers JSON`.

Overnight's loop or mlx-lm's trainer learns the same samples once, with the same adapter shape,
optimizer and learning rates; the result is one line of JSON.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from mlx_backend.dataset.samples import Dataset, Sample
from mlx_backend.library import Library
from mlx_backend.machine import accelerator

RANK, SCALE, RATE = 16, 2.0, 5e-4
BATCH = 4  # mlx-lm's default


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What to train: `how` is "overnight", "overnight, low memory", "mlx-lm", "mlx-lm, sorted"."""

    how: str
    home: str
    samples: tuple[Sample, ...]
    held_out: tuple[Sample, ...]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` were learned from (those with a target); losses are held-out nats per token."""

    how: str
    tokens: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    held_out_loss: float


def main() -> None:
    """Read the task from stdin, train, and print what was measured."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    with contextlib.redirect_stdout(sys.stderr):
        measured = _overnight(task) if task.how.startswith("overnight") else _mlx_lm(task)
    print(msgspec.json.encode(measured).decode())


def _overnight(task: Task) -> Measured:
    accelerator.prepare()
    import mlx.core as mx

    from mlx_backend.protocol import TrainSpec
    from mlx_backend.run.preparation import prepare
    from mlx_backend.training.evaluating import HeldOut
    from mlx_backend.training.loop import LoopPlan, TrainingLoop

    spec = TrainSpec(
        name="n", model="starter", rank=RANK, scale=SCALE, low_memory="low" in task.how
    )
    dataset = Dataset(train=task.samples, held_out=task.held_out, versions={})
    preparation = prepare(Library.open(Path(task.home)), spec, dataset)
    with tempfile.TemporaryDirectory() as scratch:
        plan = LoopPlan(
            steps=preparation.batches.steps(1),
            learning_rate=RATE,
            checkpoint_every=10**9,
            checkpoints=Path(scratch),
        )
        loop = TrainingLoop(
            preparation.training, preparation.batches, HeldOut(), plan, lambda _: None
        )
        mx.reset_peak_memory()
        began, cpu = time.perf_counter(), time.process_time()
        loop.run(lambda: False)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Measured(
        how=task.how,
        tokens=loop.state.tokens,
        seconds=seconds,
        cpu_seconds=cpu,
        peak_bytes=mx.get_peak_memory(),
        held_out_loss=_held_out_loss(preparation.loaded, task),
    )


def _mlx_lm(task: Task) -> Measured:
    """mlx-lm's trainer on its own model code, with OpenBLAS, without anything else of ours."""
    accelerator._keep_freed_memory = lambda: None
    accelerator.prepare()
    import mlx.core as mx
    import mlx.optimizers as optimizers
    import numpy as np
    from mlx_lm.tuner import trainer
    from mlx_lm.tuner.utils import linear_to_lora_layers

    from mlx_backend.machine import dependency_patches
    from mlx_backend.models import lora
    from mlx_backend.models.base_model import load_base_model
    from mlx_backend.training.step import learning_rate

    dependency_patches.use_cpu_math = lambda model: None
    loaded = load_base_model(Library.open(Path(task.home)), "starter")
    np.random.seed(0)
    mx.random.seed(0)
    model = loaded.model
    keys = json.loads(lora.mlx_lm_config(model, lora.LoraShape(RANK, SCALE)))["lora_parameters"]
    linear_to_lora_layers(model, len(model.layers), keys)
    pairs = [(sample.prompt, sample.answer) for sample in task.samples]
    samples = [(list(ids), length) for ids, length in loaded.form.samples(pairs)]

    steps = len(samples) // BATCH
    rate = functools.partial(_schedule, steps=steps, rate=learning_rate)
    optimizer = optimizers.AdamW(learning_rate=rate, weight_decay=0.0, bias_correction=True)
    heard: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        arguments = _mlx_lm_arguments(scratch, steps, recomputes="low" in task.how)
        mx.reset_peak_memory()
        began, cpu = time.perf_counter(), time.process_time()
        trainer.train(
            model,
            optimizer,
            tokenised(samples, by_length="sorted" in task.how),
            args=arguments,
            iterate_batches=_sharing_cores,
            training_callback=listener(heard),
        )
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Measured(
        how=task.how,
        tokens=int(heard[-1]["trained_tokens"]),
        seconds=seconds,
        cpu_seconds=cpu,
        peak_bytes=mx.get_peak_memory(),
        held_out_loss=_held_out_loss(loaded, task),
    )


def _mlx_lm_arguments(scratch: str, steps: int, recomputes: bool) -> Any:
    """mlx-lm's arguments for `steps` steps, which are reported and saved only at the end."""
    from mlx_lm.tuner import trainer

    return trainer.TrainingArgs(
        batch_size=BATCH,
        iters=steps,
        steps_per_report=steps,
        steps_per_save=10**9,
        max_seq_length=513,
        adapter_file=f"{scratch}/adapters.safetensors",
        grad_checkpoint=recomputes,
    )


def tokenised(samples: list[tuple[list[int], int]], by_length: bool) -> Any:
    """Samples that are tokenised already, as mlx-lm's own cache gives them."""
    from mlx_lm.tuner import datasets

    class Tokenised(datasets.CacheDataset):  # type: ignore[misc]
        def __init__(self) -> None: ...

        def itemlen(self, index: int) -> int:
            if by_length:
                return len(samples[index][0])
            return len(samples[index])  # what mlx-lm 0.32 does: the same for all

        def __getitem__(self, index: int) -> Any:
            return samples[index]

        def __len__(self) -> int:
            return len(samples)

    return Tokenised()


def listener(heard: list[dict[str, Any]]) -> Any:
    from mlx_lm.tuner import trainer

    class Listener(trainer.TrainingCallback):  # type: ignore[misc]
        def on_train_loss_report(self, report: dict[str, Any]) -> None:
            heard.append(report)

    return Listener()


def _sharing_cores(**given: Any) -> Iterator[Any]:
    """mlx-lm's batches; before each, as many cores are taken as Overnight's step would take."""
    from mlx_lm.tuner import trainer

    from mlx_backend.machine.cores import CoreShare

    share = CoreShare()
    for batch in trainer.iterate_batches(**given):
        share.adapt()
        yield batch


def _schedule(step: Any, steps: int, rate: Any) -> Any:
    """Overnight's warm-up and cosine as a table, since mlx-lm's step number is an array."""
    import mlx.core as mx

    table = mx.array([rate(i, steps, RATE) for i in range(steps + 1)])
    return table[mx.minimum(step, steps)]


def _held_out_loss(loaded: Any, task: Task) -> float:
    """Each sample by itself through the model as it is now, whoever trained it."""
    import mlx.core as mx
    import mlx.nn as nn

    from mlx_backend.machine.arrays import number

    loaded.model.eval()
    total, count = 0.0, 0
    pairs = [(sample.prompt, sample.answer) for sample in task.held_out]
    for ids, length in loaded.form.samples(pairs):
        tokens = mx.array(ids[:513])
        losses = nn.losses.cross_entropy(loaded.model(tokens[None, :-1])[0], tokens[1:])
        total += number(losses[length - 1 :].sum())
        count += len(ids[:513]) - length
    return total / count


if __name__ == "__main__":
    main()
