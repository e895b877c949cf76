"""English synonyms, in the form that a word has in its sentence; from WordNet."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from importlib import resources

from lemminflect import getAllInflections, getAllLemmas, getInflection


@cache
def synonyms_of(word: str) -> tuple[str, ...]:
    """The common synonyms of a word in lower case, inflected as it is: "mended" has "repaired".

    Without a sentence, its part of speech is not known, so they are those of all that it can be.
    """
    found: dict[str, None] = {}
    for part, lemmas in sorted(getAllLemmas(word).items()):
        for lemma in lemmas:
            for tag in _tags(word, lemma, part):
                for other in _sets().get((part, lemma), ()):
                    found.update(dict.fromkeys(getInflection(other, tag)[:1]))
    return tuple(other for other in found if other != word)


def _tags(word: str, lemma: str, part: str) -> list[str]:
    """The Penn Treebank tags of the forms of a lemma that look like the word."""
    forms = getAllInflections(lemma, upos=part)
    return sorted(tag for tag, written in forms.items() if word in written)


@cache
def _sets() -> dict[tuple[str, str], tuple[str, ...]]:
    """By part of speech and word: the other words of the sets of `resources/synonyms.txt`."""
    text = (resources.files("resources") / "synonyms.txt").read_text(encoding="utf-8")
    found: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for line in text.splitlines():
        if line and not line.startswith("#"):
            part, *words = line.split()
            for word in words:
                found[part, word].update(dict.fromkeys(w for w in words if w != word))
    return {key: tuple(words) for key, words in found.items()}
