"""Real documents and a real folder of notes, if they are beside the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlx_backend.importers.document import SkippedFile
from mlx_backend.importers.importing import import_paths
from mlx_backend.importers.new_notes import TokenCounter
from mlx_backend.importers.sandbox import Sandbox
from mlx_backend.library.notes import Notes

_BESIDE = Path(__file__).parents[4] / "shared"
_DOCUMENTS = _BESIDE / "documents"
_TIL = _BESIDE / "notes" / "til"
_UNREADABLE = {"random.bin": "binary", "MEDRPT-2024-PAT-3847_medical_report_scan.pdf": "scan"}

needs_documents = pytest.mark.skipif(not _DOCUMENTS.is_dir(), reason="no documents are here")


@needs_documents
def test_every_readable_document_becomes_a_note() -> None:
    with Sandbox() as sandbox:
        for path in sorted(path for path in _DOCUMENTS.iterdir() if path.is_file()):
            if path.name in _UNREADABLE:
                with pytest.raises(SkippedFile, match=_UNREADABLE[path.name]):
                    sandbox.read(_DOCUMENTS, path)
            else:
                assert sandbox.read(_DOCUMENTS, path).documents, path.name


@needs_documents
def test_no_word_of_the_expected_texts_is_missing() -> None:
    with Sandbox() as sandbox:
        for expected in sorted((_DOCUMENTS / "expected_outputs").glob("*.md")):
            words = re.findall(r"\w+", expected.read_text(encoding="utf-8"))
            if not words:
                continue
            content = sandbox.read(_DOCUMENTS, _DOCUMENTS / f"{expected.stem}.pdf")
            found = set(re.findall(r"\w+", content.documents[0].text))
            recall = sum(word in found for word in words) / len(words)
            print(f"{expected.stem}: {recall:.3f} of {len(words)} words")
            assert recall >= 0.95, expected.stem


@pytest.mark.skipif(not _TIL.is_dir(), reason="no folder of notes is here")
def test_markdown_arrives_to_the_byte(notes: Notes, counter: TokenCounter) -> None:
    outcome = import_paths(notes, counter, [_TIL])
    assert outcome.added == 1864
    for summary in notes.summaries():
        assert notes.text(summary.id).encode() == Path(summary.path).read_bytes(), summary.path
