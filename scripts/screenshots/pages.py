"""The pages of a library as it is: a new one, or one with runs, adapters and conversations."""

from __future__ import annotations

from collections.abc import Callable

from app.shell.window import ENTRIES
from app.widgets.deletable_list import choose_row
from mlx_backend.library.conversations import Conversations
from scripts.screenshots.camera import Camera


def take_empty_pages(camera: Camera) -> None:
    """Take the pages of a new library."""
    for entry in ENTRIES[1:4]:
        camera.show(entry.key)
        camera.take(f"{entry.key}-empty")


def take_all_pages(camera: Camera) -> None:
    """Take each page in a state that says something."""
    prepare: dict[str, Callable[[Camera], None]] = {
        "notes": _choose_a_note,
        "chat": _open_latest_conversation,
    }
    for entry in ENTRIES:
        camera.show(entry.key)
        if entry.key == "tonight":
            _take_tonight(camera)
            continue
        if entry.key in prepare:
            prepare[entry.key](camera)
        camera.paint()
        camera.take(entry.key)


def _take_tonight(camera: Camera) -> None:
    page = camera.tonight
    runs = camera.services.watcher.runs()
    for state, run in {run.state: run for run in reversed(runs)}.items():
        page.show_run(run.id)
        camera.settle()
        camera.take(f"tonight-{state.value}")
    if any(run.is_active for run in runs):
        return  # the plan of another night waits for the end of this one
    page.run.plan_wanted.emit()
    camera.wait_for(lambda: bool(camera.plans) or not page.plan.isVisible())
    camera.paint()
    camera.take("tonight")


def _choose_a_note(camera: Camera) -> None:
    page = camera.notes
    camera.wait_for(lambda: page.table.rowCount() > 0)
    camera.settle()
    choose_row(page.list, min(4, page.table.rowCount() - 1))


def _open_latest_conversation(camera: Camera) -> None:
    latest = camera.in_library(lambda db: next((talk.id for talk in Conversations(db).all()), None))
    camera.chat.session.open(latest)
    camera.settle()
