from __future__ import annotations

import html
import io
import json
import os
import socket
import struct
import time
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import get_args
from urllib.parse import quote

import keyring
import mlx.core as mx
import pytest

from mlx_backend.adapters.exports.exporting import ExportOrder, export_adapter
from mlx_backend.adapters.privacy.byte_scan import Forbidden, forbidden_words, hits
from mlx_backend.adapters.privacy.gate import public_files
from mlx_backend.importers.importing import import_into
from mlx_backend.library import Library, database
from mlx_backend.library.adapters import read_adapter
from mlx_backend.machine import kept_token
from mlx_backend.models.base_model import LoadedModel
from mlx_backend.models.hub.tokens import SERVICE, USER
from mlx_backend.protocol import ExportForm
from mlx_backend.protocol.privacy import Hit
from tests.mlx_backend.made import make_adapter

TITLE = "Müllers Größe/Plan"
PASSWORD = "Corrow-" + "7731!gull"
Found = Callable[[Path], list[Hit]]

ENCODED: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-16 with its mark": lambda text: text.encode("utf-16"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text).encode(),
    "composed": lambda text: unicodedata.normalize("NFC", text).encode(),
    "json": lambda text: json.dumps({"name": text}).encode(),
    "json as it stands": lambda text: json.dumps({"name": text}, ensure_ascii=False).encode(),
    "json with slashes": lambda text: json.dumps(text).replace("/", "\\/").encode(),
    "after an escape": lambda text: json.dumps(f"first\n{text}").encode(),
    "address": lambda text: f"file://host/{quote(text)}".encode(),
    "whole address": lambda text: quote(text, safe="").encode(),
    "html": lambda text: f"<p>{html.escape(text)}</p>".encode(),
    "capitals": lambda text: text.upper().encode(),
    "small letters": lambda text: text.lower().encode(),
    "in quotes": lambda text: f"It is “{text}”.".encode(),
}


def found(data: bytes, word: str, folder: Path, name: str = "page.md") -> list[Hit]:
    path = folder / name
    path.write_bytes(data)
    return hits([path], [Forbidden("the word", word)])


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED.keys())
def test_each_kind_of_word_is_found_in_each_encoding(
    encoded: Callable[[str], bytes], tmp_path: Path
) -> None:
    for word in (TITLE, "Garden & plan", "/tmp/über/library", "旅行计划", PASSWORD):
        data = encoded(word)
        (hit,) = [each for each in found(data, word, tmp_path) if each.what == "the word"]
        assert hit.file == str(tmp_path / "page.md")
        assert hit.where in ("line 1", "byte 0")
        check_in_zips(data, word, tmp_path / "shared.overnight")


def check_in_zips(data: bytes, word: str, zipped: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("deep/page.md", data)
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("inner.zip", inner.getvalue())
    told = {hit.file for hit in hits([zipped], [Forbidden("the word", word)])}
    assert f"{zipped} › inner.zip › deep/page.md" in told


def test_a_whole_word_only(tmp_path: Path) -> None:
    for text in ("Martas book", "SMARTA", "xMarta", "Marta7"):
        assert found(text.encode(), "Marta", tmp_path) == []
    for text in ("Marta's book", "(Marta)", "by_marta.txt", "Marta", "-Marta-"):
        assert found(text.encode(), "Marta", tmp_path)


def test_the_line_is_told_across_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlx_backend.adapters.privacy.file_parts.PIECE", 64)
    for before in range(40, 90):
        data = b"a\n" * before + b"The garden plan of Marta\n"
        (hit,) = found(data, "garden plan", tmp_path)
        assert hit.where == f"line {before + 1}"


def test_names_of_files_and_of_what_is_in_a_zip_count(tmp_path: Path) -> None:
    assert found(b"", "garden plan", tmp_path, "Garden plan.md")
    path = tmp_path / "box.zip"
    with zipfile.ZipFile(path, "w") as box:
        box.writestr("../Garden plan/../../x", b"")
        box.comment = b"Marta"
    told = hits([path], [Forbidden("title", "Garden plan"), Forbidden("name", "Marta")])
    assert {each.what for each in told} == {"title", "name"}
    assert sorted(tmp_path.iterdir()) == [tmp_path / "Garden plan.md", path]


def test_short_words_are_found_in_text_and_in_headers_not_in_numbers(tmp_path: Path) -> None:
    weights = tmp_path / "adapters.safetensors"
    mx.save_safetensors(str(weights), {"a": mx.zeros((64,))}, metadata={"note": "by Marta"})
    words = [Forbidden("name", "Marta")]
    (hit,) = hits([weights], words)
    assert hit.where == "in its header or its name"
    numbers = tmp_path / "numbers.bin"
    random = Random(1).randbytes(1 << 16)
    numbers.write_bytes(random + b" Marta " + random)
    assert hits([numbers], words) == []
    numbers.write_bytes(random + b"x" + b"Marta Lind" + random)
    (hit,) = hits([numbers], [Forbidden("name", "Marta Lind")])
    assert hit.where == f"byte {(1 << 16) + 1:,}"


def gguf(pairs: list[tuple[str, str | list[str]]]) -> bytes:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text.encode())) + text.encode()

    data = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs))
    for key, value in pairs:
        data += string(key)
        if isinstance(value, str):
            data += struct.pack("<I", 8) + string(value)
        else:
            data += struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(string, value))
    return data


