"""What a trial told of models that read, for tests that have none."""

from mlx_backend.library.abilities import Abilities, Reading

READS = Abilities(
    tried_with=("0", "0", "cpu"),
    layers=("attention",),
    packs=True,
    trims_cache=True,
    encodes_parts=True,
    roles=("system", "user", "assistant"),
    thinks=False,
    bytes_in_memory=1_000_000,
    reading=Reading(asked=30, right=27, needed=20),
)
