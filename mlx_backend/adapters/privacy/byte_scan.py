"""The scan of all bytes that would leave, for what is forbidden and for what looks secret."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_backend.adapters.privacy.byte_search import SHORT, ByteSearch
from mlx_backend.adapters.privacy.file_parts import NotReadError, Part, parts_of
from mlx_backend.adapters.privacy.forbidden import Forbidden, forbidden_words
from mlx_backend.adapters.privacy.written_forms import Encoding, written_forms
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.protocol.privacy import Hit

__all__ = ["Forbidden", "Hit", "forbidden_words", "hits"]

_MOST_HITS = 100  # in one file: more of them tell a person nothing more
_SECRETS_SOUGHT = 1 << 16  # characters of a header, whose rest is a vocabulary
_MARGIN = 4  # bytes: the character before and after a word
_PAGES = (".md", ".txt")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "merges.txt", "vocab.txt")
_ESCAPE = re.compile(rb"\\[nrtbf]\Z|%[0-9a-f]{2}\Z")  # of JSON and of addresses: no letters
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uac00-\ud7af]")


def hits(
    files: Sequence[Path],
    forbidden: Sequence[Forbidden],
    public: Sequence[Path] = (),
    before_each: Callable[[Path], object] = lambda _: None,
) -> list[Hit]:
    """What must not leave but stands in these files (or folders with all their files), in any form.

    Each word is told once for each file, at its first place. A file that cannot be read to its
    end, such as a damaged zip, is a hit itself. `public` are the base model's own files: a name
    that they hold is no evidence in files of the same name, nor in a GGUF. `before_each` is called
    before each file; what it raises ends the scan.
    """
    scan = _Scan(forbidden)
    found: list[_Found] = []
    for path in all_files(files):
        before_each(path)
        found += scan.of(path)
    known = _known_names(scan, found, public)
    names = {path.name for path in public}
    return [each.hit for each in found if not (each.word in known and each.may_be_public(names))]


@dataclass(frozen=True)
class _Found:
    """A hit; `word` is the index of the forbidden word, None for anything else."""

    hit: Hit
    word: int | None = None

    def may_be_public(self, names: set[str]) -> bool:
        """Whether it stands in a file that a base model has as well."""
        name = self.hit.file.rpartition(" › ")[2].rpartition("/")[2]
        return name.endswith(".gguf") or (name in names and not name.endswith(_PAGES))


@dataclass(frozen=True)
class _Form:
    word: int
    encoding: Encoding
    length: int


class _Scan:
    """Scans files for forbidden words."""

    def __init__(self, forbidden: Sequence[Forbidden]) -> None:
        self._forbidden = forbidden
        forms = [
            (data, _Form(index, encoding, len(data)))
            for index, word in enumerate(forbidden)
            for data, encoding in written_forms(word.text)
            if len(data) >= SHORT
        ]
        self._forms = [form for _, form in forms]
        self._search = ByteSearch([data for data, _ in forms])
        self._overlap = max(self._search.longest, SHORT) + _MARGIN

    def is_name(self, word: int | None) -> bool:
        """Whether a word is the name of something, by its index."""
        return word is not None and self._forbidden[word].is_name

    def of(self, path: Path) -> list[_Found]:
        """All hits in a file, at most as many as a person would read."""
        told: dict[tuple[str, int | str], _Found] = {}
        try:
            for part in self._parts_with_name(path):
                for key, each in self._in_part(part, path):
                    told.setdefault((each.hit.file, key), each)
                    if len(told) >= _MOST_HITS:
                        return list(told.values())
        except NotReadError as reason:
            what = f"it could not be looked into: {reason}"
            told["", ""] = _Found(Hit(file=str(path), what=what))
        return list(told.values())

    def _parts_with_name(self, path: Path) -> Iterator[Part]:
        """The parts of a file, and first its name."""
        yield Part(path.name, True, iter((path.name.encode(errors="surrogateescape"),)), True)
        yield from parts_of(path)

    def _in_part(self, part: Part, path: Path) -> Iterator[tuple[int | str, _Found]]:
        file = f"{path.parent}/{part.name}"
        place = _Place(part)
        rest = b""
        for piece in part.pieces:
            data = rest + piece
            place.go_on(data, len(rest))
            yield from self._words(data.lower(), part.is_text, file, place)
            if part.is_text and not part.name.endswith(_VOCABULARIES):
                yield from self._secrets(data, part.header, file, place)
            rest = data[-self._overlap :]

    def _words(
        self, data: bytes, is_text: bool, file: str, place: _Place
    ) -> Iterator[tuple[int, _Found]]:
        for at, index in self._search.found(data, with_short=is_text):
            form = self._forms[index]
            if not is_text or _stands_alone(data, at, form):
                word = self._forbidden[form.word]
                where = place.of(at)
                hit = Hit(
                    file=file,
                    what=word.what,
                    where=where,
                    note=word.note,
                    is_secret=word.is_secret,
                )
                yield form.word, _Found(hit, form.word)

    def _secrets(
        self, data: bytes, is_header: bool, file: str, place: _Place
    ) -> Iterator[tuple[str, _Found]]:
        """What the rules for notes find in a text."""
        text = _decoded(data)
        for span in find_secrets(text[:_SECRETS_SOUGHT] if is_header else text):
            what = f"what looks like a secret ({span.kind})"
            where = place.of(len(text[: span.start].encode(errors="replace")))
            yield (
                f"{span.kind} {where}",
                _Found(Hit(file=file, what=what, where=where, is_secret=True)),
            )


class _Place:
    """Where in a part the piece stands that is being looked at."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._begin = 0
        self._lines = 0
        self._breaks: list[int] = []
        self._length = 0

    def go_on(self, data: bytes, overlap: int) -> None:
        """Go on to `data`, whose first `overlap` bytes are the end of the piece before."""
        kept = self._length - overlap
        self._lines += bisect.bisect_left(self._breaks, kept)
        self._begin += kept
        self._length = len(data)
        self._breaks = _line_breaks(data) if self._part.is_text else []

    def of(self, at: int) -> str:
        """A place in the piece in words."""
        if self._part.header:
            return "in its header or its name"
        if self._part.is_text:
            return f"line {1 + self._lines + bisect.bisect_left(self._breaks, at):,}"
        return f"byte {self._begin + at:,}"


