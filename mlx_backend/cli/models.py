"""The command for base models: those of the library, of the catalogue, and of other programs."""

from __future__ import annotations

import argparse

from mlx_backend.catalogue.fit_words import fit_in_short
from mlx_backend.cli.amounts import data_size
from mlx_backend.cli.arrivals import show_unfinished
from mlx_backend.cli.bin import as_results, in_bin_sentence, purge_bin
from mlx_backend.cli.console import Console
from mlx_backend.cli.model_choice import fit_results, show_catalogue, show_found
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import list_adapters
from mlx_backend.library.bin import Bin, Binned
from mlx_backend.library.models import STARTER, BaseModel
from mlx_backend.library.models import list_models as all_models
from mlx_backend.library.this_machine import Machine
from mlx_backend.settings import load_settings


def list_models(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight models`: list the base models; with --remove, move one to the bin first.

    With --catalogue or --found, list what could be downloaded or adopted instead. When only
    listing, makes the starter model if it is missing, and lists downloads that are not done.
    """
    library = Library.open()
    if options.catalogue or options.found:
        show = show_catalogue if options.catalogue else show_found
        return show(all_models(library.models), Machine.here(), console)
    if options.remove is not None:
        item = _remove(library, options.remove, console)
        models = all_models(library.models, library.runs)
        return {"models": _as_results(models), "bin": as_results([item])}
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.models.starter import ensure_starter

    ensure_starter(library)
    models = all_models(library.models, library.runs)
    console.table(
        ["Name", "Model", "Size", "Licence", "Here", "From notes", "Thinks"],
        [
            (
                m.card.name,
                m.card.title,
                data_size(m.bytes),
                m.card.licence,
                fit_in_short(m.fit),
                "reads and answers" if m.reads else "quotes",
                "can" if thinks(m) else "no",
            )
            for m in models
        ],
    )
    if len(models) == 1:
        console.say("More to choose from: overnight models --catalogue, overnight models --found")
    return {"models": _as_results(models), **show_unfinished(library, console)}


def thinks(model: BaseModel) -> bool:
    """Whether the model can think aloud, as its trial found."""
    return model.card.abilities is not None and model.card.abilities.thinks


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
            "reads": m.reads,
            "thinks": thinks(m),
            "context": m.context,
            **fit_results(m.fit),
            "source": m.card.source,
            "parameters": m.card.parameters,
        }
        for m in models
    ]
