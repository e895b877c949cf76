"""From where a run goes on that stopped before its end."""

from __future__ import annotations


def resume_sentence(saved: int | None, has_studied: bool) -> str:
    """In one or two sentences.

    `saved` is the step of the newest checkpoint; `has_studied` tells that study saved something.
    """
    if saved:
        return f"It can go on from step {saved:,}, where it saved last."
    if has_studied:
        return (
            "No training was saved yet, so that starts again from the beginning."
            " What it has studied is kept."
        )
    return "It had not saved anything yet; it starts again from the beginning."
