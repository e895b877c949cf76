"""`mlx.launch`, without the processor core that it keeps busy.

For each machine it asks, without a pause, whether something can be written to its process, which
is always so (mlx 0.32.4). Here it asks five times a second, or when something is to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from select import select

from mlx._distributed_utils import launch

_PAUSE_S = 0.2


def patient_select(
    readable: Sequence[int], writable: Sequence[int], unusual: Sequence[int], patience: float
) -> tuple[list[int], Sequence[int], list[int]]:
    """Wait for what can be read alone; what can be written to is taken on trust."""
    ready, _, _ = select(readable, [], unusual, min(patience, _PAUSE_S))
    return ready, writable, []


if __name__ == "__main__":
    launch.select = patient_select  # type: ignore[assignment]
    launch.main()
