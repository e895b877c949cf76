"""How the Hub is reached: its address, or that of a mirror, and the person's access token."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mlx_backend.catalogue.hub_pages import HUB
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub.tokens import TokenHolder, find_token

_ENDPOINT = "HF_ENDPOINT"
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+)\?[^\s'\"<>]*", re.IGNORECASE)
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Access:
    """The address of the Hub or a mirror, and an access token, "" without one.

    The token is never written anywhere: it is in memory and in requests to this address. holder:
    where it comes from.
    """

    endpoint: str = HUB
    token: str = field(default="", repr=False)
    holder: TokenHolder = TokenHolder.NOWHERE

    @classmethod
    def from_environment(cls) -> Access:
        """The address in HF_ENDPOINT, and the token that `tokens.find_token` finds.

        A token that is kept, rather than given in HF_TOKEN, is not sent over a connection that
        anybody can read. Raises OvernightError for an address or a token that cannot be one.
        """
        endpoint = (os.environ.get(_ENDPOINT) or HUB).rstrip("/")
        parts = urlsplit(endpoint)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise OvernightError(
                ErrorKind.WRONG_USAGE,
                f"{_ENDPOINT} is set to '{endpoint}', which is no web address.",
                f"Set it to the address of a mirror, or unset it to use {HUB}.",
            )
        token, holder = find_token()
        is_private = parts.scheme == "https" or parts.hostname in _THIS_MACHINE
        if is_private or holder is TokenHolder.VARIABLE:
            return cls(endpoint, token, holder)
        return cls(endpoint)

    def is_same_host(self, url: str) -> bool:
        """Whether an address is on the host that this one names."""
        return urlsplit(url).netloc == urlsplit(self.endpoint).netloc

    def hidden(self, text: str) -> str:
        """A text of the server or of a library, without the keys that it may repeat.

        These are the token, and what follows the "?" of an address: the Hub redirects to signed
        ones, with which anybody may fetch the file.
        """
        text = _QUERY.sub(r"\1?***", text)
        return text.replace(self.token, "***") if self.token else text
