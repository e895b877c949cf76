"""Canaries: invented sentences with random codes that were trained along, where the person agreed.

How well an adapter knows them tells how much it memorises (Carlini et al., "The Secret Sharer",
arXiv 1802.08232). They are no notes and in no table. Each run that has some keeps them in its
folder; what its adapter has seen lies in `privacy/canaries`, not in the adapter's folder, because a
person may give that away. It stays until the adapter is deleted for good: adapters keep their ids.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from mlx_backend.files import write_atomically
from mlx_backend.library.adapters import list_adapters
from mlx_backend.library.home import Library


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """An invented sentence: `before`, then `code`, then a full stop, as if of a note `title`.

    is_usual: whether it is trained as often as a fact that stands in one note, else in one sample.
    run: the id of the run that trained it. seen: how often training showed the code; 0 before.
    """

    title: str
    before: str
    code: str
    is_usual: bool
    run: str
    seen: int = 0

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return f"{self.before}{self.code}."


def encode_canaries(canaries: Sequence[Canary]) -> bytes:
    """Canaries as the bytes of a file."""
    return msgspec.json.encode(canaries)


def read_canaries(path: Path) -> tuple[Canary, ...]:
    """What `encode_canaries` wrote. Raises OSError, and msgspec's errors for a damaged file."""
    return msgspec.json.decode(path.read_bytes(), type=tuple[Canary, ...])


def canaries_of(library: Library, adapter_id: str) -> tuple[Canary, ...]:
    """Those that an adapter has seen, its own first; none where none are recorded."""
    return _readable(_path(library, adapter_id))


def all_canaries(library: Library) -> Iterator[Canary]:
    """Those of all adapters, and of those in the bin."""
    for path in sorted(_folder(library).glob("*.json")):
        yield from _readable(path)


def keep_canaries(library: Library, adapter_id: str, canaries: Sequence[Canary]) -> None:
    """Record what an adapter has seen, each code once; nothing where it saw none."""
    found = {each.code: each for each in reversed(canaries)}
    if found:
        path = _path(library, adapter_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, encode_canaries(list(reversed(found.values()))))


@contextlib.contextmanager
def canaries_kept(library: Library, adapter_id: str, canaries: Sequence[Canary]) -> Iterator[None]:
    """Record what an adapter has seen, before it is filed in the block; not where it is not.

    So no adapter is ever there without its record, even after a crash.
    """
    keep_canaries(library, adapter_id, canaries)
    try:
        yield
    except BaseException:
        if all(each.card.id != adapter_id for each in list_adapters(library.adapters)):
            forget_canaries(library, adapter_id)
        raise


def forget_canaries(library: Library, adapter_id: str) -> None:
    """Remove the record of an adapter that was deleted for good."""
    _path(library, adapter_id).unlink(missing_ok=True)


def _folder(library: Library) -> Path:
    return library.home / "privacy" / "canaries"


def _path(library: Library, adapter_id: str) -> Path:
    return _folder(library) / Path(f"{adapter_id}.json").name


def _readable(path: Path) -> tuple[Canary, ...]:
    try:
        return read_canaries(path)
    except (OSError, ValueError, RecursionError):
        return ()
