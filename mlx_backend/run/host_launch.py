"""Starting a run on several machines: `python -m mlx_backend.run.host_launch FOLDER`.

It takes the place of the training process of a single machine: the supervisor starts it, and it
reports its outcome in the same way. It has `mlx.launch` start a process on each machine, listens
for their signs of life, and ends them all when one is lost.
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
    """The leading process reported no outcome; its exit code, negative for a signal."""

    code: int


class Orphaned(Exception):
    """The supervisor is gone."""


def main(arguments: list[str], command: Sequence[str] = MEMBER) -> int:
    """Train in the folder named by the one argument; returns the leading process's exit code."""
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
        self._unfinished_line = b""
        self._has_output_ended = False
        self._loss_noticed_at: float | None = None
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
        """Watch until the run has ended here or a machine is lost. Raises Orphaned."""
        beat_at = time.monotonic()
        while (end := self._outcome(time.monotonic())) is None:
            if time.monotonic() >= beat_at:
                self._tell(host_member.BEAT)
                beat_at += host_member.BEAT_S
            self._pass_messages_on()
        return end

    def _outcome(self, now: float) -> Outcome | Crash | None:
        outcome = self._reported_outcome()
        if outcome is not None and not _tells_of_a_lost_machine(outcome):
            self._wait_for_the_others()
            return outcome
        lost, leading = self._attendance.lost(now), self._attendance.leading_end()
        has_ended_here = outcome is not None or leading is not None or self._has_output_ended
        if lost is None and outcome is None:
            return Crash(1 if leading is None else leading) if has_ended_here else None
        if lost is None:  # mostly it becomes known a moment later which machine was lost
            lost, has_ended_here = self._attendance.likeliest_lost(), self._has_output_ended
        is_due = has_ended_here or self._has_waited_enough(now)
        return self._outcome_without(lost) if is_due else None

    def _reported_outcome(self) -> Outcome | None:
        try:
            event = protocol.decode_event(host_member.outcome_path(self._folder).read_bytes())
        except FileNotFoundError:
            return None
        return event if isinstance(event, Outcome) else None

    def _has_waited_enough(self, now: float) -> bool:
        if self._loss_noticed_at is None:
            self._loss_noticed_at = now
        return now - self._loss_noticed_at > _GRACE_S

    def _wait_for_the_others(self) -> None:
        until = time.monotonic() + _FAREWELL_S
        while not self._has_output_ended and time.monotonic() < until:
            self._pass_messages_on()

    def _outcome_without(self, rank: int) -> protocol.Failed:
        """The outcome of a run that lost a machine; its next start goes on without it."""
        self._wait_for_the_others()  # and hear what they reported last
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

    def _pass_messages_on(self) -> None:
        for key, _ in self._selector.select(_LOOK_S):
            data = os.read(key.fd, _PIPE_BYTES)
            if key.fileobj is self._output:
                self._read_output(data)
            elif data:
                self._tell(data)
            else:
                raise Orphaned

    def _read_output(self, data: bytes) -> None:
        *lines, self._unfinished_line = (self._unfinished_line + data).split(b"\n")
        if not data:
            self._has_output_ended = True
            self._selector.unregister(self._output)
            lines.append(self._unfinished_line)
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


def _tells_of_a_lost_machine(outcome: Outcome) -> bool:
    return isinstance(outcome, protocol.Failed) and outcome.error.kind == ErrorKind.HOST_LOST


def _launch_command(folder: JobFolder, hosts: Sequence[Host], command: Sequence[str]) -> list[str]:
    # With this name mlx.launch starts the process on this machine, without ssh.
    here = msgspec.structs.replace(hosts[0], ssh="127.0.0.1")
    names = folder.path / "mlx_hosts.json"
    write_atomically(names, msgspec.json.encode([here, *hosts[1:]]))
    port = free_port([ip for host in hosts for ip in host.ips], hosts[0].ips)
    options = ["--backend", "ring", "--hostfile", str(names), "--starting-port", str(port)]
    for name in _PASSED_ON & os.environ.keys():
        options += ["--env", f"{name}={os.environ[name]}"]
    return [*_LAUNCH, *options, "--", *command, str(folder.path)]


def free_port(addresses: Sequence[str], here: Sequence[str]) -> int:
    """The first of as many consecutive ports as there are addresses, all of them free here.

    Raises OvernightError when there are none.
    """
    # Each process begins elsewhere, so that two seldom try the same ports.
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
    """The exit code to end with; where it was a signal, this process ends by the same signal."""
    if crash.code < 0:
        faulthandler.disable()
        os.kill(os.getpid(), -crash.code)
    return crash.code or 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
