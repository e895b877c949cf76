"""Answering by quoting: the candidates of the passages, the evidence for each, what belongs to it.

`choosing` leads: `candidates` finds what could answer, `evidence` weighs it with the model,
`belonging` reads from the note's structure (`blocks`, `structure`) what makes it whole, `next_best`
adds what is nearly as good, `several` joins notes, `wording` words the answer.
"""

from mlx_backend.asking.quoting.choosing import quote
from mlx_backend.asking.quoting.wording import Quoted

__all__ = ["Quoted", "quote"]
