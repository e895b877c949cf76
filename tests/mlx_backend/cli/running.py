"""The types of the fixtures that run commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Said = Callable[..., str]
"""Runs a command, given its words and perhaps `code`; returns what it prints."""
Run = Callable[..., Json]
"""Runs a command with --json; returns the object that it prints."""
