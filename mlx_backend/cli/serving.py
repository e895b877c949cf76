"""The command that lets other programs of this machine ask."""

from __future__ import annotations

import argparse

from mlx_backend.cli.console import Console
from mlx_backend.library.adapters import read_adapter
from mlx_backend.library.home import Library
from mlx_backend.private_data.redacting import log_to_stderr
from mlx_backend.serving.model_names import Known, chosen
from mlx_backend.serving.server import Started
from mlx_backend.serving.server import serve as serve_library
from mlx_backend.settings import load_settings

_KEPT = (
    "The token is kept in this computer's keyring and stays the same; --new-token makes another."
)
_NOT_KEPT = "No keyring of this computer keeps the token, so it is another at each start."
_OLD_MAY_RETURN = (
    "Nor could the old token be removed, so it may count again at a later start. Unlock the"
    " keyring, then use --new-token once more."
)


def serve(options: argparse.Namespace, console: Console) -> dict[str, object]:
    """`overnight serve`: tell address and token, then answer until it is ended."""
    library = Library.open()
    adapters = [(read_adapter(library.adapters, name), w) for name, w in options.adapters]
    known = Known.of(library)
    settings = load_settings(library.settings)
    answerer = chosen(options.model, adapters, known, settings.base_model)
    name = known.name_of(answerer)
    log_to_stderr()

    def announce(started: Started) -> None:
        told: dict[str, object] = {
            "address": started.address,
            "token": started.token,
            "model": name,
            "token_kept": started.token_kept,
            "old_token_may_return": started.old_may_return,
        }
        console.begin(told)
        console.say(f"Address: {started.address}")
        console.say(f"Token:   {started.token}")
        console.say(f"Model:   {name}")
        console.say("\nIn Python, with OpenAI's client:\n")
        console.say(f"  {client_line(started)}\n")
        console.note(_KEPT if started.token_kept else _NOT_KEPT)
        if started.old_may_return:
            console.note(_OLD_MAY_RETURN)
        console.note("Only programs of this computer reach it. Ctrl-C ends it.")

    port = settings.server_port if options.port is None else options.port
    serve_library(library, answerer, port, announce, options.until_input_ends, options.new_token)
    return {"ended": True}


def client_line(started: Started) -> str:
    """The line of Python that makes a client for the server."""
    return f'client = OpenAI(base_url="{started.address}", api_key="{started.token}")'
