"""What the model has in view for a question: one passage, two of a note, or those of two notes."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlx_backend.curation import language
from mlx_backend.library.languages import UNKNOWN, language_name
from mlx_backend.library.notes import Passage
from mlx_backend.library.stored_samples import digest
from mlx_backend.private_data.masking import MASKED
from mlx_backend.study.by_model.reader.genres import Genre
from mlx_backend.study.by_model.reader.sentences import (
    chosen,
    compares,
    enumerates,
    lists_in,
    sentences_in,
)
from mlx_backend.study.by_rule.answers import answers_in
from mlx_backend.study.by_rule.keyword_prompts import content_terms
from mlx_backend.study.by_rule.markdown_links import links_in
from mlx_backend.study.by_rule.statements import plain
from mlx_backend.text.key_places import key_places

_MOST_SENTENCES = 6  # of a passage that are asked about
_MOST_LISTS = 2
_CODE = re.compile(r"(?<!`)`([^`\n]*[^\W_][^`\n]*)`(?!`)")
_SHORT = 2  # characters
_LONGEST_CODE = 40  # characters
_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,:]\d+)*(?!\w)")
_LONGEST_SHOWN = 4_000  # characters of a passage

PointedTo = Callable[[int, str], int]
"""The id of the note that a link (its target) in a note (its id) points to; 0 for none."""


@dataclass(frozen=True)
class View:
    """What a question is about.

    other: the second passage, of the same note or of another one. sentence: the one of `passage`
    that is asked about, or the list, "" for any. key: the words of it to ask for, "" for any.
    """

    passage: Passage
    other: Passage | None = None
    sentence: str = ""
    key: str = ""

    @property
    def shown(self) -> str:
        """The passages as the model sees them."""
        passages = (self.passage, self.other) if self.other else (self.passage,)
        return "\n\n".join(_shown(each) for each in passages)

    @property
    def others(self) -> tuple[tuple[int, bytes], ...]:
        """The other passage, as `Draft.others` names it."""
        return ((self.other.note_id, digest(self.other)),) if self.other else ()


class Views:
    """Finds what there is to ask about the passages of all notes."""

    def __init__(self, passages: Sequence[Passage], pointed_to: PointedTo, seed: int) -> None:
        self._by_note: defaultdict[int, list[Passage]] = defaultdict(list)
        for passage in passages:
            self._by_note[passage.note_id].append(passage)
        self._pointed_to = pointed_to
        self._seed = seed

    def of(self, genre: Genre, passage: Passage) -> list[View]:
        """What questions of a genre are to be about, with the passage as the first; often one."""
        generator = random.Random(f"{self._seed} {passage.note_id} {passage.position}")
        match genre.subject:
            case "sentence":
                sentences = chosen(sentences_in(passage.text), _MOST_SENTENCES, generator)
                return [View(passage, sentence=each) for each in sentences]
            case "words":
                return _words(passage, generator)
            case "passage":
                return [View(passage)]
            case "numbers":
                is_fit = any(map(compares, sentences_in(passage.text)))
                return [View(passage)] if is_fit else []
            case "list" | "steps" as kind:
                return _lists(passage, generator, in_order=kind == "steps")
            case "passages":
                return self._beside(passage)
            case "notes":
                return self._linked(passage, generator)

    def _beside(self, passage: Passage) -> list[View]:
        note = self._by_note[passage.note_id]
        place = note.index(passage) + 1
        return [View(passage, note[place])] if place < len(note) else []

    def _linked(self, passage: Passage, generator: random.Random) -> list[View]:
        """The passage beside the first of a note to which it links."""
        targets = dict.fromkeys(link.target for link in links_in(passage.text))
        notes = dict.fromkeys(self._pointed_to(passage.note_id, target) for target in targets)
        there = [note for note in notes if note in self._by_note and note != passage.note_id]
        if not there:
            return []
        return [View(passage, self._by_note[generator.choice(there)][0])]


def _words(passage: Passage, generator: random.Random) -> list[View]:
    """Names, numbers, code and the like to ask for, at most one of a sentence."""
    is_english = language_of(passage) in ("en", UNKNOWN)
    found = []
    for sentence in sentences_in(passage.text):
        keys = _keys_in(sentence, is_english)
        if keys:
            found.append(View(passage, sentence=sentence, key=generator.choice(keys)))
    return chosen(found, _MOST_SENTENCES, generator)


def _keys_in(sentence: str, is_english: bool) -> list[str]:
    """What there is to ask for in a sentence: code, names (which rules know in English), numbers.

    Only what stands in it once, and neither in a placeholder for private data nor in a link.
    """
    shown = MASKED.sub(" ", sentence)
    code = [key.strip() for key in _CODE.findall(shown) if len(key) <= _LONGEST_CODE]
    text = plain(shown)
    names = [answer.key for answer in answers_in(text)] if is_english else []
    keys = [*code, *filter(_is_telling, names)]
    numbers = [each for each in _NUMBER.findall(text) if not any(each in key for key in keys)]
    return [key for key in (*keys, *numbers) if len(key_places(sentence, key)) == 1]


def _is_telling(key: str) -> bool:
    """Whether a key has a number or more than the "And" or "I've" with which a sentence begins."""
    words = re.split(r"[\s'’]+", key)
    return any(map(str.isdigit, key)) or any(len(w) > _SHORT and content_terms(w) for w in words)


def _lists(passage: Passage, generator: random.Random, *, in_order: bool) -> list[View]:
    """The lists of a passage; without any the passage, where its sentences enumerate."""
    lists = lists_in(passage.text)
    if not lists:
        return [View(passage)] if enumerates(passage.text) else []
    fit = [each for each in lists if each.is_numbered or not in_order]
    found = generator.sample(fit, min(len(fit), _MOST_LISTS))
    return [View(passage, sentence=each.text, key=each.items) for each in found]


def language_of(passage: Passage) -> str:
    """The ISO 639 code of a passage's language; UNKNOWN where it cannot be told."""
    return language.load().of(f"{passage.text}\n{passage.heading}").code


def name_of(code: str) -> str:
    """The English name of a language, "" where it is not known."""
    return "" if code == UNKNOWN else language_name(code)


def _shown(passage: Passage) -> str:
    text = re.sub(r"\n{3,}", "\n\n", passage.text.strip())
    return f"Note: {passage.topic}\n{text[:_LONGEST_SHOWN]}"
