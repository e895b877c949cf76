"""Starts a run on several machines whose processes only act: `acting_member.py FOLDER`.

The folder's file `acts.json` says what each machine does, by its rank.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from mlx_backend import protocol
from mlx_backend.jobs import JobFolder
from mlx_backend.run import host_launch, host_member


def act(folder: Path, what: str, rank: int) -> None:
    os.write(1, b"overnight: machine %d is there\n" % rank)
    match what:
        case "finish":
            _leave_word(folder, protocol.Finished(result={"adapter": "Garden"}))
        case "lose the others":
            report = protocol.ErrorReport(kind="host_lost", message="Lost.")
            _leave_word(folder, protocol.Failed(error=report))
        case "abort":
            os.abort()
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop when told":
            _hear_stop()
            _leave_word(folder, protocol.Stopped())
        case "leave when told":
            (folder / "waits").touch()
            _hear_stop()
        case "wait":
            time.sleep(600)


def _hear_stop() -> None:
    while b"stop" not in os.read(0, 100):
        pass


def _leave_word(folder: Path, outcome: protocol.Event) -> None:
    host_member.outcome_path(JobFolder(folder)).write_bytes(protocol.encode_line(outcome))


def main(arguments: list[str]) -> int:
    if "MLX_RANK" not in os.environ:
        return host_launch.main(arguments, (sys.executable, __file__))
    rank, folder = int(os.environ["MLX_RANK"]), Path(arguments[0])
    act(folder, json.loads((folder / "acts.json").read_text())[rank], rank)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
