"""The services that the pages share, made once for each window."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from PySide6.QtWidgets import QApplication

from app.jobs.chat_worker import ChatWorker
from app.jobs.exports import Exports
from app.jobs.imports import Imports
from app.jobs.local_server import LocalServer
from app.jobs.login_item import LoginItem
from app.jobs.memory_release import MemoryKeeper
from app.jobs.model_jobs import ModelJobs
from app.jobs.new_adapters import NewAdapters
from app.jobs.planner import Planner
from app.jobs.publications import Publications
from app.jobs.wakefulness import Wakefulness
from app.jobs.watched_folders import WatchedFolders
from app.jobs.watcher import JobWatcher
from app.library.background import Background
from app.library.deletions import Deletions
from app.library.preferences import Preferences
from app.library.undo_history import UndoHistory
from app.library.window_state import window_state
from app.style import Style
from mlx_backend.library import Library

# The window's thread releases the GIL at every call into Qt, and then waits for a thread that
# reads a long log. Python's own 5 ms, a hundred times over, would be seen as a stall.
_TURN_S = 0.0005


@dataclass(frozen=True)
class Services:
    """The collaborators; each page gets those that it needs."""

    library: Library
    style: Style
    background: Background
    preferences: Preferences
    history: UndoHistory
    deletions: Deletions
    watcher: JobWatcher
    imports: Imports
    watched: WatchedFolders
    exports: Exports
    new_adapters: NewAdapters
    publications: Publications
    model_jobs: ModelJobs
    planner: Planner
    worker: ChatWorker
    server: LocalServer
    keeper: MemoryKeeper
    login_item: LoginItem
    wakefulness: Wakefulness

    def close(self) -> None:
        """Finish what was asked for and end threads and children. Jobs go on."""
        self.deletions.shut_down()
        self.watched.shut_down()
        self.imports.flush()
        self.new_adapters.flush()
        self.planner.shut_down()
        self.worker.shut_down()
        self.server.shut_down()
        self.watcher.shut_down()
        self.background.close()
        self.wakefulness.release()


def make_services(library: Library, app: QApplication) -> Services:
    """Make and begin all of them."""
    sys.setswitchinterval(_TURN_S)
    background = Background(library.database)
    preferences = Preferences(library.settings, background)
    style = Style(app)
    style.set_appearance(preferences.settings.appearance)
    preferences.changed.connect(lambda: style.set_appearance(preferences.settings.appearance))
    history = UndoHistory(background)
    watcher = JobWatcher(library)
    worker = ChatWorker(library)
    imports = Imports(watcher)
    services = Services(
        library=library,
        style=style,
        background=background,
        preferences=preferences,
        history=history,
        deletions=Deletions(library, background, history, preferences),
        watcher=watcher,
        imports=imports,
        watched=WatchedFolders(background, imports),
        exports=Exports(watcher),
        new_adapters=NewAdapters(library, watcher, background, window_state(library.home)),
        publications=Publications(watcher),
        model_jobs=ModelJobs(watcher),
        planner=Planner(library),
        worker=worker,
        server=LocalServer(library, port=lambda: preferences.settings.server_port),
        keeper=MemoryKeeper(watcher, worker),
        login_item=LoginItem(preferences, background, library),
        wakefulness=Wakefulness(watcher),
    )
    watcher.begin()
    services.watched.begin()
    services.login_item.begin()
    services.deletions.begin()
    if preferences.settings.server_with_window:
        services.server.switch(True)
    return services
