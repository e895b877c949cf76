"""Resuming runs after a restart: a login entry that runs `overnight resume --waiting`.

It is made only when the person asks for it.
"""

from __future__ import annotations

import hashlib
import os
import plistlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.home import HOME_VARIABLE, Library

COMMAND = (sys.executable, "-m", "mlx_backend.cli", "resume", "--waiting")

_STOP_S = 120  # in which a training saves before the system ends it


@dataclass(frozen=True)
class LoginEntry:
    """What the system starts at login: a file, and on Linux a link that enables it."""

    path: Path
    content: bytes
    link: Path | None = None

    def write(self) -> None:
        """Write it, or bring it up to date. Raises OvernightError when that fails."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not (self.path.is_file() and self.path.read_bytes() == self.content):
                write_atomically(self.path, self.content)
            if self.link is not None and not self.link.is_symlink():
                self.link.parent.mkdir(parents=True, exist_ok=True)
                self.link.symlink_to(self.path)
        except OSError as error:
            raise _refused(self.path.parent, error) from error

    def remove(self) -> None:
        """Remove the login item, if there is one. Raises OvernightError when that fails."""
        try:
            for path in (self.link, self.path):
                if path is not None:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise _refused(self.path.parent, error) from error


def go_on_after_restart(library: Library, wanted: bool) -> None:
    """Have the runs of this library that a restart interrupts resumed at login, or no longer.

    Raises OvernightError when the system cannot do that or does not permit it.
    """
    entry = login_entry(library, sys.platform, os.environ)
    if entry is not None:
        entry.write() if wanted else entry.remove()
    elif wanted:
        raise OvernightError(
            ErrorKind.RUN_STATE,
            "This system has no way to start Overnight by itself when you log in.",
            "After a restart go on with Continue in the window, or with: overnight resume RUN",
        )


def login_entry(
    library: Library,
    platform: str,
    environment: Mapping[str, str],
    command: Sequence[str] = COMMAND,
) -> LoginEntry | None:
    """The login entry for a library; None on a system without such entries."""
    # Each library has its own entry, whose file name does not reveal the library's path.
    mark = hashlib.sha256(os.fsencode(library.home)).hexdigest()[:8]
    if platform == "darwin":
        name = f"app.overnight.resume.{mark}"
        path = Path.home() / "Library" / "LaunchAgents" / f"{name}.plist"
        return LoginEntry(path, _launch_agent(name, library, command))
    if shutil.which("systemctl") is None:
        return None
    config = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    units = config / "systemd" / "user"
    path = units / f"overnight-resume-{mark}.service"
    link = units / "default.target.wants" / path.name
    return LoginEntry(path, _systemd_unit(library, command).encode(errors="surrogateescape"), link)


def _launch_agent(name: str, library: Library, command: Sequence[str]) -> bytes:
    """Source: the manual page launchd.plist(5)."""
    return plistlib.dumps(
        {
            "Label": name,
            "ProgramArguments": list(command),
            "EnvironmentVariables": {HOME_VARIABLE: str(library.home)},
            "RunAtLoad": True,
            # The runs outlive the command that starts them.
            "AbandonProcessGroup": True,
            "StandardErrorPath": str(library.logs / "resume.log"),
        }
    )


def _systemd_unit(library: Library, command: Sequence[str]) -> str:
    """Source: the manual pages systemd.service(5) and systemd.exec(5).

    The unit stays active, because systemd would end the runs together with it.
    """
    words = " ".join(_quoted(word.replace("$", "$$")) for word in command)
    return "\n".join(
        [
            "[Unit]",
            "Description=Overnight continues runs that a restart interrupted",
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            f"Environment={_quoted(f'{HOME_VARIABLE}={library.home}')}",
            f"ExecStart={words}",
            f"TimeoutStopSec={_STOP_S}",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        ]
    )


def _quoted(word: str) -> str:
    """A word quoted for systemd."""
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("%", "%%")):
        word = word.replace(plain, written)
    return f'"{word}"'


def _refused(folder: Path, error: OSError) -> OvernightError:
    return OvernightError(
        ErrorKind.UNREADABLE,
        f"The system does not let Overnight change {folder}: {error.strerror or error}.",
        "Check the permissions of that folder, then switch the setting again.",
        str(error),
    )
