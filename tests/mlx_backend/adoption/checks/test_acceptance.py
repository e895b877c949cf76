"""What is odd about real models and no reason to refuse them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlx_backend.adoption.checks.acceptance import check_before_weights, check_whole
from mlx_backend.adoption.checks.tokenizer_files import largest_id
from mlx_backend.adoption.checks.weight_files import read_weights
from mlx_backend.errors import OvernightError

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path, model_files: Path) -> Path:
    shutil.copytree(model_files, tmp_path / "model")
    return tmp_path / "model"


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


def test_a_good_model(folder: Path) -> None:
    check_before_weights("tiny", folder, [WEIGHTS])
    rows = read_weights("tiny", folder).embedding_rows
    assert rows == json.loads((folder / "config.json").read_bytes())["vocab_size"]
    assert check_whole("tiny", folder) > 80_000


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": [2, 0]},  # layers without attention
        {"num_attention_heads": None},
        {"time_step_limit": [0.0, float("inf")]},
        {"auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil"}},
        {"vision_config": {"num_attention_heads": "many"}},  # it is not loaded
    ],
)
def test_configurations_that_are_odd(folder: Path, changes: dict[str, Any]) -> None:
    change(folder / "config.json", **changes)
    assert check_whole("tiny", folder)


def test_a_control_token_beyond_the_weights(folder: Path) -> None:
    """As in the small Gemma 3, whose tokenizer has a token for the images that it cannot see."""
    path = folder / "tokenizer.json"
    said = json.loads(path.read_bytes())
    said["added_tokens"].append(said["added_tokens"][0] | {"id": 100_000, "content": "<image>"})
    path.write_text(json.dumps(said))
    assert check_whole("tiny", folder)


def test_a_vocabulary_with_scores_counts_by_its_order(folder: Path) -> None:
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1.5], ["b", -2]]}
    change(folder / "tokenizer.json", model=model, added_tokens=[])
    assert largest_id("tiny", folder) == 2


def test_several_templates_with_names(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    template = json.loads(path.read_bytes())["chat_template"]
    change(path, chat_template=[{"name": "default", "template": template}])
    check_before_weights("tiny", folder, [WEIGHTS])


def test_a_template_in_a_file_of_its_own(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    template = json.loads(path.read_bytes())["chat_template"]
    change(path, chat_template=None)
    with pytest.raises(OvernightError, match="no chat template"):
        check_before_weights("tiny", folder, [WEIGHTS])
    (folder / "chat_template.jinja").write_text(template)
    check_before_weights("tiny", folder, [WEIGHTS])


def test_a_tokenizer_that_only_sentencepiece_reads_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(OvernightError, match="SentencePiece"):
        check_before_weights("tiny", folder, [WEIGHTS])
