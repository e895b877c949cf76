"""How long to wait before the next try, and when to give up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from mlx_backend.errors import OvernightError

_TRIES = 6  # in a row that bring nothing
_SHORTEST_S = 1.0
_LONGEST_S = 30.0
_LONGEST_ASKED_FOR_S = 600.0


class Retry(Exception):
    """A try brought not all; the next one may. `error` is told when none does.

    wait_s: the seconds that the server asks to wait, 0 where it does not.
    """

    def __init__(self, error: OvernightError, wait_s: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait_s = wait_s


class Patience:
    """Counts the tries in a row that bring nothing, and doubles the wait with each."""

    def __init__(self) -> None:
        self._fruitless = 0

    def wait_after(self, retry: Retry, brought_something: bool) -> float:
        """How many seconds to wait now. Raises the try's error when it was one too many."""
        self._fruitless = 0 if brought_something else self._fruitless + 1
        if self._fruitless >= _TRIES:
            raise retry.error
        wait = _SHORTEST_S * 2.0 ** max(0, self._fruitless - 1)
        return max(min(wait, _LONGEST_S), min(retry.wait_s, _LONGEST_ASKED_FOR_S))


def seconds_asked_for(headers: Mapping[str, str]) -> float:
    """How long a server asks to wait; 0 where it does not (Retry-After: RFC 9110, 10.2.3).

    The Hub says so in a header of its own, which its client library reads.
    """
    from huggingface_hub.utils import parse_ratelimit_headers

    said = headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said[:9])
    if said:
        try:
            return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
        except (ValueError, OverflowError):
            return 0.0
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else 0.0
