"""How long the window's thread is busy at a stretch, measured from within."""

from __future__ import annotations

import time
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer

_BEAT_MS = 5


class StallMeter(QObject):
    """Beats every few milliseconds; a beat that comes late was held up by someone.

    Use it as a context around what is measured, while the event loop runs. The figures are the
    times by which beats came late, so they hold for events that a person makes as well.

    Where other programs want the same processors, a beat can be late because of them. What this
    process itself computed meanwhile, in all of its threads, tells that apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stalls: list[float] = []
        self._computed: list[float] = []
        self._last = 0.0
        self._last_computed = 0.0
        self._timer = QTimer(self, interval=_BEAT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def __enter__(self) -> StallMeter:
        QCoreApplication.processEvents()
        self._stalls, self._computed = [], []
        self._last, self._last_computed = time.perf_counter(), time.process_time()
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beat()
        self._timer.stop()

    @property
    def longest_ms(self) -> float:
        """The longest stall, in milliseconds."""
        return max(self._stalls, default=0.0)

    @property
    def busiest_ms(self) -> float:
        """The most that was computed in a stall, in milliseconds of processor time."""
        return max(self._computed, default=0.0)

    def share_over(self, limit_ms: float) -> float:
        """The share of beats that came more than `limit_ms` late."""
        late = sum(stall > limit_ms for stall in self._stalls)
        return late / max(1, len(self._stalls))

    def describe(self) -> str:
        """The figures in a line."""
        return (
            f"longest stall {self.longest_ms:.0f} ms, most computed in one"
            f" {self.busiest_ms:.0f} ms, {self.share_over(50):.2%} of"
            f" {len(self._stalls)} beats over 50 ms late"
        )

    def _beat(self) -> None:
        now, computed = time.perf_counter(), time.process_time()
        late = max(0.0, (now - self._last) * 1000 - _BEAT_MS)
        self._stalls.append(late)
        self._computed.append(min(late, (computed - self._last_computed) * 1000))
        self._last, self._last_computed = now, computed
