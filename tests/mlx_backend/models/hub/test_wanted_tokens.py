"""Which refusals of the Hub another access token may help against, on their way to the window."""

from __future__ import annotations

import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.models.hub import refusals, upload_refusals
from mlx_backend.models.hub.access import Access
from mlx_backend.private_data.masked_errors import report_of

_NAME = "ana/garden"


@pytest.mark.parametrize(
    ("error", "is_wanted"),
    [
        (refusals.gated(Access(), _NAME), True),
        (refusals.of_status(Access(), _NAME, 401, ""), True),
        (upload_refusals.no_token(), True),
        (upload_refusals.reads_only(Access()), True),
        (refusals.of_status(Access(), _NAME, 500, ""), False),
        (refusals.offline("the token"), False),
        (upload_refusals.stalled("the access token"), False),
    ],
)
def test_a_report_keeps_whether_a_token_is_wanted(error: OvernightError, is_wanted: bool) -> None:
    assert report_of(error).wants_token is is_wanted
    assert report_of(error).to_error().wants_token is is_wanted
