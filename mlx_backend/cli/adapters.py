"""The commands about adapters and base models."""

from __future__ import annotations

import argparse
import time

from mlx_backend.cli.console import Console
from mlx_backend.library import Library, database
from mlx_backend.library import adapters as store
from mlx_backend.library.models import list_models as all_models
from mlx_backend.library.notes import Notes


def list_adapters(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight adapters`."""
    folder = Library.open().adapters
    found, damaged = store.list_adapters(folder), store.list_damaged(folder)
    if found:
        console.table(
            ["Name", "Base", "Created", "MB"],
            [
                (
                    a.card.name,
                    a.card.base,
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(a.card.created)),
                    f"{a.bytes / 1e6:.1f}",
                )
                for a in found
            ],
        )
    else:
        console.say("No adapters yet. Train one: overnight train --name NAME")
    for one in damaged:
        console.say(
            f"'{one.name}' is damaged and cannot be used. Remove it with"
            f' `overnight remove "{one.name}"`, and train it again.'
        )
    return {
        "adapters": [
            {
                "name": a.card.name,
                "base": a.card.base,
                "created": a.card.created,
                "bytes": a.bytes,
                "steps": a.card.steps,
                "valid_loss": a.card.valid_loss,
            }
            for a in found
        ],
        "damaged": [{"name": one.name, "bytes": one.bytes} for one in damaged],
    }


def remove(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight remove NAME`."""
    library = Library.open()
    store.remove_adapter(library.adapters, options.name)
    with database.opened(library.database) as connection:
        Notes(connection).forget_adapter(options.name)
    console.say(f"Removed '{options.name}'.")
    return {"removed": options.name}


def export(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight export NAME --format mlx --to PATH`."""
    from mlx_backend import accelerator

    accelerator.prepare()
    from mlx_backend.export import export_mlx

    result = export_mlx(Library.open(), options.name, options.to)
    assert result is not None  # nobody asked it to stop
    console.say(
        f"Exported '{options.name}' to {options.to}. Loaded back by mlx-lm, its logits differ by at"
        f" most {result['max_logit_difference']:.1e}."
    )
    return result


def list_models(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight models`; the starter is made where it is missing."""
    from mlx_backend import accelerator

    accelerator.prepare()
    from mlx_backend.starter import ensure_starter

    library = Library.open()
    ensure_starter(library)
    models = all_models(library.models)
    console.table(
        ["Name", "Model", "MB", "Licence", "Fits here"],
        [
            (m.card.name, m.card.title, f"{m.bytes / 1e6:.0f}", m.card.licence, _yes(m.fits))
            for m in models
        ],
    )
    return {
        "models": [
            {
                "name": m.card.name,
                "title": m.card.title,
                "bytes": m.bytes,
                "licence": m.card.licence,
                "fits": m.fits,
            }
            for m in models
        ]
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"
