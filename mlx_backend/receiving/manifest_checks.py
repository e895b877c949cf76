"""Whether a bundle is what its manifest says, and who signed it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mlx_backend.adapters.bundles.manifest import (
    FORMAT,
    MANIFEST,
    SIGNATURE,
    VERSION,
    Manifest,
    Signature,
)
from mlx_backend.adapters.bundles.signing import fingerprint_of, holds
from mlx_backend.files import sha256_of_file
from mlx_backend.receiving.arrival import Arrival
from mlx_backend.receiving.refusal import unfit
from mlx_backend.text.words import printable

_LONGEST_NAME = 80
_OF_ITSELF = (MANIFEST, SIGNATURE)


@dataclass(frozen=True)
class Signed:
    """Who signed a bundle: the name that they give themselves, and their key's fingerprint."""

    by: str = ""
    fingerprint: str = ""


def checked_manifest(arrival: Arrival) -> Manifest | None:
    """The manifest of a bundle, whose files have the sums that it lists; None without one.

    Raises OvernightError.
    """
    if arrival.manifest is None:
        return None
    try:
        manifest = msgspec.json.decode(arrival.manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unfit("has a manifest that cannot be read", str(error)) from error
    if manifest.format != FORMAT:
        raise unfit("is no bundle of Overnight")
    if manifest.version > VERSION:
        raise unfit(
            "is a bundle of a later version of Overnight", hint="Update Overnight, then try again."
        )
    _check_sums(arrival, manifest)
    return manifest


def _check_sums(arrival: Arrival, manifest: Manifest) -> None:
    listed = {each.path: each.bytes for each in manifest.files}
    there = {path: size for path, size in arrival.there.items() if path not in _OF_ITSELF}
    if listed != there:
        raise unfit("is damaged: it holds other files than its manifest lists")
    sums = {each.path: each.sha256 for each in manifest.files}
    for path, listed_sum in sums.items():
        if arrival.sums.get(path) != listed_sum:
            raise unfit(f"is damaged: {path} is not the file that the manifest lists")
    for ours, theirs in arrival.taken.items():
        if sums.get(theirs) != sha256_of_file(arrival.folder / ours):
            raise unfit(f"is damaged: {theirs} is not the file that the manifest lists")


def signed(arrival: Arrival) -> Signed:
    """Who signed the manifest; nobody without a signature.

    Raises OvernightError for a signature of something else.
    """
    if arrival.signature is None or arrival.manifest is None:
        return Signed()
    try:
        signature = msgspec.json.decode(arrival.signature, type=Signature)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unfit("has a signature that cannot be read", str(error)) from error
    if not holds(signature, arrival.manifest):
        raise unfit("has a signature that is not its own: somebody has changed it")
    by = printable(signature.by)[:_LONGEST_NAME]
    return Signed(by, fingerprint_of(signature.public_key.lower()))
