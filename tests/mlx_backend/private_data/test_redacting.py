from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from mlx_backend.private_data.redacting import Redacting

_TOKEN = "gh" + "p_" + "Z9y8X7w6V5u4" * 3


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Redacting(logging.Formatter("%(levelname)s %(message)s")))
    logger = logging.getLogger("tests.redacting")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, written
    logger.removeHandler(handler)


def test_message_and_its_arguments_are_masked(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.warning("the server refused %s", _TOKEN)
    assert written.getvalue() == "WARNING the server refused [GitHub token removed]\n"


def test_traceback_is_masked(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    try:
        raise ValueError(f"bad header {_TOKEN}")
    except ValueError:
        logger.exception("it failed")
    assert "ValueError: bad header [GitHub token removed]" in written.getvalue()
    assert _TOKEN not in written.getvalue()


def test_harmless_message_is_as_the_inner_formatter_writes_it(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, written = log
    logger.error("step 12 of 600, loss %.3f", 1.25)
    assert written.getvalue() == "ERROR step 12 of 600, loss 1.250\n"
