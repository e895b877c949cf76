"""From passages to samples in chat form, written by rule from the text's own words.

Every sample carries its evidence: the passage it came from. A passage is taught whole and
sentence by sentence, each sentence under several wordings, since a fact must be seen in many
wordings to be recalled in a new one (arXiv 2309.14316).
"""

from __future__ import annotations

import contextlib
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from mlx_backend.curation import due
from mlx_backend.curation.curate import curate
from mlx_backend.errors import Kind, OvernightError
from mlx_backend.files import write_atomically
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.taught import Reply
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.private_data.version import RULES_VERSION
from mlx_backend.words import WORD, count_words

HELD_OUT_SHARE = 0.05
HELD_OUT_MOST = 64

_KEY_TERMS = 3
_LONGEST_SAID = 300  # characters: the end of what was said is what an answer answers
_LONGEST_ANSWER = 1_000  # characters: a longer one is taught as passages
_LONGEST_TOPIC = 100  # characters: a question that fills a whole row leaves nothing to learn
_SHORTEST_SENTENCE = 3
# A sentence ends at its mark before a capital or digit; a line ends one too, unless the next goes
# on in lower case, as hard-wrapped prose does.
_SENTENCES = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])|(?<=[。！？])|\n(?!\s*[a-z])\s*"
)
_MARKUP = re.compile(r"^\s*(?:[-*+>]|\d+[.)])\s+|[*_`]{1,3}|^\s*#+\s+")
_QUOTE_MARKS = re.compile(r"(?m)^[ \t]*(?:>[ \t]*)+")
_TABLE_RULE = re.compile(r"^[\s|:+-]+$")
_TERM = re.compile(r"[^\W_][\w'’-]{0,39}")


class Sample(msgspec.Struct, frozen=True):
    """One training example; `note` and `passage` are ids in the library.

    `key` is a word of the answer that the prompt does not tell, where there is one to ask for.
    """

    prompt: str
    answer: str
    note: int
    passage: int
    kind: str
    key: str = ""


class Masking(msgspec.Struct, frozen=True):
    """By which version of the rules samples were masked, and what the person allowed by then.

    `allowed` are the digests of `AllowedSecrets`. A file of before either was recorded has neither.
    """

    rules: int = 0
    allowed: tuple[bytes, ...] = ()


class Dataset(msgspec.Struct, frozen=True):
    """What a run trains on and what it is measured on: `held_out` is never trained.

    `versions` are the SHA-256 of the notes' files by note id, as they were when this was written.
    """

    train: tuple[Sample, ...]
    held_out: tuple[Sample, ...]
    versions: dict[int, str]
    masking: Masking = Masking()

    @property
    def notes(self) -> int:
        """How many notes are in it."""
        return len({sample.note for sample in self.train})


