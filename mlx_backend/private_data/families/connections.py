"""Passwords in URLs (RFC 3986, userinfo), connection strings, HTTP headers and commands."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error

from mlx_backend.private_data.likeness import is_placeholder, looks_random
from mlx_backend.private_data.rules import Rule, Shape
from mlx_backend.private_data.word_list import word_list

_ORDINARY = frozenset(
    word_list("pass passwd password pwd secret user admin root postgres guest test")
)


def _chosen(candidate: str) -> bool:
    """Whether somebody chose this password: it is no example from a manual and no variable."""
    return (
        not is_placeholder(candidate)
        and candidate.lower() not in _ORDINARY
        and candidate[0] not in "$%{[<(:/*"
        and any(char.isdigit() or char in "!@#$%^&*+?" for char in candidate)
    )


def _basic(candidate: str) -> bool:
    """Whether it is a user, a colon and a chosen password in Base64 (RFC 7617)."""
    try:
        decoded = b64decode(candidate + "=" * (-len(candidate) % 4)).decode()
    except (Base64Error, ValueError):
        return False
    user, colon, password = decoded.partition(":")
    return bool(colon and password) and decoded.isprintable() and _chosen(password or user)


CONNECTIONS: tuple[Rule, ...] = (
    Shape(
        "password",
        re.compile(r"://[^\s:/@\"'<>`]{0,100}:(?P<secret>[^\s/@\"'<>`]{3,200})@(?=[\w\[])"),
        ("://",),
        _chosen,
    ),
    Shape(
        "password",
        re.compile(r"(?i:password|pwd)=(?P<secret>[^;\s\"']{4,100})(?=;)"),
        ("password=", "pwd="),
        _chosen,
    ),
    Shape(
        "token",
        re.compile(r"(?i:bearer|token) (?P<secret>[\w.~+/-]{16,4000}={0,2})"),
        ("bearer ", "authorization"),
        looks_random,
    ),
    Shape(
        "password",
        re.compile(r"(?i:basic) (?P<secret>[A-Za-z0-9+/]{8,400}={0,2})"),
        ("basic ",),
        _basic,
    ),
    Shape(
        "key",
        re.compile(
            r"(?i:x-[a-z-]{0,30}(?:key|token|secret)): ?(?P<secret>[\w.~+/-]{16,400}={0,2})"
        ),
        ("x-",),
        looks_random,
    ),
    Shape(
        "password",
        re.compile(r"\s(?:-u|--user)[ =][\"']?[\w.@-]{1,80}:(?P<secret>[^\s\"'@:/]{4,100})"),
        (" -u ", " --user"),
        _chosen,
    ),
    Shape(
        "password",
        re.compile(
            r"\s(?:-u|--user(?:name)?)[ =][\w.@-]{1,80} (?:-p|--password)[ =]?[\"']?"
            r"(?P<secret>[^\s\"']{4,100})"
        ),
        (" -p", " --password"),
        _chosen,
    ),
    Shape(
        "password",
        re.compile(r"sshpass -p ?[\"']?(?P<secret>[^\s\"']{4,100})"),
        ("sshpass",),
        _chosen,
    ),
    Shape(
        "password",
        re.compile(r"(?i:mysql\w{0,10}) [^\n]{0,80}? -p(?P<secret>[^\s\"']{4,100})"),
        ("mysql",),
        _chosen,
    ),
    Shape(
        "password",
        re.compile(
            r"(?i:identified by|with password|encrypted password) [\"']"
            r"(?P<secret>[^\"'\n]{4,100})[\"']"
        ),
        ("identified by", "with password", "encrypted password"),
        _chosen,
    ),
    Shape(
        "password",  # .netrc
        re.compile(r"login\s{1,4}\S{1,80}\s{1,4}password\s{1,4}(?P<secret>\S{4,100})"),
        ("password",),
        _chosen,
    ),
)
