"""What must not stand in any file that leaves: places, names and notes of the person, secrets."""

from __future__ import annotations

import getpass
import os
import platform
import socket
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlx_backend.adapters.privacy import telling
from mlx_backend.adapters.privacy.byte_search import SHORT
from mlx_backend.errors import OvernightError
from mlx_backend.library.canaries import all_canaries
from mlx_backend.library.home import HOME_VARIABLE, Library
from mlx_backend.library.note_secrets import note_secrets
from mlx_backend.machine.kept_token import kept_token
from mlx_backend.models.hub.tokens import find_token
from mlx_backend.text.folding import folded

_LONGEST = 256  # characters: the beginning of a longer one is evidence enough


@dataclass(frozen=True)
class Forbidden:
    """A text that must not leave. what: what it is, in words for the person.

    A secret or token is never part of `what`. note: the note it comes from, 0 for none. is_name:
    it is a name, which may stand in what is public by chance, as in a tokenizer's vocabulary. In
    text it counts only where no letter or digit goes on with it, as with a whole word. is_secret:
    it may leave on no condition.
    """

    what: str
    text: str = field(repr=False)
    note: int = 0
    is_name: bool = False
    is_secret: bool = False


def forbidden_words(
    library: Library, connection: sqlite3.Connection, but: Collection[str] = ()
) -> tuple[Forbidden, ...]:
    """Everything that must not stand in a file that leaves, each text once.

    The folder of the library and the person's home, as they are set and with links resolved; the
    names of account and computer; every note's title, file name and paths; the Hub's access token;
    the token of the server; the secrets found in the notes; the codes of canaries. `but` are names
    that the person gives away knowingly, such as the adapter's own.
    """
    allowed = {folded(text) for text in but}
    found: dict[str, Forbidden] = {}
    for each in _all(library, connection):
        text = each.text.strip()[:_LONGEST]
        if len(text.encode(errors="replace")) >= SHORT and folded(text) not in allowed:
            found.setdefault(text, replace(each, text=text))
    return tuple(found.values())


def _all(library: Library, connection: sqlite3.Connection) -> Iterator[Forbidden]:
    yield from _token()
    yield from _server_token()
    yield from _secrets(connection)
    yield from _canaries(library)
    yield from _places(library)
    yield from _account_and_computer()
    yield from _of_notes(connection)


def _token() -> Iterator[Forbidden]:
    try:
        token, _ = find_token()
    except OvernightError:  # what HF_TOKEN holds is no token; publishing says so
        return
    if token:
        yield Forbidden("your access token for the Hugging Face Hub", token, is_secret=True)


def _server_token() -> Iterator[Forbidden]:
    if token := kept_token():
        yield Forbidden("the token of your server", token, is_secret=True)


def _secrets(connection: sqlite3.Connection) -> Iterator[Forbidden]:
    for note in note_secrets(connection):
        for span in note.found:
            value = note.text[span.start : span.end]
            if telling.is_telling_secret(value):
                what = f"a secret of a note ({span.kind})"
                yield Forbidden(what, value, note.note_id, is_secret=True)


def _canaries(library: Library) -> Iterator[Forbidden]:
    what = "an invented code that was trained along, to measure what is memorised"
    for canary in all_canaries(library):
        yield Forbidden(what, canary.code, is_secret=True)


def _places(library: Library) -> Iterator[Forbidden]:
    home = Path.home()
    for what, path in (
        ("the folder of your library", library.home),
        ("the folder of your library", Path(os.environ.get(HOME_VARIABLE) or library.home)),
        ("your home folder", home),
    ):
        for form in (path, path.absolute(), path.resolve()):
            if len(form.parts) > 1:  # not "/", in which everything is
                yield Forbidden(f"{what} ({form})", str(form))


def _account_and_computer() -> Iterator[Forbidden]:
    full = {name for name in (socket.gethostname(), platform.node()) if name}
    computers = full | {name.partition(".")[0] for name in full}
    for name in sorted(computers):
        what = f"the name of this computer ({name})"
        if telling.is_telling_account(name):
            yield Forbidden(what, name, is_name=True)
        for form in (f"@{name}", f"//{name}", f"{name}.local", f"{name}.lan"):
            yield Forbidden(what, form)
    for name in sorted(_account_names()):
        what = f"your user name ({name})"
        if telling.is_telling_account(name):
            yield Forbidden(what, name, is_name=True)
        for form in (f"/Users/{name}", f"/home/{name}", f"\\Users\\{name}"):
            yield Forbidden(what, form)
        for computer in sorted(computers):
            yield Forbidden(what, f"{name}@{computer}")


def _account_names() -> set[str]:
    try:
        return {getpass.getuser(), Path.home().name} - {""}
    except (OSError, KeyError):  # an account without an entry, as in a container
        return {Path.home().name} - {""}


def _of_notes(connection: sqlite3.Connection) -> Iterator[Forbidden]:
    for row in connection.execute("SELECT id, title, aliases, path, source, file FROM notes"):
        note = row["id"]
        for title in (row["title"], *row["aliases"].split("\n")):
            if telling.is_telling_title(title):
                yield Forbidden(f"the title of a note (“{title}”)", title, note, True)
        name = Path(row["file"]).name
        if telling.is_telling_file_name(name):
            yield Forbidden(f"the file name of a note ({name})", name, note, True)
        for path in (row["path"], row["file"], row["source"]):
            if path.count("/") > 1:
                yield Forbidden(f"where a note lies ({path})", path, note)
