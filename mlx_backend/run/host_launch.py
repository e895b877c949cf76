"""Starting a run on several machines: `python -m mlx_backend.run.host_launch FOLDER`.

Stands where the training process of one machine stands, under the same supervisor, and speaks to
it likewise. It has `mlx.launch` start a process on each machine, hears who is there, and ends
them all when one is lost.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from mlx_backend import protocol
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.hosts import check_hosts, go_on_with, hosts_left
from mlx_backend.jobs.training_process import Outcome
from mlx_backend.private_data.masked_errors import report_of
from mlx_backend.private_data.redacting import log_to_stderr
from mlx_backend.protocol import Host, TrainSpec
from mlx_backend.run import host_member
from mlx_backend.run.host_attendance import Attendance
from mlx_backend.run.process import ORPHANED

MEMBER = (sys.executable, "-m", "mlx_backend.run.host_member")

_LAUNCH = (sys.executable, "-m", "mlx_backend.training.hosts.patient_launch")
_ENDED = re.compile(rb"Node with rank (\d+) (?:exited with code (-?\d+)|was killed)")
_LOOK_S = 1.0
_GRACE_S = 60.0  # for the leading process to save, once another machine is lost
_FAREWELL_S = 10.0
_PORTS = range(20_000, 32_000, 16)
_PIPE_BYTES = 1 << 16
_PASSED_ON = {"AGX_RELAX_CDM_CTXSTORE_TIMEOUT", "PYTHONFAULTHANDLER"}
_HOW_IT_WAS_LOST = "Check that it is on and connected, and what its log says."


@dataclass(frozen=True)
class Crash:
    """The leading process ended without a word; its exit code, negative for a signal."""

    code: int


class Orphaned(Exception):
    """The supervisor is gone."""


def main(arguments: list[str], command: Sequence[str] = MEMBER) -> int:
    """Train in the folder named by the one argument; ends as the leading process does."""
    log_to_stderr()
    folder = JobFolder(Path(arguments[0]))
    try:
        end = _train(folder, command)
    except Orphaned:
        return ORPHANED
    except Exception as error:
        end = protocol.Failed(error=report_of(error))
    if isinstance(end, Crash):
        return _end_like(end)
    os.write(sys.stdout.fileno(), protocol.encode_line(end))
    return 1 if isinstance(end, protocol.Failed) else 0


def _train(folder: JobFolder, command: Sequence[str]) -> Outcome | Crash:
    spec = folder.spec()
    if not isinstance(spec, TrainSpec):
        raise OvernightError(
            ErrorKind.RUN_UNKNOWN, "This job is no training.", "Start a new run: overnight train"
        )
    hosts = hosts_left(folder, spec)
    check_hosts(hosts)
    with Launch(folder, hosts, command) as launch:
        return launch.watch()


class Launch:
    """The processes of a run on its machines. A context manager: leaving it ends them all."""

    def __init__(self, folder: JobFolder, hosts: Sequence[Host], command: Sequence[str]) -> None:
        self._folder = folder
        self._hosts = hosts
        self._attendance = Attendance(len(hosts), time.monotonic(), host_member.SILENCE_S)
        self._heard = b""
        self._is_over = False
        self._lost_since: float | None = None
        host_member.outcome_path(folder).unlink(missing_ok=True)
        self._process = subprocess.Popen(
            _launch_command(folder, hosts, command),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self._selector.register(self._output, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._selector.close()
        self._input.close()
        self._output.close()

    def watch(self) -> Outcome | Crash:
        """Until the run is over here, or a machine is lost. Raises Orphaned."""
        beat_at = time.monotonic()
        while (end := self._end(time.monotonic())) is None:
            if time.monotonic() >= beat_at:
                self._tell(host_member.BEAT)
                beat_at += host_member.BEAT_S
            self._listen()
        return end

    def _end(self, now: float) -> Outcome | Crash | None:
        said = self._said()
        if said is not None and not _tells_of_a_lost_machine(said):
            self._let_them_end()
            return said
        lost, leading = self._attendance.lost(now), self._attendance.leading_end()
        is_over_here = said is not None or leading is not None or self._is_over
        if lost is not None:
            return self._without(lost) if is_over_here or self._has_waited(now) else None
        if said is not None:  # which one is mostly heard a moment later
            is_told = self._is_over or self._has_waited(now)
            return self._without(self._attendance.likeliest_lost()) if is_told else None
        return Crash(1 if leading is None else leading) if is_over_here else None

    def _said(self) -> Outcome | None:
        try:
            event = protocol.decode_event(host_member.outcome_path(self._folder).read_bytes())
        except FileNotFoundError:
            return None
        return event if isinstance(event, Outcome) else None

    def _has_waited(self, now: float) -> bool:
        if self._lost_since is None:
            self._lost_since = now
        return now - self._lost_since > _GRACE_S

    def _let_them_end(self) -> None:
        until = time.monotonic() + _FAREWELL_S
        while not self._is_over and time.monotonic() < until:
            self._listen()

    def _without(self, rank: int) -> protocol.Failed:
        """The end of a run that lost a machine; the next start goes on without it."""
        self._let_them_end()  # and hear the last of what they said
        go_on_with(self._folder, [*self._hosts[:rank], *self._hosts[rank + 1 :]])
        name, step = self._hosts[rank].ssh, self._folder.newest_checkpoint()
        kept = f" What was learned until step {step:,} is kept." if step else ""
        was_lost = self._attendance.was_heard(rank)
        error = OvernightError(
            ErrorKind.HOST_LOST,
            f"The machine '{name}' {'was lost' if was_lost else 'did not answer'}.{kept}",
            f"{_HOW_IT_WAS_LOST if was_lost else _why_it_is_silent(name)}"
            " The run can go on without it, and comes to the same result.",
        )
        return protocol.Failed(error=report_of(error))

    def _tell(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # it is ending
            self._input.write(line)

    def _listen(self) -> None:
        for key, _ in self._selector.select(_LOOK_S):
            data = os.read(key.fd, _PIPE_BYTES)
            if key.fileobj is self._output:
                self._hear(data)
            elif data:
                self._tell(data)
            else:
                raise Orphaned

    def _hear(self, data: bytes) -> None:
        *lines, self._heard = (self._heard + data).split(b"\n")
        if not data:
            self._is_over = True
            self._selector.unregister(self._output)
            lines.append(self._heard)
        for line in lines:
            self._hear_line(line)

    def _hear_line(self, line: bytes) -> None:
        if there := host_member.SAYS_IT_IS_THERE.match(line):
            self._attendance.hear(int(there[1]), time.monotonic())
        elif done := host_member.SAYS_IT_IS_DONE.match(line):
            self._attendance.let_go(int(done[1]))
        else:
            os.write(sys.stderr.fileno(), line + b"\n")
        if ended := _ENDED.search(line):
            code = int(ended[2]) if ended[2] else -signal.SIGTERM
            self._attendance.end(int(ended[1]), code)


def _why_it_is_silent(name: str) -> str:
    return (
        f"Check that it is on, that `ssh {name}` works without a password, and that Overnight is"
        f" installed there in the same place ({sys.prefix})."
    )


def _tells_of_a_lost_machine(said: Outcome) -> bool:
    return isinstance(said, protocol.Failed) and said.error.kind == ErrorKind.HOST_LOST


def _launch_command(folder: JobFolder, hosts: Sequence[Host], command: Sequence[str]) -> list[str]:
    # Under this name mlx.launch starts a process here, without ssh.
    here = msgspec.structs.replace(hosts[0], ssh="127.0.0.1")
    names = folder.path / "mlx_hosts.json"
    write_atomically(names, msgspec.json.encode([here, *hosts[1:]]))
    port = free_port([ip for host in hosts for ip in host.ips], hosts[0].ips)
    options = ["--backend", "ring", "--hostfile", str(names), "--starting-port", str(port)]
    for name in _PASSED_ON & os.environ.keys():
        options += ["--env", f"{name}={os.environ[name]}"]
    return [*_LAUNCH, *options, "--", *command, str(folder.path)]


def free_port(addresses: Sequence[str], here: Sequence[str]) -> int:
    """The first of as many ports in a row as there are addresses, none of them taken here.

    Raises OvernightError when there are none.
    """
    # Where to begin differs from process to process, so that two seldom look at the same.
    first = os.getpid() % len(_PORTS)
    starts: list[int] = [*_PORTS[first:], *_PORTS[:first]]
    for start in starts:
        ports = range(start, start + len(addresses))
        if all(_is_free(ip, port) for ip, port in zip(addresses, ports, strict=True) if ip in here):
            return start
    raise OvernightError(
        ErrorKind.BUSY,
        "All network ports that the machines could speak over are taken.",
        "Restart this computer, or close programs that use the network, then go on.",
    )


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _end_like(crash: Crash) -> int:
    """The exit code to end with; for a signal, this process ends by it."""
    if crash.code < 0:
        faulthandler.disable()
        os.kill(os.getpid(), -crash.code)
    return crash.code or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
