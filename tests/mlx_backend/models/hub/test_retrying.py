from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.models.hub.meter import Meter
from mlx_backend.models.hub.refusals import offline
from mlx_backend.models.hub.retrying import Patience, Retry, seconds_asked_for
from mlx_backend.protocol import Progress

NOTHING = Retry(offline("cut"))


def test_waits_grow_until_it_gives_up() -> None:
    patience = Patience()
    assert [patience.wait_after(NOTHING, False) for _ in range(5)] == [1, 2, 4, 8, 16]
    with pytest.raises(OvernightError, match="cannot be reached"):
        patience.wait_after(NOTHING, False)


def test_a_try_that_brought_something_begins_the_count_anew() -> None:
    patience = Patience()
    for _ in range(100):
        assert patience.wait_after(NOTHING, brought_something=True) == 1
        assert patience.wait_after(NOTHING, brought_something=False) == 1
        assert patience.wait_after(NOTHING, brought_something=False) == 2


@pytest.mark.parametrize(("asked", "waited"), [(0, 1), (7, 7), (10**9, 600)])
def test_it_waits_as_long_as_the_server_asks_but_not_for_ever(asked: float, waited: float) -> None:
    assert Patience().wait_after(Retry(offline(""), asked), False) == waited


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": formatdate(0, usegmt=True)}, 0),
        (
            {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'},
            55,
        ),
        ({"ratelimit": '"api";r=9;t=55'}, 0),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float) -> None:
    assert seconds_asked_for(headers) == seconds


def test_a_date_to_wait_for() -> None:
    headers = {"Retry-After": formatdate(time.time() + 50, usegmt=True)}
    assert 45 < seconds_asked_for(headers) <= 50


def test_speed_and_time_left() -> None:
    now, told = [0.0], list[Progress]()
    meter = Meter(100_000_000, told.append, lambda: now[0])
    for second in range(41):
        now[0] = second / 2
        meter.show(second * 1_000_000)
    assert len(told) == 21  # once a second
    assert (told[0].text, told[0].remaining_s) == ("", None)
    assert told[-1].text == "2.0 MB/s"
    assert told[-1].remaining_s == 30
    meter.show_wait(40_000_000, "waiting")
    assert (told[-1].done, told[-1].text) == (40_000_000, "waiting")
    meter.show(100_000_000)
    assert told[-1].done == 100_000_000
