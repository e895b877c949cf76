"""The person's key for signing bundles: Ed25519 (RFC 8032), in one file of the library."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from mlx_backend.adapters.bundles.manifest import Signature
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import sync_path
from mlx_backend.library.home import Library

_FILE = "signing-key.json"
_LONGEST_NAME = 80


class _Kept(msgspec.Struct, frozen=True):
    by: str
    private_key: str


@dataclass(frozen=True)
class SigningKey:
    """A key and the name that its owner signs with."""

    by: str
    key: Ed25519PrivateKey

    @property
    def fingerprint(self) -> str:
        """What tells this key from others; people compare it."""
        return fingerprint_of(self.key.public_key().public_bytes_raw().hex())

    def sign(self, data: bytes) -> Signature:
        """The signature of `data`."""
        public = self.key.public_key().public_bytes_raw().hex()
        signature = self.key.sign(_signed(self.by, public, data))
        return Signature(by=self.by, public_key=public, signature=signature.hex())


def fingerprint_of(public_key: str) -> str:
    """The first 32 digits of a public key (128 bits) in groups of four."""
    return " ".join(public_key[i : i + 4] for i in range(0, 32, 4))


def _signed(by: str, public_key: str, data: bytes) -> bytes:
    """What is signed: the manifest with the name and the key that sign it, for this use alone."""
    return b"\0".join((b"overnight bundle 1", by.encode(), public_key.encode(), data))


def holds(signature: Signature, data: bytes) -> bool:
    """Whether a signature is that of `data`, by the key that it names."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.public_key))
        signed = _signed(signature.by, signature.public_key, data)
        key.verify(bytes.fromhex(signature.signature), signed)
    except (ValueError, InvalidSignature):
        return False
    return True


def make_key(library: Library, by: str) -> SigningKey:
    """Make the library's key, for a name of the person's choice.

    Raises OvernightError when there is one already, or when the name is empty or too long.
    """
    name = " ".join(by.split())
    if problem := _problem_of(name):
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            f"No key was made: {problem}.",
            f"Give the name that others will see with what you sign, of up to {_LONGEST_NAME}"
            ' characters: `overnight key --make "YOUR NAME"`.',
        )
    made = SigningKey(name, Ed25519PrivateKey.generate())
    kept = _Kept(name, made.key.private_bytes_raw().hex())
    try:
        # Only its owner may ever have been able to read it: so not written beside and renamed.
        handle = os.open(_path(library), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise OvernightError(
            ErrorKind.BAD_INPUT,
            "There is a key already.",
            "Bundles are signed with it. To make another, move signing-key.json out of the"
            " library first; what it has signed stays valid.",
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(kept))
    sync_path(library.home)
    return made


def _problem_of(name: str) -> str:
    if not name:
        return "it needs a name"
    if len(name) > _LONGEST_NAME:
        return f"a name of {len(name):,} characters is too long"
    return "" if name.isprintable() else "there are invisible characters in its name"


def read_key(library: Library) -> SigningKey | None:
    """The library's key; None without one. Raises OvernightError when its file is damaged."""
    path = _path(library)
    if not path.exists():
        return None
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        return SigningKey(
            kept.by, Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept.private_key))
        )
    except (OSError, ValueError) as error:
        raise OvernightError(
            ErrorKind.LIBRARY_DAMAGED,
            "The key for signing bundles cannot be read.",
            f"Move {path} out of the library; bundles are then made without a signature.",
            str(error),
        ) from error


def _path(library: Library) -> Path:
    return library.home / _FILE
