"""A run's parts on the tiny model, in every number format."""

import pytest

from tests.mlx_backend.number_formats import number_format  # noqa: F401
from tests.mlx_backend.run_parts import (  # noqa: F401
    dataset,
    events,
    few_general_questions,
    make_loop,
    preparation,
    spec,
)


@pytest.fixture(autouse=True)
def _in_each_format(number_format: str) -> None:  # noqa: F811
    """What is filed and exported is so whatever the base model's number format."""
