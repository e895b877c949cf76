"""The process that tries an adapter: its files are data from strangers, and so are limited here.

Once the libraries are loaded it can read the adapter's folder, the base model's and Python's
modules, write into the folder that it is to fill, and write to its pipe.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlx_backend.adoption.trial.process import OF_THE_SYSTEM, begin


def main(descriptor: int, folder: Path, memory: int, base: Path, into: Path) -> None:
    """Try the adapter in `folder` with the base model in `base`; write it, as ours, to `into`."""
    begin(memory)
    from mlx_backend.adoption.trial import messages, trying
    from mlx_backend.adoption.trial.refusing import refused
    from mlx_backend.machine.lockdown import lock_down
    from mlx_backend.receiving.tried_here import outcome_here

    trying.load_libraries()
    lock_down([folder, base, *OF_THE_SYSTEM], writable=into)
    teller = messages.Teller(descriptor)
    teller.tell(messages.Began("adapter"))
    outcome: messages.Outcome
    try:
        outcome = outcome_here(folder, base, into)
    except (Exception, SystemExit) as error:
        outcome = refused(error, folder)
    teller.tell(outcome)


if __name__ == "__main__":
    main(
        int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[4]), Path(sys.argv[5]), Path(sys.argv[6])
    )
