"""What curation computes from one note, once for each version of its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlx_backend.curation import language, quality
from mlx_backend.curation.boilerplate import Paragraphs, find_paragraphs
from mlx_backend.curation.text_fingerprints import Hashes, Wording, same_text_key
from mlx_backend.library.curation_findings import CurationFinding
from mlx_backend.private_data.masking import describe
from mlx_backend.private_data.scan import scan_note


@dataclass(frozen=True)
class NoteText:
    """The parts of a note that curation reads."""

    note_id: int
    title: str
    text: str
    written: float
    """When this text was imported (Unix seconds); results do not apply to a later text."""


@dataclass(frozen=True)
class NoteAnalysis:
    """The stored data for comparing a note with others, and the findings about the note itself.

    `length` is in characters.
    """

    note_id: int
    written: float
    same_text: bytes
    length: int
    shingles: Hashes
    paragraphs: Paragraphs
    findings: tuple[CurationFinding, ...]


def analyse(note: NoteText, languages: language.LanguageDetector) -> NoteAnalysis:
    """Analyse one note."""
    return NoteAnalysis(
        note_id=note.note_id,
        written=note.written,
        same_text=same_text_key(note.text),
        length=len(note.text),
        shingles=Wording.of(note.text).shingles,
        paragraphs=find_paragraphs(note.text),
        findings=tuple(_findings(note, languages)),
    )


def _findings(note: NoteText, languages: language.LanguageDetector) -> Iterator[CurationFinding]:
    judged = quality.assess(note.title, note.text)
    yield CurationFinding(
        note.note_id,
        "quality",
        " ".join(judged.reasons) or "Nothing speaks against it.",
        leaves_out=judged.leaves_out,
        score=judged.score,
    )
    code, confidence = languages.of(note.text)
    yield CurationFinding(
        note.note_id, "language", language.describe(code), score=round(confidence, 3), value=code
    )
    if secrets := scan_note(note.text):
        yield CurationFinding(
            note.note_id,
            "secrets",
            describe(secrets),
            value=";".join(secret.kind for secret in secrets),
            spans=tuple((secret.start, secret.end) for secret in secrets),
        )
