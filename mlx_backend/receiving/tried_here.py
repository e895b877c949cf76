"""The work of the process that tries an adapter."""

from __future__ import annotations

from pathlib import Path

from mlx_backend.adoption.trial import messages
from mlx_backend.library.models import read_model
from mlx_backend.models.base_model import load_from
from mlx_backend.receiving.arrival import WEIGHTS_OF, Arrival
from mlx_backend.receiving.header_checks import checked_config, checked_header
from mlx_backend.receiving.trying import try_adapter, write_tried


def outcome_here(folder: Path, base: Path, into: Path) -> messages.AdapterFits:
    """Try the adapter in `folder` with the base model in `base`, and write it to `into`.

    Raises UnfitError, OvernightError, or whatever a library raises.
    """
    form = next(form for form, weights in WEIGHTS_OF.items() if (folder / weights).is_file())
    arrival = Arrival(folder, form, "")
    config = checked_config(arrival)
    checked_header(arrival.weights)
    loaded = load_from(read_model(base.parent, base.name))
    tried = try_adapter(arrival, config, loaded)
    write_tried(tried, loaded.model, into)
    return tried.outcome
