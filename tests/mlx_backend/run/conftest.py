"""A run's parts on the tiny model."""

from tests.mlx_backend.run.whole_run import start  # noqa: F401
from tests.mlx_backend.run_parts import (  # noqa: F401
    dataset,
    events,
    few_general_questions,
    make_loop,
    preparation,
    spec,
)
