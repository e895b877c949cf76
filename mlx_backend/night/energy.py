"""The energy that a run uses while it computes: measured where the machine can, else estimated."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata

from mlx_backend.night.gauges import Gauge, PowerGauge, ProcessorMeter, ProcessorTime
from mlx_backend.night.power import MacPower, graphics_watts

_JOULES_PER_WATT_HOUR = 3600.0
_SAMPLE_EVERY_S = 15.0
_MLX_FOR_CUDA = ("mlx-cuda", "mlx-cuda-12", "mlx-cuda-13")


class EnergyMeter:
    """Adds up the energy that its gauges show during `measuring` blocks. `clock` gives seconds.

    Most gauges measure the machine as a whole, including what other programs use.
    """

    def __init__(
        self, gauges: Sequence[Gauge], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gauges = gauges
        self._clock = clock
        self._joules = 0.0
        self._sampled: float | None = None

    @contextlib.contextmanager
    def measuring(self) -> Iterator[None]:
        """Measure during a block."""
        for gauge in self._gauges:
            gauge.begin()
        self._sampled = self._clock()
        try:
            yield
        finally:
            self._sample()
            self._sampled = None

    def look(self) -> None:
        """Read the gauges if the last reading is some seconds ago; to be called often."""
        if self._sampled is not None and self._clock() - self._sampled >= _SAMPLE_EVERY_S:
            self._sample()

    def used(self) -> tuple[float, str]:
        """Watt-hours so far, and how they were measured or estimated."""
        self._sample()
        how = " and ".join(gauge.how for gauge in self._gauges)
        return self._joules / _JOULES_PER_WATT_HOUR, how[:1].upper() + how[1:]

    def _sample(self) -> None:
        if self._sampled is None:
            return
        now = self._clock()
        self._joules += sum(gauge.joules(now - self._sampled) for gauge in self._gauges)
        self._sampled = now


def gauges_of_this_machine() -> list[Gauge]:
    """The best gauges that can be read on this machine."""
    if sys.platform == "darwin":
        mac = MacPower()
        return [PowerGauge(mac.watts, mac.how)]
    gauges: list[Gauge] = [ProcessorMeter.find() or ProcessorTime()]
    if _trains_on_cuda():
        device = os.environ.get("CUDA_VISIBLE_DEVICES", "").partition(",")[0].strip() or "0"
        gauges.append(
            PowerGauge(lambda: graphics_watts(device), lambda: "the graphics card's own meter")
        )
    return gauges


def _trains_on_cuda() -> bool:
    for name in _MLX_FOR_CUDA:
        with contextlib.suppress(metadata.PackageNotFoundError):
            metadata.version(name)
            return True
    return False
