"""How much a machine is strained, in three levels, so that a run does not stop and start often."""

from __future__ import annotations

from enum import IntEnum


class Strain(IntEnum):
    """NONE: a waiting run goes on. SOME: it keeps waiting or running. MUCH: a run has to wait."""

    NONE = 0
    SOME = 1
    MUCH = 2
