"""The real night around a run: its turn, the machine, the energy, the person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.surroundings import Surroundings
from mlx_backend.library.home import Library
from mlx_backend.night.awake import kept_awake
from mlx_backend.night.battery import battery_strain
from mlx_backend.night.conditions import Lookout, conditions_of
from mlx_backend.night.energy import EnergyMeter, gauges_of_this_machine
from mlx_backend.night.notify import notify
from mlx_backend.night.queue import Queue
from mlx_backend.night.strain import Strain
from mlx_backend.protocol import TrainSpec, Waiting

_REASON = "Training on your notes"
_COMES_NEXT = "Going to train on your notes"


def surroundings_of(library: Library, folder: JobFolder, spec: TrainSpec) -> Surroundings:
    """What a run's supervisor asks of this machine, and says to whoever is at it."""
    meter = EnergyMeter(gauges_of_this_machine())
    lookout = Lookout(conditions_of(spec.patience))

    def obstacle() -> Waiting | None:
        meter.look()  # a run looks for obstacles every few seconds while it computes
        return lookout.obstacle()

    @contextmanager
    def computing() -> Iterator[None]:
        with kept_awake(_REASON), meter.measuring():
            yield

    def ready() -> AbstractContextManager[None]:
        # A machine that sleeps misses its time; one on its battery is not kept from it for hours.
        return nullcontext() if battery_strain() is Strain.MUCH else kept_awake(_COMES_NEXT)

    return Surroundings(
        obstacle=obstacle,
        turn=Queue(library, folder, spec).turn,
        awake=computing,
        ready=ready,
        energy=meter.used,
        notify=notify,
    )
