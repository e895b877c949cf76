"""Where a base model comes from, as its card records it: a repository of the Hub, or elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlx_backend.library.models import ModelCard

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"
_SOURCE = re.compile(f"({_PART}/{_PART})(?:@([A-Za-z0-9_./-]+))?(?:,.*)?")


@dataclass(frozen=True)
class HubSource:
    """A repository, OWNER/NAME, and its commit (or branch or tag); "" for what is not known."""

    repository: str = ""
    commit: str = ""


def hub_source(card: ModelCard) -> HubSource:
    """The repository that a base model was taken from."""
    found = _SOURCE.fullmatch(card.source)
    return HubSource(found[1], found[2] or "") if found else HubSource()
