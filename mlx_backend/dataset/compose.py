"""Composing a run's dataset: which samples are trained, in which shares, and what is held out."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby

from mlx_backend.curation import pending
from mlx_backend.curation.curate import curate
from mlx_backend.dataset import (
    crooked,
    facts,
    general_samples,
    held_out,
    linked_notes,
    not_in_notes,
    note_texts,
    synonyms,
)
from mlx_backend.dataset.facts import StudiedPassage, tells_any
from mlx_backend.dataset.link_targets import Places
from mlx_backend.dataset.note_texts import LONGEST_TOPIC
from mlx_backend.dataset.reader_samples import ReaderSamples
from mlx_backend.dataset.recipe import Recipe, recipe_for
from mlx_backend.dataset.samples import Dataset, Masking, Sample
from mlx_backend.dataset.statement_first import with_statements_first, without_titles
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.allowed_secrets import AllowedSecrets
from mlx_backend.library.kept_answers import kept_answers
from mlx_backend.library.languages import Languages
from mlx_backend.library.models import BaseModel
from mlx_backend.library.notes import Notes, Passage
from mlx_backend.library.sample_drafts import OF_TWO_PASSAGES
from mlx_backend.library.samples import Samples
from mlx_backend.library.stored_samples import StoredSample, digest
from mlx_backend.library.training_recipes import recipe_of
from mlx_backend.library.wanted_notes import wanted_notes
from mlx_backend.private_data.masking import mask
from mlx_backend.private_data.scan import find_secrets
from mlx_backend.private_data.version import RULES_VERSION
from mlx_backend.study.by_rule import rule_writer
from mlx_backend.text.words import count_words

_NOT_IN_NOTES = 0.01  # share of the number of samples
# Keyword prompts of a statement for a reader: beside its own questions, which teach more.
_READER_WORDINGS = 4
_WORDS_GENERAL = 50  # words of an average sample
_STYLE_FROM_NOTES = 40
_STYLE_SHARE = 0.03
_STYLE_MOST = 24  # passages


@dataclass(frozen=True)
class Material:
    """All that may be taught at one moment: the passages of all notes in use, masked.

    places: where all notes are, also those that are not in use.
    versions: the SHA-256 of the notes' files, by note id.
    english: the ids of the notes in English.
    answers_kept: ids of samples that the person edited, but not the answer that a model wrote.
    """

    passages: tuple[Passage, ...]
    places: Places
    versions: dict[int, str]
    masking: Masking
    english: frozenset[int] = frozenset()
    answers_kept: frozenset[int] = frozenset()

    def without_withdrawn(self, notes: Notes) -> Material:
        """The same without the notes that the person deleted or left out since, edits included.

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
            answers_kept=kept_answers(notes.connection),
        )


@dataclass(frozen=True)
class Additions:
    """What is trained beside the facts of the notes, and for what kind of model.

    general: the base model's own answers to general prompts; None for none.
    writer: the name under which a model that reads writes samples; "" for one that quotes, which
    learns what the rules wrote.
    general_share, grounded_share: words of these samples for each word of those about the notes.
    """

    general: general_samples.GeneralAnswers | None
    writer: str = ""
    general_share: float = 0.4
    grounded_share: float = 0.3

    @classmethod
    def of(
        cls, model: BaseModel, general: general_samples.GeneralAnswers | None = None
    ) -> Additions:
        """What is right for a base model, by its recipe."""
        recipe = recipe_of(model)
        writer = model.card.name if model.reads else ""
        return cls(general, writer, recipe.general, recipe.grounded)


def gather(notes: Notes) -> Material:
    """All that may be taught, as of now.

    Raises OvernightError when there is nothing to learn from.
    """
    curate(notes)  # only notes whose import was interrupted are left to do
    with _as_of_now(notes):
        # A concurrent import may have added notes that are not curated yet.
        unseen = set(pending.outdated(notes.connection))
        passages = [_without_secrets_above(p) for p in notes.passages() if p.note_id not in unseen]
        versions = {id_: sha for id_, sha in notes.versions().items() if id_ not in unseen}
        places = Places(note for note in notes.summaries() if note.status != "gone")
        masking = Masking(RULES_VERSION, AllowedSecrets(notes.connection).of_notes(versions.keys()))
        english = Languages(notes.connection).notes_in("en")
        answers_kept = kept_answers(notes.connection)
    if not passages:
        notes.require_some()
        raise OvernightError(
            ErrorKind.NO_NOTES,
            "The notes hold nothing but headings.",
            "Add notes with a few sentences of text.",
        )
    return Material(tuple(passages), places, versions, masking, english, answers_kept)


