"""A model of Llama's architecture so small that a whole run takes a second: random, but fixed."""

from __future__ import annotations

import json
from pathlib import Path

import mlx.core as mx
import msgspec
from mlx.utils import tree_flatten
from mlx_lm.models import llama
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from mlx_backend.dataset.general_samples import (
    DRAWS,
    GENERAL_ANSWERS,
    GeneralAnswers,
    general_prompts,
)
from mlx_backend.exam.probe import GENERAL_PROBE, KeptProbes, Probe, digest_of
from mlx_backend.files import sha256_of_file
from mlx_backend.library.models import CARD, ModelCard

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content']"
    " + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_TEXT = (
    "The lighthouse of Amber Cove was lit by Marta on the third of May. She keeps a red notebook"
    " with the names of all boats, and what do my notes say about it? My notes. user assistant"
    " system In the harbour there are four piers and a small shop that sells rope and lamps."
)


def write_tiny_model(folder: Path, name: str = "tiny", seed: int = 7) -> None:
    """Write a whole model folder, with the card that makes it one of the library's."""
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = _config(tokenizer.get_vocab_size())
    mx.random.seed(seed)
    model = llama.Model(llama.ModelArgs.from_dict(config))
    weights = folder / "model.safetensors"
    mx.save_safetensors(
        str(weights), dict(tree_flatten(model.parameters())), metadata={"format": "mlx"}
    )
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIAL[1],
        "eos_token": SPECIAL[2],
        "pad_token": SPECIAL[2],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    card = ModelCard(
        name=name,
        title="Tiny",
        licence="CC0-1.0",
        source="random numbers",
        parameters=100_000,
        sha256=sha256_of_file(weights),
    )
    (folder / CARD).write_bytes(msgspec.json.encode(card))
    keep_general_answers(folder, card.sha256)


def keep_general_answers(folder: Path, sha256: str) -> None:
    """Write what every run would have a model say otherwise, at several seconds each time."""
    _write_general_answers(folder, sha256)
    probes = {every: _probe(120 // every, 30 // every) for every in (1, 2, 4, 8, 40)}
    kept = KeptProbes(digest_of(sha256), probes)
    (folder / GENERAL_PROBE).write_bytes(msgspec.json.encode(kept))


def _probe(asked: int, right: int) -> Probe:
    return Probe(asked, right, 480.0, marks=tuple(i < right for i in range(asked)))


def _config(vocabulary: int) -> dict[str, object]:
    return {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "vocab_size": vocabulary,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def _write_general_answers(folder: Path, sha256: str) -> None:
    pairs = tuple((prompt, "The lamp of the harbour.") for prompt in general_prompts() * DRAWS)
    answers = GeneralAnswers(sha256, pairs)
    (folder / GENERAL_ANSWERS).write_bytes(msgspec.json.encode(answers))


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken(text, special=True, normalized=False) for text in SPECIAL],
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT], trainer)
    return tokenizer
