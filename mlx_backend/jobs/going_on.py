"""From where a run that is over before its end goes on, in a sentence."""

from __future__ import annotations


def from_where(saved: int | None, has_studied: bool) -> str:
    """`saved` is the step of its newest checkpoint; `has_studied`: study saved something."""
    if saved:
        return f"It can go on from step {saved:,}, where it saved last."
    if has_studied:
        return (
            "No training was saved yet, so that starts again from the beginning."
            " What it has studied is kept."
        )
    return "It had not saved anything yet; it starts again from the beginning."
