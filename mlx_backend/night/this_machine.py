"""The services of this machine for a run: turn, obstacles, staying awake, energy, notifications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.machine_services import MachineServices
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
_REASON_WHILE_WAITING = "Going to train on your notes"


def services_of_this_machine(
    library: Library, folder: JobFolder, spec: TrainSpec
) -> MachineServices:
    """What the supervisor of a run needs of this machine."""
    meter = EnergyMeter(gauges_of_this_machine())
    lookout = Lookout(conditions_of(spec.patience))

    def obstacle() -> Waiting | None:
        meter.look()  # a supervisor looks for obstacles every few seconds during the training
        return lookout.obstacle()

    @contextmanager
    def computing() -> Iterator[None]:
        with kept_awake(_REASON), meter.measuring():
            yield

    def waiting() -> AbstractContextManager[None]:
        # A sleeping machine would miss the run's time; but a battery is not drained for hours.
        return (
            nullcontext() if battery_strain() is Strain.MUCH else kept_awake(_REASON_WHILE_WAITING)
        )

    return MachineServices(
        obstacle=obstacle,
        turn=Queue(library, folder, spec).turn,
        awake_while_computing=computing,
        awake_while_waiting=waiting,
        energy=meter.used,
        notify=notify,
    )
