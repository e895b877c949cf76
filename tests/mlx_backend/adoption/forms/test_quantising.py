from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest
from mlx_lm import utils
from mlx_lm.models.switch_layers import QuantizedSwitchLinear
from mlx_lm.utils import load, load_model

from mlx_backend.adoption.forms import packing
from mlx_backend.adoption.forms.quantising import QUANTISED
from mlx_backend.library.model_figures import quantised_bits
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.machine.arrays import flatten
from mlx_backend.models.base_model import LoadedModel, load_from
from mlx_backend.training.stop_requests import StoppedEarly
from tests.mlx_backend.adoption.forms.quantised import everything_in, quantise, refusal
from tests.mlx_backend.adoption.hf_models import write_hf_model
from tests.mlx_backend.arrays import logits, relative_error

IDS = [1, 50, 60, 70, 5, 33, 90, 200]
OF_LOGITS = {8: 0.03, 6: 0.1, 4: 0.4}
"""How far the logits of random weights move, relatively; trained ones move less."""


def in_memory(folder: Path) -> LoadedModel:
    card = ModelCard(name="one", title="", licence="", source="", parameters=0, sha256="0" * 64)
    return load_from(BaseModel(card, folder, 0, True))


def test_a_model_is_quantised_and_tells_what_it_cost(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    (tmp_path / "one" / "LICENSE").write_text("CC0")
    told: list[tuple[int, int]] = []
    found = quantise(tmp_path / "one", 4, on_progress=lambda *at: told.append(at))
    assert (found.bits, found.asked) == (4, 120)
    assert (found.right_before, found.right_after) == (58, 57)  # the first estimates the time
    assert (found.perplexity_before, found.perplexity_after) == (102.0, 103.0)
    assert told == sorted(told)
    assert told[-1] == (100, 100)
    config = json.loads((tmp_path / "one" / "config.json").read_bytes())
    assert quantised_bits(config) == 4
    assert {path.name for path in (tmp_path / "one").iterdir()} == {
        "LICENSE",
        "config.json",
        "model.safetensors",
        "model.safetensors.index.json",
        QUANTISED,
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_logits_stay_within_what_quantising_costs(
    tmp_path: Path, tiny_folders: dict[str, Path], dtype: str, bits: int
) -> None:
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"], dtype)
    before = logits(in_memory(folder).model, IDS)
    quantise(folder, bits)
    ours = in_memory(folder).model
    assert relative_error(logits(ours, IDS), before) < OF_LOGITS[bits]
    theirs, _ = load(str(folder))
    rounding = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 4e-2}[dtype]
    assert relative_error(logits(theirs, IDS), logits(ours, IDS)) < rounding
    assert theirs.model.norm.weight.dtype == getattr(mx, dtype)


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_no_weight_moves_further_than_a_step_of_its_group(
    tmp_path: Path, tiny_folders: dict[str, Path], bits: int
) -> None:
    """The steps of a group span its weights, 2^bits - 1 of them: the bound of all that follows."""
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"], "float32")
    before = flatten(load_model(folder)[0].parameters())
    quantise(folder, bits)
    after, _ = load_model(folder)
    for name, module in after.named_modules():
        if "scales" not in module:
            continue
        found = mx.dequantize(
            module.weight, module.scales, module.biases, module.group_size, module.bits
        )
        groups = before[f"{name}.weight"].reshape(-1, module.group_size)
        span = groups.max(axis=-1, keepdims=True) - groups.min(axis=-1, keepdims=True)
        moved = mx.abs(found.reshape(groups.shape) - groups)
        assert bool((moved <= 1.01 * span / (2**bits - 1)).all()), name


@pytest.mark.parametrize("tied", [True, False])
def test_a_head_is_quantised_tied_or_not(
    tmp_path: Path, tiny_folders: dict[str, Path], tied: bool
) -> None:
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"], tie_word_embeddings=tied)
    before = logits(in_memory(folder).model, IDS)
    quantise(folder, 8)
    model, _ = load_model(folder)
    assert isinstance(model.model.embed_tokens, nn.QuantizedEmbedding)
    assert ("lm_head" in model) is not tied
    if not tied:
        assert isinstance(model.lm_head, nn.QuantizedLinear)
    assert relative_error(logits(in_memory(folder).model, IDS), before) < OF_LOGITS[8]


def test_experts_are_quantised_and_their_router_in_8_bits(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    folder = tmp_path / "one"
    write_hf_model(folder, "qwen3_moe", tiny_folders["tiny"], decoder_sparse_step=1)
    before = logits(in_memory(folder).model, IDS)
    quantise(folder, 8)
    model, _ = load_model(folder)
    layer = model.layers[0].mlp
    assert isinstance(layer.switch_mlp.down_proj, QuantizedSwitchLinear)
    assert layer.switch_mlp.down_proj.group_size == 32  # experts are 32 wide
    assert layer.switch_mlp.up_proj.group_size == 64
    assert layer.gate.bits == 8
    assert relative_error(logits(in_memory(folder).model, IDS), before) < 2 * OF_LOGITS[8]


def test_what_a_model_asks_for_gets_a_group_that_fits(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    """qwen3_moe wants its routers in groups of 64, which 96 inputs do not make."""
    folder = tmp_path / "one"
    write_hf_model(folder, "qwen3_moe", tiny_folders["tiny"], hidden_size=96, decoder_sparse_step=1)
    quantise(folder, 4)
    gate = load_model(folder)[0].layers[0].mlp.gate
    assert (gate.group_size, gate.bits) == (32, 8)


def test_layers_of_odd_widths_stay_as_they_are(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"], "float32", intermediate_size=90)
    before = flatten(load_model(folder)[0].parameters())
    quantise(folder, 4)
    mlp = load_model(folder)[0].layers[0].mlp
    assert isinstance(mlp.up_proj, nn.QuantizedLinear)
    assert type(mlp.down_proj) is nn.Linear
    assert mx.array_equal(mlp.down_proj.weight, before["model.layers.0.mlp.down_proj.weight"])


def test_a_model_without_any_fitting_width_is_refused(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    folder = tmp_path / "one"
    sizes = {"hidden_size": 40, "intermediate_size": 40, "head_dim": 10}
    write_hf_model(folder, "llama", tiny_folders["tiny"], "float32", **sizes)
    assert "widths" in refusal(folder).message


def test_a_quantised_model_stays_as_it_is(tmp_path: Path, tiny_folders: dict[str, Path]) -> None:
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    found = quantise(folder, 4)
    before = everything_in(folder)
    assert quantise(folder, 4) == found  # as a job does that was killed right after
    assert everything_in(folder) == before
    assert refusal(folder, 8).message == "It is quantised already, in 4 bits."
    (folder / QUANTISED).unlink()
    assert refusal(folder, 4).message == "It is quantised already, in 4 bits."


def test_other_numbers_of_bits_are_refused(tmp_path: Path, tiny_folders: dict[str, Path]) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    assert "5 bits" in refusal(tmp_path / "one", 5).message


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b""])
def test_a_damaged_configuration(
    tmp_path: Path, tiny_folders: dict[str, Path], content: bytes
) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    (tmp_path / "one" / "config.json").write_bytes(content)
    assert "config.json of the model 'One-1B' cannot be read" in refusal(tmp_path / "one").message


def test_damaged_weights(tmp_path: Path, tiny_folders: dict[str, Path]) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    weights = tmp_path / "one" / "model-00002-of-00002.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    message = refusal(tmp_path / "one").message
    assert "'One-1B' cannot be used here. Quantising it was tried, but its files" in message


def test_files_that_are_links_to_another_program_s_stay_as_they_are(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    write_hf_model(tmp_path / "theirs", "llama", tiny_folders["tiny"])
    before = everything_in(tmp_path / "theirs")
    shutil.copytree(tmp_path / "theirs", tmp_path / "hard", copy_function=os.link)
    (tmp_path / "soft").mkdir()
    for path in (tmp_path / "theirs").iterdir():
        (tmp_path / "soft" / path.name).symlink_to(path)
    for name in ("hard", "soft"):
        quantise(tmp_path / name, 8)
        assert everything_in(tmp_path / "theirs") == before
        assert not any(path.is_symlink() for path in (tmp_path / name).iterdir())


def test_a_cancelled_one_leaves_the_folder_as_it_was(
    tmp_path: Path, tiny_folders: dict[str, Path]
) -> None:
    folder = tmp_path / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    before = everything_in(folder)
    for number in (1, 2, 12, 45):
        calls = count(1)
        with pytest.raises(StoppedEarly):
            quantise(folder, 4, stop_requested=lambda calls=calls, at=number: next(calls) == at)
        assert everything_in(folder) == before
        assert [path.name for path in tmp_path.iterdir()] == ["one"]


KILLED = """
import os, sys
from pathlib import Path
from mlx_backend.adoption.forms import packed_weights, packing, quantising
from mlx_backend.adoption.trial import messages
from mlx_backend.exam.probe import Probe
packing.take_probe = lambda loaded, every=1, check=None: Probe(120, 60, 100.0, 0.01)
def here(what, *_):
    new, bits = what.more
    return packing.outcome_of(packing.Packing(what.folder, Path(new), int(bits), what.name), id)
quantising._outcome = here
place, folder = sys.argv[1:]
own = getattr(quantising, place)
def die(*args, **kwargs):
    if sys.argv[1] == "remove_tree" and not Path(folder, quantising.QUANTISED).exists():
        return own(*args, **kwargs)
    os.kill(os.getpid(), 9)
setattr(quantising, place, die)
quantising.quantise(Path(folder), 4, "one", quantising.Watch())
"""


@pytest.mark.parametrize(
    ("place", "is_done"),
    [("_check_what_came", False), ("exchange_folders", False), ("remove_tree", True)],
)
def test_a_kill_leaves_either_form_whole(
    tmp_path: Path, tiny_folders: dict[str, Path], place: str, is_done: bool
) -> None:
    folder = tmp_path / "models" / "one"
    write_hf_model(folder, "llama", tiny_folders["tiny"])
    before = everything_in(folder)
    ended = subprocess.run([sys.executable, "-c", KILLED, place, str(folder)], check=False)
    assert ended.returncode == -9
    assert (everything_in(folder) == before) is not is_done
    in_memory(folder)  # loads
    assert quantise(folder, 4).bits == 4
    assert [path.name for path in folder.parent.iterdir()] == ["one"]


def test_weights_that_do_not_fit_into_memory_are_not_probed(
    tmp_path: Path,
    tiny_folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    quick_probe: list[int],
) -> None:
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    monkeypatch.setattr(packing, "_ROOM", 0.0)
    found = quantise(tmp_path / "one", 4)
    assert (found.bits, found.asked, found.perplexity_after) == (4, 0, 0.0)
    assert not quick_probe


@pytest.mark.parametrize(("seconds", "every"), [(10.0, 1), (130.0, 2), (400.0, 4), (9000.0, 8)])
def test_a_slow_probe_asks_fewer_questions(seconds: float, every: int) -> None:
    assert packing._every(seconds) == every


def test_large_weights_become_shards(
    tmp_path: Path, tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = utils.make_shards
    monkeypatch.setattr(utils, "make_shards", lambda weights: own(weights, 0))
    write_hf_model(tmp_path / "one", "llama", tiny_folders["tiny"])
    before = logits(in_memory(tmp_path / "one").model, IDS)
    quantise(tmp_path / "one", 8)
    shards = sorted(path.name for path in (tmp_path / "one").glob("*.safetensors"))
    assert len(shards) > 10
    assert shards[0] == f"model-00001-of-{len(shards):05}.safetensors"
    after = logits(in_memory(tmp_path / "one").model, IDS)
    assert relative_error(after, before) < OF_LOGITS[8]
