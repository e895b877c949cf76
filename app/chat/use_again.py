"""Going back to the adapter before: it answers from now on, until that is undone."""

from __future__ import annotations

from collections.abc import Callable

from app.chat.drafts_and_choices import DraftsAndChoices
from app.library.undo_history import Step, silently


def use_again(
    remembered: DraftsAndChoices, name: str, instead_of: str, ends: Callable[[], None]
) -> Step:
    """The step that lets `name` answer; undone, whoever answered before does again.

    instead_of: who is taken to have answered before, where nobody was ever chosen.
    """
    compare = remembered.compare
    before = (instead_of, "")
    if remembered.has_chosen:
        before = (remembered.adapter or "", remembered.model)

    def turn(forward: bool) -> None:
        adapter, model = (name, "") if forward else before
        remembered.set_answerer(adapter or None, compare, model)
        ends()

    nothing = silently(lambda _: None)
    return Step(f"Use “{name}” Again", f"The chat asks “{name}” again.", nothing, nothing, turn)
