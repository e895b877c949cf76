"""Run by a Python with torch, transformers and peft: what they make of models and adapters.

    python peft_answers.py answer BASE ADAPTER OUT.npy ID ID ...   logits, (tokens, vocabulary)
    python peft_answers.py make BASE OUT RANK ALPHA                a random adapter, saved by peft

ADAPTER is "" for the base alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def answer(base: str, adapter: str, to: str, ids: list[int]) -> None:
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    np.save(to, logits.numpy())


def make(base: str, to: str, rank: int, alpha: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=["q_proj", "v_proj", "down_proj"],
        task_type="CAUSAL_LM",
        init_lora_weights=False,
        rank_pattern={"v_proj": rank // 2},
    )
    get_peft_model(model, config).save_pretrained(to)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "answer":
        answer(rest[0], rest[1], rest[2], [int(each) for each in rest[3:]])
    else:
        make(rest[0], rest[1], int(rest[2]), int(rest[3]))
    assert Path(rest[2] if command == "answer" else rest[1]).exists()
