"""A folder sent to the Hub on loopback, and how that is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.published_files import write_list
from mlx_backend.models.hub.publishing import Published, Target, publish
from mlx_backend.models.hub.tokens import TokenHolder
from mlx_backend.protocol import Progress
from tests.mlx_backend.models.hub.own_hub import (
    ME,
    TOKEN,
    OwnHub,
)

REPO = f"{ME}/Boat-notes"
WEIGHTS = "adapters.safetensors"
MB = 1 << 20


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    write_list(folder)


def content(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def send(
    hub: OwnHub,
    folder: Path,
    repository: str = REPO,
    *,
    token: str = TOKEN,
    tell: Callable[[Progress], object] = lambda told: None,
    stop: Callable[[], bool] = lambda: False,
    is_private: bool = True,
) -> Published:
    access = Access(hub.url, token, TokenHolder.KEYRING if token else TokenHolder.NOWHERE)
    return publish(folder, Target(repository, is_private), access, tell, stop)


def refused(hub: OwnHub, folder: Path, kind: ErrorKind, **options: str) -> OvernightError:
    """The error of a refusal, which leaves no trace of the token."""
    with pytest.raises(OvernightError) as caught:
        send(hub, folder, **options)  # type: ignore[arg-type]
    error = caught.value
    assert error.kind is kind, error.message
    assert error.hint
    assert TOKEN not in "".join((error.message, error.hint, error.detail))
    return error


def nothing_sent(hub: OwnHub) -> bool:
    return not (hub.asked("batch") or hub.asked("preupload") or hub.asked("commit"))
