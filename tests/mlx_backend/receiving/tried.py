"""Adapters tried in the test's own process: to start another one takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.adoption.trial.messages import AdapterFits
from mlx_backend.adoption.trial.refusing import refused
from mlx_backend.receiving import receive
from mlx_backend.receiving.bases import Candidate
from mlx_backend.receiving.receive import Watch
from mlx_backend.receiving.refusal import unfit
from mlx_backend.receiving.tried_here import outcome_here
from mlx_backend.training.stop_requests import StoppedEarly


def try_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no process is started to try an adapter; it is refused in the same way."""
    monkeypatch.setattr(receive, "_tried_with", _tried)


def _tried(candidate: Candidate, arrived: Path, ready: Path, watch: Watch) -> AdapterFits:
    if watch.stop_requested():
        raise StoppedEarly
    base = candidate.model
    try:
        return outcome_here(arrived, base.path, ready)
    except Exception as error:
        found = refused(error, arrived)
        said = found.message or f"was tried with the base model '{base.card.name}', but"
        raise unfit(f"{said} {found.reason}".strip(), found.detail) from error