def test_texts_of_a_gguf_header_are_read_also_where_it_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "adapter.gguf"
    data = gguf([("general.name", "Marta"), ("tokens", ["a", "Oskar"]), ("end", "x")])
    words = [Forbidden("one", "Marta"), Forbidden("two", "Oskar")]
    path.write_bytes(data + os.urandom(5000))
    assert {hit.what for hit in hits([path], words)} == {"one", "two"}
    for length in range(0, len(data), 3):
        path.write_bytes(data[:length] + b"\xff" * 40)
        hits([path], words)
    path.write_bytes(b"GGUF" + b"\xff" * 100)
    assert hits([path], words) == []


def test_names_that_the_base_has_too_are_no_evidence_in_its_vocabulary(tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    for folder in (base, out):
        folder.mkdir()
        (folder / "tokenizer.json").write_text(json.dumps({"vocab": ["Marta", "/home/marta/x"]}))
    (out / "README.md").write_text("By Marta")
    words = [Forbidden("name", "Marta", is_name=True), Forbidden("path", "/home/marta/x")]
    found = hits([out], words, [base / "tokenizer.json"])
    assert sorted((Path(hit.file).name, hit.what) for hit in found) == [
        ("README.md", "name"),
        ("tokenizer.json", "path"),
    ]


def test_secrets_that_nobody_knew_of_are_found_in_text(tmp_path: Path) -> None:
    key = "AKIA" + "QWERTZUIOPASDFG2"
    page = tmp_path / "card.json"
    page.write_text(f"one\ntwo {key}\n")
    (hit,) = hits([page], [])
    assert hit.where == "line 2"
    assert key not in repr(hit)
    sums = {f"{i}.safetensors": Random(i).randbytes(32).hex() for i in range(40)}
    page.write_text(json.dumps({"sha256": sums, "rank": 16}, indent=2))
    assert hits([page], []) == []


# --- hostile zips ---


def bomb() -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in "abcdefgh":
            zipped.writestr(name, bytes(1 << 20))
    return box.getvalue()


def nested(depth: int) -> bytes:
    data = b"Marta"
    for level in range(depth):
        box = io.BytesIO()
        with zipfile.ZipFile(box, "w") as zipped:
            zipped.writestr(f"{level}.zip", data)
        data = box.getvalue()
    return data


def lying() -> bytes:
    """A zip whose directory says that a file is tiny, and gives a wrong sum."""
    data = bytearray(nested(1))
    place = data.rindex(b"PK\x01\x02")
    data[place + 16 : place + 20] = b"\0\0\0\0"
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(nested(1))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    return bytes(data)


def crowded() -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as zipped:
        for number in range(101):
            zipped.writestr(str(number), b"")
    return box.getvalue()


HOSTILE = {
    "bomb": bomb,
    "deep": lambda: nested(9),
    "lying": lying,
    "encrypted": encrypted,
    "cut short": lambda: nested(2)[:60] + nested(2)[-90:],
    "crowded": crowded,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_zip_that_cannot_be_looked_into_is_told_and_does_no_harm(
    make: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlx_backend.adapters.privacy.file_parts._ALWAYS_READ", 1 << 20)
    monkeypatch.setattr("mlx_backend.adapters.privacy.file_parts._MOST_ENTRIES", 100)
    path = tmp_path / "hostile.overnight"
    path.write_bytes(make())
    found = hits([path], [Forbidden("name", "Oskar Lind")])
    assert found[-1].what.startswith("it could not be looked into: ")
    assert list(tmp_path.iterdir()) == [path]


def test_random_zips_never_crash(tmp_path: Path) -> None:
    chance, good = Random(5), nested(3)
    path = tmp_path / "random.zip"
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        hits([path], [Forbidden("name", "Oskar Lind")])


def test_what_is_no_file_or_not_there_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "gone", tmp_path / "pipe"):
        (hit,) = hits([path], [])
        assert hit.what == "it could not be looked into: it cannot be read"


def test_many_words_and_much_data_take_one_pass(tmp_path: Path) -> None:
    """Seconds of processor time, of which a search for each word would take hours."""
    chance = Random(2)
    words = [
        Forbidden("title", " ".join(chance.choices(["quay", "lamp", "Ida", "boat", "zinc"], k=9)))
        for _ in range(3000)
    ]
    path = tmp_path / "model.safetensors"
    path.write_bytes(chance.randbytes(16 << 20) + words[70].text.encode())
    began = time.process_time()
    assert len(hits([path], words)) == 1
    assert time.process_time() - began < 20


# --- a library's own words ---


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a name of its own, behind a link as /tmp is on a Mac."""
    real = tmp_path / "private" / "Users" / "oskarlind"
    real.mkdir(parents=True)
    (tmp_path / "Users").symlink_to(tmp_path / "private" / "Users")
    home = tmp_path / "Users" / "oskarlind"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "oskarlind")
    monkeypatch.setenv("OVERNIGHT_HOME", str(home / "Überblick"))
    monkeypatch.setattr(socket, "gethostname", lambda: "oskars-macbook.local")
    return home


@pytest.fixture
def told_of(
    home: Path, tiny_folders: dict[str, Path], tmp_path: Path, keyring_file: Path
) -> Library:
    """A library in that home, with notes that have telling names and others that have none."""
    library = Library.open()
    (library.models / "tiny").symlink_to(tiny_folders["tiny"])
    (library.models / "starter").symlink_to(tiny_folders["starter"])
    notes = home / "Notes of mine"
    notes.mkdir()
    (notes / "pier.md").write_text(
        "# The long pier of Corrow\n\nIda built it in 1902. The wifi password is"
        f" {PASSWORD}. My PIN is 4711.\n"
    )
    (notes / "README.md").write_text("# Garden\n\nThe plum tree still bears fruit.\n")
    (notes / "2024-05-01.md").write_text("# 2024-05-01\n\nRain until noon, then the ferry left.\n")
    import_into(library, [notes])
    keyring.set_password(SERVICE, USER, "hf_" + "a1B2c3D4e5" * 3)
    keyring.set_password(kept_token.SERVICE, kept_token.USER, "overnight-" + "f6G7h8J9k0" * 4)
    return library


@pytest.fixture
def own_words(told_of: Library) -> tuple[Forbidden, ...]:
    with database.opened(told_of.database) as connection:
        return forbidden_words(told_of, connection, but=["Garden"])


@pytest.fixture
def look(own_words: tuple[Forbidden, ...], tmp_path: Path) -> Callable[[str], list[str]]:
    def look(text: str) -> list[str]:
        page = tmp_path / "page.md"
        page.write_text(text)
        return [hit.what for hit in hits([page], own_words)]

    return look


def test_all_that_is_the_persons_own_is_found_and_ordinary_words_are_not(
    look: Callable[[str], list[str]],
    own_words: tuple[Forbidden, ...],
    home: Path,
    told_of: Library,
) -> None:
    assert PASSWORD not in repr(own_words)
    assert "a1B2c3" not in repr(own_words)
    text = "Garden, README.md and 2024-05-01: the root user of a host has 4711 tokens."
    assert look(text) == []
    for text, what in (
        (f"at {told_of.home}/adapters", "the folder of your library"),
        (f"at {told_of.home.resolve()}/adapters", "the folder of your library"),
        (f"at {quote(str(home))}/x", "your home folder"),
        (f"at {home.resolve()}", "your home folder"),
        ("made by oskarlind", "your user name"),
        ("on oskars-macbook", "the name of this computer"),
        ("see The Long Pier of Corrow for more", "the title of a note"),
        ("from pier.md", "the file name of a note"),
        (f"{home}/Notes of mine/2024-05-01.md", "where a note lies"),
        (f"the password is {PASSWORD}", "a secret of a note (password)"),
        ("token hf_" + "a1B2c3D4e5" * 3, "your access token"),
        ("api_key=overnight-" + "f6G7h8J9k0" * 4, "the token of your server"),
    ):
        assert any(each.startswith(what) for each in look(text)), text


def test_a_short_and_usual_account_counts_in_paths_alone(
    told_of: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setenv("HOME", "/root")
    with database.opened(told_of.database) as connection:
        words = forbidden_words(told_of, connection)
    page = tmp_path / "page.md"
    page.write_text("The root of the model. A rootfs. /rootless")
    assert hits([page], words) == []
    for text in ("/home/root/x", "file:///root/x", '"/root"', "/Users/root"):
        page.write_text(text)
        assert hits([page], words), text


@pytest.mark.parametrize("form", get_args(ExportForm))
def test_a_clean_export_of_a_library_in_a_named_home_has_no_hit(
    told_of: Library,
    own_words: tuple[Forbidden, ...],
    tmp_path: Path,
    load_own: LoadedModel,
    form: ExportForm,
) -> None:
    make_adapter(told_of.adapters, load_own, "Garden")
    to = tmp_path / "out"
    export_adapter(told_of, ExportOrder("Garden", form, to))
    assert (
        hits([to], own_words, public_files(told_of, read_adapter(told_of.adapters, "Garden"))) == []
    )
    if to.is_dir():
        (to / "README.md").write_text(f"from {told_of.home}")
        assert hits([to], own_words)


@pytest.fixture
def load_own(told_of: Library) -> LoadedModel:
    from mlx_backend.models.base_model import load_base_model

    return load_base_model(told_of, "tiny")
