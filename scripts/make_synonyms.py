"""Makes `resources/synonyms.txt` from WordNet: `python scripts/make_synonyms.py FOLDER`.

FOLDER is that of WordNet 3.0's files, /usr/share/wordnet of Debian's package wordnet-base. A line
of the result is a part of speech and words that may stand for each other in it. Kept are single
words that are counted at least twice in WordNet's tagged texts, in the part of speech and in a
sense that they often have there.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

_PARTS = {"noun": "NOUN", "verb": "VERB", "adj": "ADJ", "adv": "ADV"}
_NUMBERS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
_LEAST_COUNT = 2
_LEAST_SHARE = 0.25  # of a word's uses as this part of speech, in the sense in question
_LEAST_SHARE_OF_PART = 0.5  # of all uses of a word, as this part of speech
_SHORTEST = 3  # letters
_NOTICE = """\
# Made by scripts/make_synonyms.py from WordNet 3.0; its licence is in synonyms_licence.txt.
# WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved.
"""


def main(folder: Path, out: Path) -> None:
    """Write the sets of synonyms of all parts of speech to `out`."""
    counts = _counts(folder / "cntlist.rev")
    lines = [
        f"{_PARTS[part]} {' '.join(words)}"
        for part in _PARTS
        for words in sorted(set(_sets(folder, part, counts)))
    ]
    out.write_text(_NOTICE + "\n".join(lines) + "\n", encoding="utf-8")


def _counts(path: Path) -> dict[tuple[str, str], dict[int, int]]:
    """By word and number of its part of speech: how often each sense, from 1, was counted."""
    found: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for line in path.read_text(encoding="ascii").splitlines():
        key, sense, count = line.split()
        word, _, rest = key.partition("%")
        part = {"5": "3"}.get(rest[0], rest[0])  # satellites are adjectives
        found[word, part][int(sense)] = int(count)
    return found


def _sets(
    folder: Path, part: str, counts: dict[tuple[str, str], dict[int, int]]
) -> Iterator[tuple[str, ...]]:
    """The sets of two and more words of a part of speech that mostly have their common sense."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for word, senses in _index(folder / f"index.{part}"):
        number = counts.get((word, _NUMBERS[part]), {})
        total = sum(number.values())
        of_all = sum(sum(counts.get((word, n), {}).values()) for n in _NUMBERS.values())
        if total < _LEAST_SHARE_OF_PART * of_all:
            continue
        for sense, place in enumerate(senses, start=1):
            count = number.get(sense, 0)
            if count >= max(_LEAST_COUNT, _LEAST_SHARE * total):
                members[place].append(word)
    for words in members.values():
        if len(words) > 1:
            yield tuple(sorted(words))


def _index(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Single words in lower case, with the places of their sets, the most frequent sense first."""
    for line in path.read_text(encoding="ascii").splitlines():
        fields = line.split()
        if line[0] != " " and fields[0].isalpha() and len(fields[0]) >= _SHORTEST:
            yield fields[0], fields[-int(fields[2]) :]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent.parent / "resources" / "synonyms.txt")