def raw_dataset(material: Material, seed: int) -> Dataset:
    """The text of the notes alone, which a run with `--no-study` trains on; one in 20 held out."""
    samples = [sample for p in material.passages for sample in _texts(p)]
    chosen = set(random.Random(seed).sample(range(len(samples)), len(samples) // 20))
    return Dataset(
        train=tuple(sample for i, sample in enumerate(samples) if i not in chosen),
        held_out=tuple(samples[i] for i in sorted(chosen)),
        versions=material.versions,
        masking=material.masking,
    )


def studied_dataset(
    studied: Sequence[StudiedPassage], material: Material, additions: Additions, seed: int
) -> Dataset:
    """The facts that study found, in many wordings, with the `additions`.

    The held-out questions ask for facts that are trained in other wordings.
    """
    generator = random.Random(seed)
    recipe = recipe_for(studied, reads=bool(additions.writer))
    reader = ReaderSamples(studied, additions.writer) if additions.writer else None
    aside = held_out.set_aside(reader.asked if reader else studied, generator)
    style = _style_passages(material.passages, recipe, generator)
    samples = (
        _of_reader(reader, studied, recipe, style, generator)
        if reader
        else _of_rules(studied, material, recipe, (style, aside.withheld), generator)
    )
    samples = held_out.without(samples, aside.withheld, aside.all)
    if recipe.facts:  # further wordings of what is trained, none from the exam
        samples = crooked.with_crooked(samples, aside.without_silenced(studied))
        samples = synonyms.with_synonyms(samples, material.english, generator)
        samples = held_out.without(samples, aside.withheld, aside.all)
    samples += _additions(samples, studied, aside.withheld, (additions, reader), generator)
    generator.shuffle(samples)
    measured = [p for p in material.passages if p.note_id in style][:_STYLE_MOST]
    quoted = () if reader else material.passages
    open_book = reader.open_book(aside.exam, generator) if reader else ()
    return Dataset(
        train=tuple(with_statements_first(samples, quoted)),
        held_out=tuple(with_statements_first(aside.exam, quoted)),
        choosing=tuple(with_statements_first(aside.choosing, quoted)),
        versions=material.versions,
        masking=material.masking,
        style=tuple(sample for passage in measured for sample in note_texts.as_it_stands(passage)),
        general=general_samples.held_back(additions.general),
        open_book=tuple(open_book),
    )


def _of_rules(
    studied: Sequence[StudiedPassage],
    material: Material,
    recipe: Recipe,
    kept_out: tuple[set[int], set[tuple[str, str]]],
    generator: random.Random,
) -> list[Sample]:
    """The samples for a model that quotes.

    `kept_out`: the ids of notes whose text measures style, and pairs of (prompt, answer) that must
    not be trained.
    """
    style, near = kept_out
    asked = [each for each in studied if recipe.facts or each.passage.note_id not in style]
    most = facts.MOST_WORDINGS if recipe.facts else facts.FEWEST_WORDINGS
    samples = list(facts.about_facts(asked, generator, most))
    if recipe.facts:
        samples += facts.about_names(studied)
        samples += linked_notes.about_links(studied, material.places, near)
    for each in studied:
        is_written_about = each.samples or each.left_out
        if each.passage.note_id not in style and (recipe.style or not is_written_about):
            samples += _texts(each.as_taught)
    return samples


def _of_reader(
    reader: ReaderSamples,
    studied: Sequence[StudiedPassage],
    recipe: Recipe,
    style: set[int],
    generator: random.Random,
) -> list[Sample]:
    """The samples for a model that reads, in its own words; whole texts for style as ever.

    `style`: the ids of notes whose text measures style. Beside its own samples it learns every
    statement in the note's own words, and the text where nothing is stated.
    """
    samples = list(reader.closed_book())
    by_rule = facts.about_facts(reader.beside, generator, _READER_WORDINGS)
    samples += without_titles(by_rule, (each.passage for each in studied))
    asked = {sample.passage for sample in samples}
    for each in studied:
        is_asked = each.passage.id in asked or each.left_out
        if each.passage.note_id not in style and (recipe.style or not is_asked):
            samples += _texts(each.as_taught)
    return samples


def studied_passages(
    samples: Samples, passages: Sequence[Passage], answers_kept: Set[int] = frozenset()
) -> list[StudiedPassage]:
    """The passages with their statements, and the samples about them: kept, left out, crooked.

    `answers_kept` are those of the `Material`.
    """
    taken_out = samples.left_out()
    kept, left_out = _by_passage(_untold(samples.used(), taken_out)), _by_passage(taken_out)
    crooked_ones = _by_passage(samples.crooked())
    found = []
    for _, group in groupby(passages, key=lambda passage: passage.note_id):
        note = list(group)
        for passage, stated in zip(note, rule_writer.quoted_statements(note), strict=True):
            place = (passage.note_id, digest(passage))
            used, out, bent = (each.get(place, []) for each in (kept, left_out, crooked_ones))
            found.append(StudiedPassage(passage, stated, used, out, bent, answers_kept))
    return found


def _untold(
    used: Sequence[tuple[StoredSample, bytes]], left_out: Sequence[tuple[StoredSample, bytes]]
) -> list[tuple[StoredSample, bytes]]:
    """The samples without those about two passages that tell what the person left out of either."""
    keys: defaultdict[int, set[str]] = defaultdict(set)
    for stored, _ in left_out:
        keys[stored.note_id].add(stored.key)
    return [
        (sample, place)
        for sample, place in used
        if sample.choice
        or sample.kind not in OF_TWO_PASSAGES
        or not tells_any(sample, set().union(*(keys[n] for n in (sample.note_id, *sample.others))))
    ]


def _by_passage(
    stored: Sequence[tuple[StoredSample, bytes]],
) -> dict[tuple[int, bytes], list[StoredSample]]:
    found: defaultdict[tuple[int, bytes], list[StoredSample]] = defaultdict(list)
    for sample, passage in stored:
        found[sample.note_id, passage].append(sample)
    return found


def _texts(passage: Passage) -> Iterator[Sample]:
    if passage.text:
        yield from note_texts.as_it_stands(passage)
    yield from note_texts.replies(passage)


def _style_passages(
    passages: Sequence[Passage], recipe: Recipe, generator: random.Random
) -> set[int]:
    """Ids of the notes whose text is not trained as a whole, so that it can measure style."""
    notes = sorted({passage.note_id for passage in passages})
    if not recipe.style or len(notes) < _STYLE_FROM_NOTES:
        return set()
    return set(generator.sample(notes, max(1, int(len(notes) * _STYLE_SHARE))))


def _additions(
    samples: Sequence[Sample],
    studied: Sequence[StudiedPassage],
    withheld: set[tuple[str, str]],
    taught: tuple[Additions, ReaderSamples | None],
    generator: random.Random,
) -> Iterator[Sample]:
    """Samples for reading, declining and general ability, in proportion to `samples`."""
    additions, reader = taught
    words = sum(count_words(sample.prompt) + count_words(sample.answer) for sample in samples)
    if reader is not None:
        number = int(words * additions.grounded_share)
        yield from reader.grounded(withheld, number, generator)
    yield from not_in_notes.to_decline(studied, int(len(samples) * _NOT_IN_NOTES), generator)
    if additions.general is not None:
        number = int(words * additions.general_share / _WORDS_GENERAL)
        yield from general_samples.upkeep(additions.general, number, generator)


@contextlib.contextmanager
def _as_of_now(notes: Notes) -> Iterator[None]:
    """Read one snapshot of the database in the block, whatever an import writes meanwhile."""
    notes.connection.execute("BEGIN")
    try:
        yield
    finally:
        notes.connection.execute("ROLLBACK")


def _without_secrets_above(passage: Passage) -> Passage:
    """A passage with title and heading masked and cut to LONGEST_TOPIC, as its text is masked."""
    return replace(
        passage,
        note_title=mask(passage.note_title, find_secrets(passage.note_title))[:LONGEST_TOPIC],
        heading=mask(passage.heading, find_secrets(passage.heading))[-LONGEST_TOPIC:],
    )