def _line_breaks(data: bytes) -> list[int]:
    ends = itertools.accumulate(len(line) + 1 for line in data.split(b"\n"))
    return [end - 1 for end in ends][:-1]


def _stands_alone(data: bytes, at: int, form: _Form) -> bool:
    """Whether no letter or digit goes on with the word on either side."""
    end, reach = at + form.length, _MARGIN
    word = data[at:end].decode(form.encoding, "replace")
    before = data[max(0, at - reach) : at]
    after = data[end : end + reach].decode(form.encoding, "ignore")
    begins_inside = (
        _is_letter(word[:1])
        and _is_letter(before.decode(form.encoding, "ignore")[-1:])
        and not _ESCAPE.search(before)
    )
    return not begins_inside and not (_is_letter(word[-1:]) and _is_letter(after[:1]))


def _is_letter(character: str) -> bool:
    """Whether a word goes on with it; in scripts without spaces it need not."""
    return character.isalnum() and not _UNSPACED.match(character)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if data.count(0) > len(data) // 4:
        order = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
        return data.decode(order, errors="replace")
    return data.decode(errors="replace")


def all_files(files: Sequence[Path]) -> Iterator[Path]:
    """Files as they are, and of folders all files below them."""
    for path in files:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        else:
            yield path


def _known_names(scan: _Scan, found: Sequence[_Found], public: Sequence[Path]) -> set[int | None]:
    """The names among the found words that stand in public files, too."""
    names = {path.name for path in public}
    if not any(scan.is_name(each.word) and each.may_be_public(names) for each in found):
        return set()
    in_public = {each.word for path in public for each in scan.of(path)}
    return {word for word in in_public if scan.is_name(word)}
