"""Whose an access token is, and whether it may write to a repository: asked before any upload."""

from __future__ import annotations

import msgspec

from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.upload_refusals import (
    may_not_write,
    no_token,
    not_accepted,
    reads_only,
    somebody_elses,
)
from mlx_backend.models.hub.upload_requests import UploadRequests

_UNAUTHORISED = 401
_READS, _CHOSEN = "read", "fineGrained"
_WRITES = ("repo.write", "repo.content.write")


class _Scope(msgspec.Struct):
    permissions: list[str] = []


class _Grained(msgspec.Struct, rename="camel"):
    scoped: list[_Scope] = []


class _Token(msgspec.Struct, rename="camel"):
    role: str = ""
    fine_grained: _Grained | None = None


class _Auth(msgspec.Struct, rename="camel"):
    access_token: _Token | None = None


class _Organisation(msgspec.Struct, rename="camel"):
    name: str
    role_in_org: str = ""


class Account(msgspec.Struct):
    """Whose the token is, as the Hub says (api/whoami-v2)."""

    name: str
    orgs: list[_Organisation] = []
    auth: _Auth | None = None

    @property
    def reads_only(self) -> bool:
        """Whether the token is of a kind that can write to no repository at all."""
        token = self.auth.access_token if self.auth else None
        if token is None:
            return False
        if token.role == _CHOSEN and token.fine_grained is not None:
            given = {each for scope in token.fine_grained.scoped for each in scope.permissions}
            return given.isdisjoint(_WRITES)
        return token.role == _READS

    def role_at(self, owner: str) -> str | None:
        """The account's role at an owner of repositories; None where it has none."""
        if owner.casefold() == self.name.casefold():
            return "owner"
        found = (org for org in self.orgs if org.name.casefold() == owner.casefold())
        return next((org.role_in_org for org in found), None)


def own_repository(requests: UploadRequests, access: Access, name: str) -> str:
    """The whole name, OWNER/NAME, of a repository that this account may publish to.

    Asks the Hub whose the token is. Raises OvernightError: no token, not accepted, one that may
    only read, or a repository of somebody else.
    """
    if not access.token:
        raise no_token()
    answer = requests.patiently(lambda: requests.get("api/whoami-v2"))
    if answer.status == _UNAUTHORISED:
        raise not_accepted(access, "whoami: 401")
    account = requests.read(answer, Account)
    if "/" not in name:
        name = f"{account.name}/{name}"
    role = account.role_at(name.partition("/")[0])
    if role is None:
        raise somebody_elses(access, name, account.name)
    if account.reads_only:
        raise reads_only(access)
    if role == _READS:
        raise may_not_write(access, name)
    return name
