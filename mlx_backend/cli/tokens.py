"""The command that keeps an access token for the Hub."""

from __future__ import annotations

import argparse
import sys

from mlx_backend.cli.console import Console
from mlx_backend.models.hub.tokens import TokenHolder, find_token, forget_token, keep_token

_LONGEST_LINE = 10_000


def token(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight token`: read a token and keep it in the keyring; with --forget, remove it.

    It is read from the terminal without being shown, or from a pipe. Nothing typed changes nothing.
    """
    if options.forget:
        was_there = forget_token()
        console.say("The token is forgotten." if was_there else "There was no token to forget.")
        return _told(console, is_kept=False)
    is_kept = True
    if sys.stdin.isatty():
        typed = _ask()
        is_kept = bool(typed)
    else:
        typed = sys.stdin.readline(_LONGEST_LINE)
    if is_kept:
        keep_token(typed)
        console.say(f"The token is kept in {TokenHolder.KEYRING.value}.")
    return _told(console, is_kept)


def _ask() -> str:
    import getpass

    prompt = "Access token for the Hugging Face Hub (it is not shown; nothing changes nothing): "
    return getpass.getpass(prompt).strip()


def _told(console: Console, is_kept: bool) -> dict[str, object]:
    """Say where the token comes from that downloads will use; never the token itself."""
    _, origin = find_token()
    if origin is TokenHolder.NOWHERE:
        console.say("Downloads use no token.")
    elif not (is_kept and origin is TokenHolder.KEYRING):
        console.say(f"Downloads use the token of {origin.value}.")
    return {"kept": is_kept, "origin": origin.name.lower()}
