"""The process that quantises a model, limited as that of a trial (`trial.process`).

Once the libraries are loaded it can read the model's folder and Python's modules, write into the
folder that it is to fill, and write to its pipe.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlx_backend.adoption.trial.process import OF_THE_SYSTEM, begin


def main(descriptor: int, folder: Path, name: str, memory: int, new: Path, bits: int) -> None:
    """Quantise the model in `folder` into `new`, and tell the pipe `descriptor`."""
    begin(memory)
    from mlx_backend.adoption.forms import packing
    from mlx_backend.adoption.trial import messages, trying
    from mlx_backend.machine.lockdown import lock_down

    trying.load_libraries()
    lock_down([folder, *OF_THE_SYSTEM], writable=new)
    teller = messages.Teller(descriptor)
    teller.tell(messages.Began("quantising"))
    teller.tell(packing.outcome_of(packing.Packing(folder, new, bits, name), teller.tell))


if __name__ == "__main__":
    main(
        int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]),
        Path(sys.argv[5]), int(sys.argv[6]),
    )  # fmt: skip
