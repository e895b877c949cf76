"""Commands that give adapters away, take them in, and make one of several."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from mlx_backend.cli.console import Console
from mlx_backend.cli.waits import tell_wait, with_way_out
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.home import Library
from mlx_backend.protocol import StageBegan
from mlx_backend.protocol.merge_words import better_rank


def export(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight export NAME --format FORMAT --to PATH`."""
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
    from mlx_backend.adapters.exports.target import named_as_its_form
    from mlx_backend.cli.following import counting
    from mlx_backend.cli.sharing_gate import SharingGate

    library = Library.open()
    adapter = read_adapter(library.adapters, options.name)
    gate = SharingGate(library, adapter, "exported", options)
    order = ExportOrder(
        adapter.name,
        options.format,
        named_as_its_form(options.to, options.format),
        options.bits or 0,
        gate.despite_pages,
    )
    with counting() as tell:
        waits = partial(tell_wait, console)
        result = export_adapter(library, order, on_progress=tell, tell=waits)
    assert result is not None  # None only after a request to stop
    gate.show(result, console)
    console.say(
        f"Exported '{adapter.name}' to {order.to}. Read back and asked the same questions, its"
        f" logits differ by at most {result['max_logit_difference']:.1e}."
    )
    if "same_choice" in result:
        console.say(
            "It chooses the same next word as the adapter on its base in"
            f" {result['same_choice']:.1%} of the places compared."
        )
    return result


def receive(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight receive PATH --name NAME [--model M]`."""
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.cli.following import shown_progress
    from mlx_backend.receiving.receive import ReceiveOrder, Watch
    from mlx_backend.receiving.receive import receive as receive_adapter

    there = Path(options.source).expanduser().absolute()
    source = str(there) if there.exists() else options.source
    order = ReceiveOrder(source, options.name, options.model)
    with shown_progress() as progress:
        watch = Watch(
            on_stage=lambda stage: progress.show(StageBegan(stage=stage)),
            tell=lambda event: progress.show(with_way_out(event)),
        )
        result = receive_adapter(Library.open(), order, watch)
    console.say(f"Received '{result['adapter']}', an adapter for '{result['base']}'.")
    if result["signed_by"]:
        console.say(f"It is signed as “{result['signed_by']}”, key {result['fingerprint']}.")
    warnings = result["warnings"]
    assert isinstance(warnings, list)
    for warning in warnings:
        console.say(str(warning))
    return result


def merge(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight merge OUT NAME:WEIGHT NAME:WEIGHT ... [--rank R]`."""
    from mlx_backend.machine import accelerator

    accelerator.prepare()
    from mlx_backend.adapters.merging import merge as merge_adapters
    from mlx_backend.jobs.lane import Turn

    turn = Turn(partial(tell_wait, console))
    result = merge_adapters(Library.open(), options.out, options.parts, options.rank, turn)
    lost = (
        f" In this rank it is {result['lost']:.1%} away from their exact sum."
        if result["lost"]
        else " It answers as they do together."
    )
    console.say(f"Merged into '{result['adapter']}', of rank {result['rank']}.{lost}")
    hint = better_rank(result)
    if hint:
        console.say(hint)
    return result


def key(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight key [--make NAME]`: the key that bundles are signed with."""
    from mlx_backend.adapters.bundles.signing import make_key, read_key

    library = Library.open()
    found = read_key(library) if options.make is None else make_key(library, options.make)
    if found is None:
        console.say(
            'There is no key, so bundles are not signed. `overnight key --make "YOUR NAME"`'
            " makes one."
        )
        return {"by": None, "fingerprint": None}
    console.say(f"Bundles are signed as “{found.by}” with the key {found.fingerprint}.")
    return {"by": found.by, "fingerprint": found.fingerprint}