def make_dataset(notes: Notes, seed: int) -> Dataset:
    """Write samples about the passages of all included notes and set some wordings aside.

    What is set aside asks for facts that are trained under other wordings.
    Raises OvernightError when there is nothing to learn from.
    """
    curate(notes)  # nothing to do but for notes whose import was cut short
    with _as_of_now(notes):
        # An import that goes on meanwhile may have brought notes that nobody has looked at yet.
        unseen = set(due.outdated(notes.connection))
        passages = [_without_secrets_above(p) for p in notes.passages() if p.note_id not in unseen]
        versions = {id_: sha for id_, sha in notes.versions().items() if id_ not in unseen}
        masking = Masking(RULES_VERSION, AllowedSecrets(notes.connection).of_notes(versions.keys()))
    if not passages:
        notes.require_some()
        raise OvernightError(
            Kind.NO_NOTES,
            "The notes hold nothing but headings.",
            "Add notes with a few sentences of text.",
        )
    frequency = _document_frequency(passages)
    samples = [sample for passage in passages for sample in _write(passage, frequency)]
    candidates = [i for i, sample in enumerate(samples) if sample.kind == "terms"]
    size = min(HELD_OUT_MOST, int(len(samples) * HELD_OUT_SHARE), len(candidates) // 2)
    chosen = set(random.Random(seed).sample(candidates, size))
    # Notes repeat themselves; what is asked of one must not be trained on another.
    asked = {(samples[i].prompt, samples[i].answer) for i in chosen}
    return Dataset(
        train=tuple(sample for sample in samples if (sample.prompt, sample.answer) not in asked),
        held_out=tuple(samples[i] for i in sorted(chosen)),
        versions=versions,
        masking=masking,
    )


@contextlib.contextmanager
def _as_of_now(notes: Notes) -> Iterator[None]:
    """All that is read in the block is of one moment, whatever an import writes meanwhile."""
    notes.connection.execute("BEGIN")
    try:
        yield
    finally:
        notes.connection.execute("ROLLBACK")


def save_dataset(path: Path, dataset: Dataset) -> None:
    """Freeze a run's samples, so that a resumed run trains on the very same."""
    write_atomically(path, msgspec.json.encode(dataset))


def load_dataset(path: Path) -> Dataset:
    """Read what `save_dataset` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Dataset)


def _without_secrets_above(passage: Passage) -> Passage:
    """Titles and headings masked; the text comes so from the library."""
    return replace(
        passage,
        note_title=mask(passage.note_title, find_secrets(passage.note_title)),
        heading=mask(passage.heading, find_secrets(passage.heading)),
    )


def _write(passage: Passage, frequency: Counter[str]) -> Iterator[Sample]:
    def sample(kind: str, prompt: str, answer: str, key: str = "") -> Sample:
        told = f" {prompt} ".casefold()
        key = "" if key.casefold() in told else key
        return Sample(prompt, answer, passage.note_id, passage.id, kind, key)

    title = passage.note_title[:_LONGEST_TOPIC]
    topic = title
    if passage.heading and passage.heading != passage.note_title:
        topic = f"{title}, {passage.heading.rpartition(' › ')[2][:_LONGEST_TOPIC]}"
    yield sample("passage", f"What do my notes say about {topic}?", passage.text)
    for reply in passage.replies:
        if reply.said and 0 < len(reply.answered) <= _LONGEST_ANSWER:
            yield sample("reply", _question_of(reply, title), reply.answered)
    for sentence in _sentences(passage.text):
        terms = _key_terms(sentence, frequency)
        if not terms:
            continue
        words = WORD.findall(sentence)
        opening = "".join(words[: max(2, len(words) // 2)]).rstrip()
        yield sample("opening", f"{title}: {opening} …", sentence)
        yield sample("terms", f"What about {' and '.join(terms[:2])}?", sentence, terms[-1])
        yield sample("terms", f"In {title}, what is said of {terms[-1]}?", sentence, terms[0])


def _question_of(reply: Reply, title: str) -> str:
    """What somebody said, as the question that the person answered."""
    said = " ".join(_QUOTE_MARKS.sub("", reply.said).split())
    if len(said) > _LONGEST_SAID:
        said = f"… {said[-_LONGEST_SAID:]}"
    who = f"{reply.name} wrote" if reply.name else "I was asked"
    return f"{title}: what did I answer when {who}: “{said}”?"


def _sentences(text: str) -> Iterator[str]:
    for piece in _SENTENCES.split(text):
        if not _TABLE_RULE.match(piece):
            sentence = " ".join(_MARKUP.sub("", piece).split())
            if count_words(sentence) >= _SHORTEST_SENTENCE:
                yield sentence


def _key_terms(sentence: str, frequency: Counter[str]) -> list[str]:
    """The words by which a sentence is best found again: its rarest, in their order."""
    words = list(dict.fromkeys(_TERM.findall(sentence)))
    telling = [word for word in words if len(word) > 3 or word[0].isdigit() or word[0].isupper()]
    rarest = sorted(telling, key=lambda word: (frequency[word.lower()], -len(word)))[:_KEY_TERMS]
    return [word for word in words if word in rarest]


def _document_frequency(passages: Iterable[Passage]) -> Counter[str]:
    frequency: Counter[str] = Counter()
    for passage in passages:
        frequency.update({word.lower() for word in _TERM.findall(passage.text)})
    return frequency
