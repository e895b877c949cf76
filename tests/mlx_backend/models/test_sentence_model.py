from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from mlx_backend.errors import OvernightError
from mlx_backend.models import sentence_model
from mlx_backend.models.sentence_model import SentenceModel
from mlx_backend.models.sentence_package import WEIGHTS, find_folder

FOLDER = find_folder()
needs_model = pytest.mark.skipif(FOLDER is None, reason="the sentence model is not installed")


def test_the_activation_is_x_times_the_normal_distribution() -> None:
    x = np.linspace(-9, 9, 2001, dtype=np.float32)
    expected = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()]
    assert np.abs(sentence_model._gelu(x) - np.array(expected)).max() < 2e-6


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    assert FOLDER is not None
    return SentenceModel(FOLDER)


@needs_model
def test_cosines_are_those_that_its_authors_publish(model: SentenceModel) -> None:
    """From the pages of Sentence Transformers on semantic similarity."""
    one = model.vectors(["The cat sits outside", "The new movie is awesome"])
    other = model.vectors(["The dog plays in the garden", "The new movie is so great"])
    assert (one * other).sum(axis=1) == pytest.approx([0.2838, 0.8939], abs=1e-3)


@needs_model
def test_a_text_has_the_same_vector_in_any_company(model: SentenceModel) -> None:
    texts = ["Who lit the lamp?", "The lamp was lit. " * 20, "", "灯台 مرحبا 👩‍👩‍👧", "x" * 100_000]
    together = model.vectors(texts)
    alone = np.concatenate([model.vectors([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-5
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    assert model.vectors([]).shape == (0, 384)


@needs_model
@pytest.mark.parametrize("name", [WEIGHTS, sentence_model._TOKENIZER])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    assert FOLDER is not None
    for each in sentence_model._SHA256:
        shutil.copy(FOLDER / each, tmp_path / each)
    with (tmp_path / name).open("r+b") as file:
        file.seek(100)
        file.write(b"\0")
    with pytest.raises(OvernightError, match="sentence model"):
        SentenceModel(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(OvernightError, match="sentence model"):
        SentenceModel(tmp_path)
