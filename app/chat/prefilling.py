"""Has the model read what is typed so far, so that the answer begins sooner."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer

from app.chat.answerer import Answerer, Manner
from app.chat.exchanges import Exchange, turns_for
from app.chat.session import ChatSession
from app.jobs.chat_worker import ChatWorker, WorkerState
from app.jobs.watcher import JobWatcher
from mlx_backend.protocol import PrefillRequest, WeightedAdapter

_PAUSE_MS = 300
_LONGEST = 20_000  # characters; what is longer is pasted, and sent at once


class Prefilling(QObject):
    """Sends what is typed now and then while the person types, unless a run needs the machine."""

    def __init__(
        self,
        worker: ChatWorker,
        watcher: JobWatcher,
        session: ChatSession,
        typed: Callable[[], Exchange],
        answering: Callable[[], tuple[Answerer, Manner]],
    ) -> None:
        super().__init__(session)
        self._worker = worker
        self._watcher = watcher
        self._session = session
        self._typed = typed
        self._answering = answering
        self._numbers = itertools.count(1)
        self._sent: object = None
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._send)

    def begin(self) -> None:
        """The person types, or may in a moment."""
        if not self._pause.isActive():
            self._pause.start()

    def _send(self) -> None:
        is_training = any(run.is_active for run in self._watcher.runs())
        if is_training or self._session.is_busy or self._worker.state is not WorkerState.READY:
            return
        answerer, manner = self._answering()
        typed = self._typed()
        if len(typed.question) > _LONGEST:
            typed = replace(typed, question="")
        exchanges = (*self._session.exchanges, typed)
        wanted = (answerer, manner.system, manner.grounded, manner.thinks, exchanges)
        if wanted == self._sent:
            return
        self._sent = wanted
        adapters = (WeightedAdapter(name=answerer.adapter),) if answerer.adapter else ()
        self._worker.prefill(
            PrefillRequest(
                id=f"prefill-{next(self._numbers)}",
                turns=turns_for(exchanges, answerer.adapter),
                model=answerer.model,
                adapters=adapters,
                grounded=manner.grounded,
                thinks=manner.thinks,
                system=manner.system,
                conversation=self._session.conversation,
                max_tokens=manner.sampling.max_tokens,
            )
        )
