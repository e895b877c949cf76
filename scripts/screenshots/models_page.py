"""The page of models: what there is to get, what is on the way, and what is there."""

from __future__ import annotations

from typing import cast

from app.models.page import ModelsPage
from scripts.screenshots import recorded_models
from scripts.screenshots.camera import Camera


def take_models(camera: Camera) -> None:
    """Take the page with a model in the library and downloads in every state."""
    library = camera.services.library
    page = cast(ModelsPage, camera.window.page("models"))
    recorded_models.add_reader(library)
    camera.show("models")
    camera.take("models-catalogue")
    recorded_models.record_refused(library)
    recorded_models.record_paused(library)
    running = recorded_models.record_download(library)
    lock = running.lock()
    lock.acquire()
    camera.wait_for(lambda: len(page.under_way.rows) == 3)
    camera.settle()
    camera.take("models-downloads")
    page.catalogue.more.click()
    page.hub.details.button.setChecked(True)
    camera.paint()
    camera.take_scrolled("models-end", page)
    lock.release()
    page.under_way.row_of(running.id).cancel.click()
    camera.settle()
