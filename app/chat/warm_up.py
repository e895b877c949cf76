"""Loads the model while the person types, because loading takes a moment as typing does."""

from __future__ import annotations

import itertools

from app.chat.answerer import Answerer
from app.jobs.chat_worker import ChatWorker, WorkerState
from app.jobs.watcher import JobWatcher
from mlx_backend.protocol import LoadRequest, WeightedAdapter


class WarmUp:
    """Asks the worker for a model ahead of the first question."""

    def __init__(self, worker: ChatWorker, watcher: JobWatcher) -> None:
        self._worker = worker
        self._watcher = watcher
        self._numbers = itertools.count(1)

    def begin(self, answerer: Answerer) -> None:
        """Load the chosen model, unless the worker is running or a run needs the memory."""
        is_training = any(run.is_active for run in self._watcher.runs())
        if self._worker.state is not WorkerState.OFF or is_training:
            return
        adapters = (WeightedAdapter(name=answerer.adapter),) if answerer.adapter else ()
        request_id = f"warm-up-{next(self._numbers)}"
        self._worker.load(LoadRequest(id=request_id, model=answerer.model, adapters=adapters))
