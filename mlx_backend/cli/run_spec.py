"""Making the spec of a run from the options of a command and the settings."""

from __future__ import annotations

import argparse
from datetime import datetime

from mlx_backend.library import Library
from mlx_backend.library.adapter_bases import base_of
from mlx_backend.library.adapters import read_adapter
from mlx_backend.protocol import Host, TrainSpec
from mlx_backend.settings import load_settings


def requested_spec(library: Library, options: argparse.Namespace, name: str) -> TrainSpec:
    """The spec of the run that the options and the settings ask for.

    Raises OvernightError for impossible times, a hosts file without hosts, and an unknown adapter
    to continue from.
    """
    settings = load_settings(library.settings)
    start_at, finish_by = _moments(options)
    is_bounded = options.steps or finish_by
    start_from = getattr(options, "start_from", None)
    canaries = getattr(options, "canaries", None)
    goes_on = read_adapter(library.adapters, start_from).card if start_from else None
    its_base = base_of(library, goes_on) if goes_on else None
    return TrainSpec(
        name=name,
        model=options.model or its_base or settings.base_model,
        steps=options.steps,
        hours=options.hours or (None if is_bounded else settings.hours),
        start_at=start_at,
        finish_by=finish_by,
        start_from=start_from,
        start_from_id=goes_on.id if goes_on else "",
        passes=settings.passes,
        kind=settings.adapter_kind,
        rank=settings.rank,
        embeddings=settings.embeddings or getattr(options, "embeddings", False),
        low_memory=settings.low_memory,
        study=not getattr(options, "no_study", False),
        canaries=settings.canaries if canaries is None else canaries,
        learning_rate=settings.learning_rate,
        patience=settings.patience,
        hosts=_hosts(options),
    )


def _hosts(options: argparse.Namespace) -> tuple[Host, ...]:
    """The machines to train on; () for this one. Raises OvernightError for a bad file."""
    if not getattr(options, "hosts", None):
        return ()
    from mlx_backend.jobs.hosts import read_hosts

    return read_hosts(options.hosts)


def _moments(options: argparse.Namespace) -> tuple[float | None, float | None]:
    """When the run starts, and when it must be done, as Unix times; None when not given.

    Raises OvernightError for a time in the past, or an end before the start.
    """
    from mlx_backend.night.clock_times import read_moment

    now = datetime.now()
    start = read_moment(options.start_at, now) if getattr(options, "start_at", None) else None
    finish_by = getattr(options, "finish_by", None)
    end = read_moment(finish_by, start or now) if finish_by else None
    return start.timestamp() if start else None, end.timestamp() if end else None
