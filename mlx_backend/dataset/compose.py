"""Putting a run's dataset together: what is trained, in which shares, and what is set aside."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import msgspec

from mlx_backend.curation import due
from mlx_backend.curation.curate import curate
from mlx_backend.dataset import facts, grounded, linked_notes, upkeep, wholes
from mlx_backend.dataset.facts import StudiedPassage
from mlx_backend.dataset.link_targets import Places
from mlx_backend.dataset.recipe import Recipe, recipe_for
from mlx_backend.dataset.samples import Dataset, Masking, Sample
from mlx_backend.dataset.wholes import LONGEST_TOPIC
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.samples import Samples, StoredSample, digest
from mlx_backend.library.wanted_notes import wanted_notes
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.private_data.version import RULES_VERSION
from mlx_backend.study.by_rule import rules
from mlx_backend.text.answer_matching import is_right
from mlx_backend.text.stems import stems
from mlx_backend.text.words import count_words

HELD_OUT_SHARE = 0.1
HELD_OUT_MOST = 64

# Shares of the words that are read or written, beside those about the notes' own facts.
_GROUNDED = 0.3
_READING = 0.2
_GENERAL = 0.4
_NOT_IN_NOTES = 0.01  # of the number of samples
_WORDS_GROUNDED, _WORDS_READING, _WORDS_GENERAL = 120, 90, 50  # about what one sample has
_STYLE_FROM_NOTES = 40
_STYLE_SHARE = 0.03
_STYLE_MOST = 24  # passages
_LIKE = 0.75


@dataclass(frozen=True)
class Material:
    """The passages of all notes in use at one moment, masked, and their versions.

    `places` are those of all notes that are there, also of those that are not in use.
    """

    passages: tuple[Passage, ...]
    places: Places
    versions: dict[int, str]
    masking: Masking

    def without_withdrawn(self, notes: Notes) -> Material:
        """The same without the notes that the person deleted or left out since.

        Raises OvernightError when nothing is left.
        """
        there = wanted_notes(notes.connection)
        passages = tuple(p for p in self.passages if p.note_id in there)
        if not passages:
            raise OvernightError(
                ErrorKind.NO_NOTES,
                "All notes that this run was to learn were deleted or left out since it began.",
                "Start another run; what was deleted is in the bin.",
            )
        return replace(
            self,
            passages=passages,
            versions={id_: sha for id_, sha in self.versions.items() if id_ in there},
        )


@dataclass(frozen=True)
class Beside:
    """What is trained beside the notes: the base model's general answers, where there are some.

    `reads`: whether the model is to read passages by itself. One that only quotes them need not
    learn it.
    """

    general: upkeep.GeneralAnswers | None
    reads: bool


def gather(notes: Notes) -> Material:
    """All that may be taught, as it is now.

    Raises OvernightError when there is nothing to learn from.
    """
    curate(notes)  # nothing to do but for notes whose import was cut short
    with _as_of_now(notes):
        # An import that goes on meanwhile may have brought notes that nobody has looked at yet.
        unseen = set(due.outdated(notes.connection))
        passages = [_without_secrets_above(p) for p in notes.passages() if p.note_id not in unseen]
        versions = {id_: sha for id_, sha in notes.versions().items() if id_ not in unseen}
        places = Places(note for note in notes.summaries() if note.status != "gone")
        masking = Masking(RULES_VERSION, AllowedSecrets(notes.connection).of_notes(versions.keys()))
    if not passages:
        notes.require_some()
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "The notes hold nothing but headings.",
            "Add notes with a few sentences of text.",
        )
    return Material(tuple(passages), places, versions, masking)


def raw_dataset(material: Material, seed: int) -> Dataset:
    """The text of the notes alone, without study: what a run with `--no-study` trains on."""
    samples = [sample for p in material.passages for sample in _texts(p)]
    held_out = set(random.Random(seed).sample(range(len(samples)), len(samples) // 20))
    return Dataset(
        train=tuple(sample for i, sample in enumerate(samples) if i not in held_out),
        held_out=tuple(samples[i] for i in sorted(held_out)),
        versions=material.versions,
        masking=material.masking,
    )


def studied_dataset(
    studied: Sequence[StudiedPassage], material: Material, beside: Beside, seed: int
) -> Dataset:
    """What study wrote, in many wordings, with what keeps the model's other abilities.

    What is set aside asks for facts that are trained under other wordings.
    """
    generator = random.Random(seed)
    recipe = recipe_for(studied)
    held_out, near = _set_aside(studied, generator)
    style = _style_passages(material.passages, recipe, generator)
    samples: list[Sample] = []
    asked = [each for each in studied if recipe.facts or each.passage.note_id not in style]
    samples += facts.about_facts(asked, generator, few=not recipe.facts)
    if recipe.facts:
        samples += facts.about_names(studied)
        samples += linked_notes.about_links(studied, material.places, near)
    for each in studied:
        is_written_about = each.samples or each.left_out
        if each.passage.note_id not in style and (recipe.style or not is_written_about):
            samples += _texts(each.as_taught)
    withheld = {(sample.prompt, sample.answer) for sample in held_out} | near
    samples = _without(samples, withheld, held_out)
    samples += _beside(samples, studied, withheld, beside, generator)
    generator.shuffle(samples)
    told = [p for p in material.passages if p.note_id in style][:_STYLE_MOST]
    return Dataset(
        train=tuple(samples),
        held_out=tuple(held_out),
        versions=material.versions,
        masking=material.masking,
        style=tuple(sample for passage in told for sample in wholes.as_it_stands(passage)),
    )


def studied_passages(samples: Samples, passages: Sequence[Passage]) -> list[StudiedPassage]:
    """Passages with what study kept about them, and what the person left out."""
    kept, left_out = _by_passage(samples.used()), _by_passage(samples.left_out())
    found = []
    for _, group in groupby(passages, key=lambda passage: passage.note_id):
        note = list(group)
        for passage, told in zip(note, rules.told_in_note(note), strict=True):
            place = (passage.note_id, digest(passage))
            own, dropped = kept.get(place, []), left_out.get(place, [])
            found.append(StudiedPassage(passage, told, own, dropped))
    return found


def _by_passage(
    stored: Sequence[tuple[StoredSample, bytes]],
) -> dict[tuple[int, bytes], list[StoredSample]]:
    found: defaultdict[tuple[int, bytes], list[StoredSample]] = defaultdict(list)
    for sample, passage in stored:
        found[sample.note_id, passage].append(sample)
    return found


def _texts(passage: Passage) -> Iterator[Sample]:
    if passage.text:
        yield from wholes.as_it_stands(passage)
    yield from wholes.replies(passage)


def _set_aside(
    studied: Sequence[StudiedPassage], generator: random.Random
) -> tuple[list[Sample], set[tuple[str, str]]]:
    """Questions for the exam, and those so like them that they must not be trained either.

    Only facts that are asked for in other ways, too, lose a question.
    """
    candidates = []
    total = 0
    for each in studied:
        total += len(each.samples)
        for stored in each.samples:
            others = [o for o in each.samples if o.quote == stored.quote and not _alike(o, stored)]
            prompt = facts.titled(each.passage.note_title, stored.prompt)
            is_question = stored.key and stored.prompt.endswith("?") and not stored.choice
            if is_question and others and not is_right(prompt, (stored.key,)):
                candidates.append((each, stored, prompt))
    size = min(HELD_OUT_MOST, int(total * HELD_OUT_SHARE), len(candidates) // 3)
    held_out: list[Sample] = []
    near: set[tuple[str, str]] = set()
    quotes: set[str] = set()
    for each, stored, prompt in generator.sample(candidates, len(candidates)):
        if len(held_out) == size:
            break
        if stored.quote in quotes:
            continue
        quotes.add(stored.quote)
        passage = each.passage
        held_out.append(
            Sample(prompt, stored.answer, passage.note_id, passage.id, stored.kind, stored.key)
        )
        for other in each.samples:
            if other.quote == stored.quote and _alike(other, stored):
                own_title = facts.titled(passage.note_title, other.prompt)
                near |= {(other.prompt, other.answer), (own_title, other.answer)}
    return held_out, near


def _without(
    samples: Sequence[Sample], withheld: set[tuple[str, str]], held_out: Sequence[Sample]
) -> list[Sample]:
    """Without what is withheld, and without wordings that nearly are a question of the exam."""
    exam: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for sample in held_out:
        exam[sample.answer].append(stems(sample.prompt))

    def may_be_asked(prompt: str, answer: str) -> bool:
        asked = exam.get(answer, ())
        is_like_one = any(_are_alike(stems(prompt), each) for each in asked)
        return (prompt, answer) not in withheld and not is_like_one

    found = []
    for sample in samples:
        prompts = (sample.prompt, *sample.rewordings)
        allowed = [prompt for prompt in prompts if may_be_asked(prompt, sample.answer)]
        if allowed:
            first, *others = allowed
            found.append(msgspec.structs.replace(sample, prompt=first, rewordings=tuple(others)))
    return found


def _alike(one: StoredSample, other: StoredSample) -> bool:
    return _are_alike(stems(one.prompt), stems(other.prompt))


def _are_alike(words: frozenset[str], others: frozenset[str]) -> bool:
    return len(words & others) >= _LIKE * len(words | others)


def _style_passages(
    passages: Sequence[Passage], recipe: Recipe, generator: random.Random
) -> set[int]:
    """The notes whose text is not trained as a whole, to measure style by; facts in them are."""
    notes = sorted({passage.note_id for passage in passages})
    if not recipe.style or len(notes) < _STYLE_FROM_NOTES:
        return set()
    return set(generator.sample(notes, max(1, int(len(notes) * _STYLE_SHARE))))


def _beside(
    samples: Sequence[Sample],
    studied: Sequence[StudiedPassage],
    withheld: set[tuple[str, str]],
    beside: Beside,
    generator: random.Random,
) -> Iterator[Sample]:
    """Reading, declining and general samples, in proportion to those about the notes."""
    words = sum(count_words(sample.prompt) + count_words(sample.answer) for sample in samples)
    if beside.reads:
        number = int(words * _GROUNDED / _WORDS_GROUNDED)
        yield from grounded.from_notes(studied, withheld, number, generator)
        number = int(words * _READING / _WORDS_READING)
        yield from grounded.reading_lessons(number, generator)
    yield from grounded.not_in_notes(studied, int(len(samples) * _NOT_IN_NOTES), generator)
    if beside.general is not None:
        number = int(words * _GENERAL / _WORDS_GENERAL)
        yield from upkeep.upkeep(beside.general, number, generator)


@contextlib.contextmanager
def _as_of_now(notes: Notes) -> Iterator[None]:
    """All that is read in the block is of one moment, whatever an import writes meanwhile."""
    notes.connection.execute("BEGIN")
    try:
        yield
    finally:
        notes.connection.execute("ROLLBACK")


def _without_secrets_above(passage: Passage) -> Passage:
    """Titles and headings masked, and cut to what a question can hold; the text comes masked."""
    return replace(
        passage,
        note_title=mask(passage.note_title, find_secrets(passage.note_title))[:LONGEST_TOPIC],
        heading=mask(passage.heading, find_secrets(passage.heading))[-LONGEST_TOPIC:],
    )
