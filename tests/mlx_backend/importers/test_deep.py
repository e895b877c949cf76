"""Extremely deep nesting in any format: only the file itself is skipped."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mlx_backend.importers.importing import import_into, import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.read_files import ImportOutcome
from mlx_backend.library import Library, database
from mlx_backend.library.folders import Folders
from mlx_backend.library.notes import Notes
from tests.mlx_backend.deep import deep_folder

N = 5_000


def nested(before: str, after: str, within: str = "deep words") -> str:
    return before * N + within + after * N


def mail() -> str:
    parts = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(500))
    return f"From: a@b.c\nSubject: deep\n{parts}Content-Type: text/plain\n\nhello\n"


def zips() -> bytes:
    data, name = b"# Inside\n\nSome words.\n", "note.md"
    for _ in range(40):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, data)
        data, name = packed.getvalue(), "inner.zip"
    return data


def odt(within: str) -> bytes:
    names = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    names += ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", f"<office:body {names}>{within}</office:body>")
    return packed.getvalue()


HOSTILE: dict[str, Callable[[], str | bytes]] = {
    "lists.json": lambda: nested("[", "]", "1"),
    "objects.json": lambda: nested('{"a":', "}", "1"),
    "lines.jsonl": lambda: nested('{"a":', "}", "1") + "\n",
    "notebook.ipynb": lambda: '{"cells": ' + nested("[", "]", "1") + ', "nbformat": 4}',
    "divs.html": lambda: nested("<div>", "</div>"),
    "lists.html": lambda: nested("<ul><li>", "</li></ul>"),
    "quotes.html": lambda: nested("<blockquote>", "</blockquote>"),
    "tables.html": lambda: nested("<table><tr><td>", "</td></tr></table>"),
    "outline.opml": lambda: (
        "<opml><body>" + nested('<outline text="x">', "</outline>", "") + "</body></opml>"
    ),
    "feed.atom": lambda: (
        '<feed xmlns="http://www.w3.org/2005/Atom">' + nested("<x>", "</x>") + "</feed>"
    ),
    "notes.enex": lambda: (
        "<en-export><note><title>T</title><content><![CDATA[<en-note>"
        + nested("<div>", "</div>")
        + "</en-note>]]></content></note></en-export>"
    ),
    "quotes.md": lambda: nested(">", "") + "\n\n" + nested("- ", "") + "\n\n" + nested("[", "]"),
    "front.md": lambda: f"---\na: {nested('[', ']', '1')}\n---\nText\n",
    "heads.org": lambda: "".join("*" * i + " head\n" for i in range(1, 1_500)),
    "mail.eml": mail,
    "letters.eml": lambda: (
        "From: a@b.c\nContent-Type: message/rfc822\n\n" * 500 + "Subject: in\n\nhello\n"
    ),
    "groups.rtf": lambda: "{\\rtf1 " + nested("{", "}") + "}",
    "sections.odt": lambda: odt(nested("<text:section>", "</text:section>")),
    "spans.odt": lambda: odt(f"<text:p>{nested('<text:span>', '</text:span>')}</text:p>"),
    "inner.zip": zips,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# First\n\nThe boat is red.\n")
    (tmp_path / "notes" / "zz.md").write_text("# Last\n\nThe lamp is green.\n")
    return tmp_path / "notes"


def test_deep_content_costs_its_file_at_most(
    notes: Notes, counter: TokenCounter, folder: Path
) -> None:
    for name, content in HOSTILE.items():
        data = content()
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    outcome = import_paths(notes, counter, [folder])
    assert {"First", "Last"} <= {note.title for note in notes.summaries()}
    read = {note.path for note in notes.summaries()}
    told = {path for path, _ in outcome.skipped}
    for name in HOSTILE:  # each was read, or is told with a reason
        assert any(path.startswith(str(folder / name)) for path in read | told), name
    assert json.dumps(outcome.as_result())
    assert not any("INTERNAL" in reason or not reason for _, reason in outcome.skipped)


def test_a_note_deeper_than_calls_is_imported_curated_and_shown(
    tiny_library: Library, folder: Path
) -> None:
    def imported() -> ImportOutcome:
        return import_into(tiny_library, [folder])

    with deep_folder(folder) as deepest:
        (deepest / "deep.md").write_text("# Deep\n\nThe anchor lies on the ground.\n")
        outcome = imported()
        assert (outcome.added, outcome.skipped) == (3, [])
        assert (imported().unchanged, imported().removed) == (3, 0)
        with database.opened(tiny_library.database) as connection:
            level, depth = Folders(connection).children(str(folder)), 0
            while level:
                (below,) = level
                level, depth = Folders(connection).children(below.path), depth + 1
        assert depth == 1_100
    assert imported().removed == 1


def test_what_no_path_can_name_stops_nothing(tiny_library: Library, folder: Path) -> None:
    with deep_folder(folder, 3_000):
        outcome = import_into(tiny_library, [folder])
        assert outcome.added == 2
        ((path, reason),) = outcome.skipped
        assert len(path) > 3_000
        assert "too long for the system" in reason
