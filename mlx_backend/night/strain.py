"""How much a machine is strained, in three steps, so that a run that waits does not flap."""

from __future__ import annotations

from enum import IntEnum


class Strain(IntEnum):
    """NONE: a run may go on. SOME: it stays as it is. MUCH: it has to wait."""

    NONE = 0
    SOME = 1
    MUCH = 2
