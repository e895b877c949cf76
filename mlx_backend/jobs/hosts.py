"""The machines of a run: the file that names them, and which of them are left.

The file has the format of `mlx.launch`, `[{"ssh": "name", "ips": ["address"]}, ...]`, or that of
`mlx.distributed_config`: an object with this list as its member `hosts`.
"""

from __future__ import annotations

import codecs
import ipaddress
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.training_process import TRAINING
from mlx_backend.protocol import Host, TrainSpec

TRAINING_TOGETHER = (sys.executable, "-m", "mlx_backend.run.host_launch")

_HOSTS = "hosts.json"
_LONGEST_FILE = 1 << 16
_MOST = 64
# Refuses names that ssh could read as an option, or a shell as a command.
_SSH_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,252}")
_EXAMPLE = (
    'It lists the machines, this one first: [{"ssh": "this-mac", "ips": ["10.0.0.1"]},'
    ' {"ssh": "other-mac", "ips": ["10.0.0.2"]}]'
)


class _HostFile(msgspec.Struct, frozen=True):
    hosts: tuple[Host, ...]
    backend: str = ""
    envs: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(tuple[Host, ...] | _HostFile)
_left_decoder = msgspec.json.Decoder(tuple[Host, ...])


def read_hosts(path: Path) -> tuple[Host, ...]:
    """The machines that a file names, this one first.

    Raises OvernightError when it is missing, cannot be understood, or names what cannot be used.
    """
    data = _read(path)
    try:
        found: tuple[Host, ...] | _HostFile = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(path, "cannot be understood", str(error)) from error
    if isinstance(found, _HostFile):
        if found.backend not in ("", "ring"):
            raise _unusable(path, f"asks for the backend '{found.backend}', not for 'ring'")
        if found.envs:
            raise _unusable(path, "sets environment variables ('envs'), which Overnight does not")
        found = found.hosts
    check_hosts(found, path)
    return found


def check_hosts(hosts: Sequence[Host], path: Path = Path(_HOSTS)) -> None:
    """Raise OvernightError where these machines cannot train together, or this is not the first."""
    if not 2 <= len(hosts) <= _MOST:
        raise _unusable(path, f"names {len(hosts)} machines; there must be 2 to {_MOST}")
    for host in hosts:
        if not _SSH_NAME.fullmatch(host.ssh):
            raise _unusable(path, f"names a machine that `ssh` cannot be given: {host.ssh!r:.60}")
        if not host.ips or not all(map(_is_address, host.ips)):
            raise _unusable(path, f"gives no usable address ('ips') of '{host.ssh}'")
    if not set(hosts[0].ips) <= _addresses_here():
        raise _unusable(
            path,
            f"begins with '{hosts[0].ssh}', whose addresses are not those of this machine; its"
            " first machine is the one that has the notes",
        )
    if any(map(_is_loopback, hosts[0].ips)) and not all(map(_is_loopback, _others_ips(hosts))):
        raise _unusable(path, "gives an address of this machine that the others cannot reach")


def hosts_left(folder: JobFolder, spec: TrainSpec) -> tuple[Host, ...]:
    """The machines that a run goes on with: those of its spec without the lost ones."""
    try:
        left: tuple[Host, ...] = _left_decoder.decode((folder.path / _HOSTS).read_bytes())
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return spec.hosts
    return left


def go_on_with(folder: JobFolder, hosts: Sequence[Host]) -> None:
    """Have a run use these machines from its next start on; the size of its batches stays."""
    write_atomically(folder.path / _HOSTS, msgspec.json.encode(hosts))


def training_command(folder: JobFolder, spec: TrainSpec) -> tuple[str, ...]:
    """The command that starts the training, on this machine alone or on all that are left."""
    return TRAINING_TOGETHER if len(hosts_left(folder, spec)) > 1 else TRAINING


def _read(path: Path) -> bytes:
    if not path.exists():
        raise OvernightError(
            ErrorKind.PATH_MISSING, f"There is no file {path} that names the machines.", _EXAMPLE
        )
    if not path.is_file():
        raise _unusable(path, "cannot be read: it is no plain file")
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror or error})") from error
    if len(data) > _LONGEST_FILE:
        raise _unusable(path, "is too large for a list of machines")
    return data.removeprefix(codecs.BOM_UTF8)


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 4 and not address.is_unspecified and not address.is_multicast


def _is_loopback(text: str) -> bool:
    return ipaddress.ip_address(text).is_loopback


def _others_ips(hosts: Sequence[Host]) -> list[str]:
    return [ip for host in hosts[1:] for ip in host.ips]


def _addresses_here() -> set[str]:
    return {each.address for found in psutil.net_if_addrs().values() for each in found}


def _unusable(path: Path, why: str, detail: str = "") -> OvernightError:
    return OvernightError(ErrorKind.BAD_INPUT, f"The file {path} {why}.", _EXAMPLE, detail)
