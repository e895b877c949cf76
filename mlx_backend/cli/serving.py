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
        told = {"address": started.address, "token": started.token, "model": name}
        console.begin({**told, "token_kept": started.token_kept})
        console.say(f"Address: {started.address}")
        console.say(f"Token:   {started.token}")
        console.say(f"Model:   {name}")
        console.say("\nIn Python, with OpenAI's client:\n")
        console.say(f"  {client_line(started)}\n")
        console.note(_KEPT if started.token_kept else _NOT_KEPT)
        console.note("Only programs of this computer reach it. Ctrl-C ends it.")

    port = settings.server_port if options.port is None else options.port
    serve_library(library, answerer, port, announce, options.until_input_ends, options.new_token)
    return {"ended": True}


def client_line(started: Started) -> str:
    """The line of Python that makes a client for the server."""
    return f'client = OpenAI(base_url="{started.address}", api_key="{started.token}")'
