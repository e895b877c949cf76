"""The real start of a run on several machines, but the last one is lost: `... FOLDER`.

Its process is killed when it is to take its fifth step of the training.
"""

from __future__ import annotations

import os
import signal
import sys

from mlx_backend.run import host_launch, host_member

_STEP = 5


def main(arguments: list[str]) -> int:
    if "MLX_RANK" not in os.environ:
        return host_launch.main(arguments, (sys.executable, __file__))
    if os.environ["MLX_RANK"] == "1":
        _be_killed_at_a_step()
    return host_member.main(arguments)


def _be_killed_at_a_step() -> None:
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.training.hosts.following import FollowingStep
    from mlx_backend.training.hosts.group import Group
    from mlx_backend.training.hosts.orders import Share

    take_share, steps = FollowingStep.take_share, 0

    def take_share_or_die(self: FollowingStep, told: Share, group: Group) -> None:
        nonlocal steps
        steps += told.rate > 0.0  # those that only measure the time learn nothing
        if steps == _STEP:
            os.kill(os.getpid(), signal.SIGKILL)
        take_share(self, told, group)

    FollowingStep.take_share = take_share_or_die  # type: ignore[method-assign]


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
