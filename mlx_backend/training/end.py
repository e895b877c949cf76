"""Why a training ended."""

from __future__ import annotations

from enum import StrEnum


class End(StrEnum):
    """Why a loop ended."""

    STOPPED = "stopped"
    ALL_STEPS = "all steps"
    NO_GAIN = "no gain"
    NO_TIME = "no time"
