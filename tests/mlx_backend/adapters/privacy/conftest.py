"""What tests of the privacy gate share. They hide the number formats of the tests beside them."""

from __future__ import annotations

import pytest


@pytest.fixture
def number_format() -> str:
    """Of the scan and of exposure one number format is enough: they only call the model."""
    return "float32"
