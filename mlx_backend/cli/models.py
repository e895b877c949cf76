"""The command for base models."""

from __future__ import annotations

import argparse

from mlx_backend.cli.arrivals import show_unfinished
from mlx_backend.cli.bin import as_results, in_bin_sentence, purge_bin
from mlx_backend.cli.console import Console
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import list_adapters
from mlx_backend.library.bin import Bin, Binned
from mlx_backend.library.models import STARTER, BaseModel
from mlx_backend.library.models import list_models as all_models
from mlx_backend.settings import load_settings


def list_models(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight models`: list the base models; with --remove, move one to the bin first.

    When only listing, makes the starter model if it is missing, and lists downloads that are not
    done.
    """
    library = Library.open()
    if options.remove is not None:
        item = _remove(library, options.remove, console)
        return {"models": _as_results(all_models(library.models)), "bin": as_results([item])}
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.models.starter import ensure_starter

    ensure_starter(library)
    models = all_models(library.models)
    console.table(
        ["Name", "Model", "MB", "Licence", "Fits here"],
        [
            (m.card.name, m.card.title, f"{m.bytes / 1e6:.0f}", m.card.licence, _yes(m.fits))
            for m in models
        ],
    )
    return {"models": _as_results(models), "downloads": show_unfinished(library, console)}


def _remove(library: Library, name: str, console: Console) -> Binned:
    with database.opened(library.database) as connection:
        item = Bin(library, connection).delete_model(name)
        console.say(in_bin_sentence(library, [item]))
        purge_bin(library, connection)
    if name == STARTER:
        console.say("Overnight makes the starter again by itself when it is needed.")
        return item
    trained = [a.name for a in list_adapters(library.adapters) if a.card.base == name]
    if trained:
        them = "it" if len(trained) == 1 else "them"
        names = ", ".join(f"“{each}”" for each in trained)
        console.say(f"Trained on it: {names}. To chat with {them}, restore it first.")
    if load_settings(library.settings).base_model == name:
        console.say("It is the base model in your settings: choose another one there.")
    return item


def _as_results(models: list[BaseModel]) -> list[dict[str, object]]:
    return [
        {
            "name": m.card.name,
            "title": m.card.title,
            "bytes": m.bytes,
            "licence": m.card.licence,
            "fits": m.fits,
        }
        for m in models
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
