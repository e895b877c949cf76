"""A keyring for tests, which processes share by way of a file outside the library.

Chosen through PYTHON_KEYRING_BACKEND, as a person would choose one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

PLACE = "TEST_KEYRING"
NAME = f"{__name__}.FileKeyring"


class FileKeyring(KeyringBackend):
    """Keeps passwords in the file that the environment names."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return _read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _write(_read() | {f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = _read()
        if f"{service}/{username}" not in kept:
            raise PasswordDeleteError(username)
        del kept[f"{service}/{username}"]
        _write(kept)


def opened() -> KeyringBackend:
    """One for this process."""
    made: KeyringBackend = FileKeyring()  # type: ignore[no-untyped-call]
    return made


def _read() -> dict[str, str]:
    path = Path(os.environ[PLACE])
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _write(kept: dict[str, str]) -> None:
    Path(os.environ[PLACE]).write_text(json.dumps(kept))
