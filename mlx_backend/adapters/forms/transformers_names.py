"""The architectures that transformers computes from the same names of layers as mlx-lm.

Found out by comparing logits of tiny random models of every architecture, saved by mlx-lm and
loaded by transformers 5.24 (tests/mlx_backend/interop). Others keep their layers under other names,
or in another form, in one of the two.
"""

from __future__ import annotations

# transformers' class, by `model_type`.
CLASSES = {
    "cohere": "CohereForCausalLM",
    "cohere2": "Cohere2ForCausalLM",
    "ernie4_5": "Ernie4_5ForCausalLM",
    "exaone4": "Exaone4ForCausalLM",
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "gemma4_text": "Gemma4ForCausalLM",
    "glm4": "Glm4ForCausalLM",
    "granite": "GraniteForCausalLM",
    "helium": "HeliumForCausalLM",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",  # mlx-lm computes it as llama
    "olmo2": "Olmo2ForCausalLM",
    "phi": "PhiForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "seed_oss": "SeedOssForCausalLM",
    "smollm3": "SmolLM3ForCausalLM",
    "stablelm": "StableLmForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM",
}


def is_named_alike(model_type: str) -> bool:
    """Whether an architecture is one of these."""
    return model_type in CLASSES
