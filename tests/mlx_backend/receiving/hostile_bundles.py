"""Bundles as someone with bad intent, or a broken program, would make them.

Each function gets a good bundle, signed, and spoils it.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from mlx_backend.adapters.bundles.manifest import MANIFEST, SIGNATURE, Manifest
from tests.mlx_backend.receiving.hostile import MLX, Spoil, nested


def entries(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(bundle: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(bundle, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def as_data(make: Callable[[bytes], bytes]) -> Spoil:
    def spoil(bundle: Path) -> None:
        bundle.write_bytes(make(bundle.read_bytes()))

    return spoil


def with_entries(change: Callable[[dict[str, bytes]], object]) -> Spoil:
    def spoil(bundle: Path) -> None:
        files = entries(bundle)
        change(files)
        rewrite(bundle, files)

    return spoil


def in_manifest(**values: Any) -> Spoil:
    def change(files: dict[str, bytes]) -> None:
        files[MANIFEST] = json.dumps(json.loads(files[MANIFEST]) | values).encode()

    return with_entries(change)


def other_weights(files: dict[str, bytes]) -> None:
    data = bytearray(files[f"mlx/{MLX}"])
    data[-1] ^= 1
    files[f"mlx/{MLX}"] = bytes(data)


def unlisted(files: dict[str, bytes]) -> None:
    manifest = msgspec.json.decode(files[MANIFEST], type=Manifest)
    files[MANIFEST] = msgspec.json.encode(msgspec.structs.replace(manifest, files=()))


def link_entry(bundle: Path) -> None:
    files = entries(bundle)
    files.pop(f"mlx/{MLX}")
    rewrite(bundle, files)
    with zipfile.ZipFile(bundle, "a") as archive:
        entry = zipfile.ZipInfo(f"mlx/{MLX}")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")


def bomb(bundle: Path) -> None:
    files = entries(bundle)
    files[f"mlx/{MLX}"] = b"\0" * (256 << 20)
    rewrite(bundle, files, zipfile.ZIP_DEFLATED)


def lying_size(bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(f"mlx/{MLX}".encode()))
    data[at + 24 : at + 28] = struct.pack("<I", 10)  # the uncompressed size in the directory
    bundle.write_bytes(bytes(data))


def encrypted(bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 8] |= 1
    bundle.write_bytes(bytes(data))


def many_entries(bundle: Path) -> None:
    with zipfile.ZipFile(bundle, "a") as archive:
        for number in range(10_001):
            archive.writestr(f"more/{number}", b"")


def twice_in_zip(bundle: Path) -> None:
    files = entries(bundle)
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.fp.seek(0, 2)  # type: ignore[union-attr]
        archive.NameToInfo.clear()
        archive.writestr(f"mlx/{MLX}", files[f"mlx/{MLX}"])


def moved(prefix: str) -> Spoil:
    def change(files: dict[str, bytes]) -> None:
        for name in [name for name in files if name.startswith(("mlx/", "peft/"))]:
            files[f"{prefix}{name}"] = files.pop(name)

    return with_entries(change)


def packed_by(method: int) -> Spoil:
    def spoil(bundle: Path) -> None:
        files = entries(bundle)
        files[f"mlx/{MLX}"] = b"\0" * (64 << 20)
        rewrite(bundle, files, method)

    return spoil


def endless_list(bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 1 << 31)
    bundle.write_bytes(bytes(data))


def signed_by_another(files: dict[str, bytes]) -> None:
    files[SIGNATURE] = json.dumps(json.loads(files[SIGNATURE]) | {"by": "Somebody else"}).encode()


def other_half(files: dict[str, bytes]) -> None:
    """The form that is not taken is changed, not the one that is."""
    name = next(name for name in files if name.startswith("peft/") and name.endswith("tensors"))
    data = bytearray(files[name])
    data[-1] ^= 1
    files[name] = bytes(data)


def added(name: str) -> Spoil:
    return with_entries(lambda files: files.update({name: b"x"}))


BUNDLES: dict[str, Spoil] = {
    "changed where nothing is taken": with_entries(other_half),
    "one more entry that leads out": added("../../PWNED"),
    "one more entry of Windows": added("mlx\\..\\..\\evil.txt"),
    "one more absolute entry": added("/abs/evil"),
    "packed by bzip2": packed_by(zipfile.ZIP_BZIP2),
    "packed by LZMA": packed_by(zipfile.ZIP_LZMA),
    "a list of two gigabytes": endless_list,
    "signed in another name": with_entries(signed_by_another),
    "cut short": as_data(lambda data: data[:-100]),
    "random bytes in a bundle": as_data(lambda _: os.urandom(5_000)),
    "an empty bundle": as_data(lambda _: b""),
    "names that lead out": moved("../"),
    "absolute names": moved("/tmp/"),
    "names of Windows": moved("..\\"),
    "a link in the bundle": link_entry,
    "a bomb": bomb,
    "a size that is a lie": lying_size,
    "encrypted": encrypted,
    "ten thousand entries": many_entries,
    "an entry twice": twice_in_zip,
    "without a manifest": with_entries(lambda files: files.pop(MANIFEST)),
    "a manifest that is no JSON": with_entries(lambda f: f.update({MANIFEST: b"{"})),
    "a manifest nested deeply": with_entries(
        lambda f: f.update({MANIFEST: nested(10_000).encode()})
    ),
    "a manifest of megabytes": with_entries(lambda f: f.update({MANIFEST: b" " * (5 << 20)})),
    "a manifest of another program": in_manifest(format="another-bundle"),
    "a manifest of a later version": in_manifest(version=99),
    "a manifest without a base": in_manifest(base=None),
    "a manifest with numbers for names": in_manifest(name=7),
    "weights that were changed": with_entries(other_weights),
    "files that are not listed": with_entries(unlisted),
    "a configuration that was changed": with_entries(
        lambda f: f.update({"mlx/adapter_config.json": b'{"fine_tune_type": "full"}'})
    ),
    "a signature that is no JSON": with_entries(lambda f: f.update({SIGNATURE: b"x"})),
    "a signature without a key": with_entries(
        lambda f: f.update({SIGNATURE: b'{"by":"Ana","public_key":"","signature":""}'})
    ),
    "a signature of something else": with_entries(
        lambda f: f.update(
            {SIGNATURE: json.dumps(json.loads(f[SIGNATURE]) | {"signature": "00" * 64}).encode()}
        )
    ),
    "a signed manifest that was changed": in_manifest(name="Somebody else's"),
}
