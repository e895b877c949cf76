"""What a bundle says of itself: manifest.json, the sums of its files, and who signed it.

A bundle is a zip file:

    manifest.json                    this module's `Manifest`
    signature.json                   `Signature` of manifest.json's bytes, where there is a key
    README.md                        the page about the adapter
    NOTICE, base-licence/            what the base model's licence wants to lie beside
    mlx/adapters.safetensors         the adapter for mlx-lm, and
    mlx/adapter_config.json
    peft/adapter_model.safetensors   the same for PEFT, where PEFT has such a form
    peft/adapter_config.json

Every file but the first two is listed in the manifest with its SHA-256 sum.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

SUFFIX = ".overnight"
FORMAT = "overnight-bundle"
VERSION = 1

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"


class ListedFile(Struct, frozen=True, kw_only=True):
    """A file of a bundle: its path within, its size in bytes, and its SHA-256 sum."""

    path: str
    bytes: int
    sha256: str


class BundledBase(Struct, frozen=True, kw_only=True):
    """The base model that the adapter was trained on.

    sha256: of its weights as its library knew them. repository, commit: on the Hub, "" where they
    are not known. licence: the Hub's id of it.
    """

    title: str
    sha256: str
    repository: str = ""
    commit: str = ""
    licence: str = ""


class BundledAdapter(Struct, frozen=True, kw_only=True):
    """What of an adapter's card is for others; the fields are those of `AdapterCard`."""

    created: float
    rank: int
    scale: float
    decomposed: bool = False
    embeddings: bool = False
    steps: int
    notes: int
    samples: int
    valid_loss: float | None = None
    base_valid_loss: float | None = None
    overnight: str = ""


class ExamFigures(Struct, frozen=True, kw_only=True):
    """Of so many questions, how many were right before the training and after it."""

    asked: int
    before: int
    after: int


class Manifest(Struct, frozen=True, kw_only=True):
    """Everything that a bundle says of itself. licence: the Hub's id of the adapter's, or ""."""

    format: str = FORMAT
    version: int = VERSION
    name: str
    base: BundledBase
    adapter: BundledAdapter
    licence: str = ""
    exam: ExamFigures | None = None
    files: tuple[ListedFile, ...] = field(default=())


class Signature(Struct, frozen=True, kw_only=True):
    """An Ed25519 signature (RFC 8032) of manifest.json, name and key; values in hexadecimal.

    by: the name that whoever signed it gives themselves. Nothing vouches for it but the key.
    """

    by: str
    public_key: str
    signature: str


def encoded(manifest: Manifest) -> bytes:
    """The bytes of manifest.json, which are what is signed."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
