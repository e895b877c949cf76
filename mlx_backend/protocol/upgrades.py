"""How messages on disk that an earlier protocol version wrote are read.

When a field changes its meaning, `VERSION` goes up by one, and an upgrade from the version before
is added here. So specs and events are read for ever; see `encoding.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Fields = dict[str, object]
Upgrade = Callable[[Fields], Fields]
"""Takes the fields of a message of one version, returns them as the next version has them."""

EVENT_UPGRADES: Mapping[int, Upgrade] = {}
"""By the version that wrote the event."""

SPEC_UPGRADES: Mapping[int, Upgrade] = {}
"""By the version that wrote the spec."""


def upgraded(fields: Fields, upgrades: Mapping[int, Upgrade], version: int) -> Fields:
    """The fields of a message of `version`, after the upgrades from there on, in order."""
    for step in sorted(number for number in upgrades if number >= version):
        fields = upgrades[step](fields)
    return fields
