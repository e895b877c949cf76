"""Keys of AI services, in the formats that the providers document."""

from __future__ import annotations

import re

from mlx_backend.private_data.likeness import looks_random
from mlx_backend.private_data.rules import Rule, Shape

AI_SERVICES: tuple[Rule, ...] = (
    Shape("Anthropic key", re.compile(r"sk-ant-[a-z]{2,8}\d\d-[\w-]{80,120}"), ("sk-ant-",)),
    Shape(
        "OpenAI key",
        re.compile(r"sk-(?:proj|svcacct|admin|None)-[\w-]{40,200}|sk-[A-Za-z0-9]{48}"),
        ("sk-",),
        looks_random,
    ),
    Shape("OpenRouter key", re.compile(r"sk-or-v1-[a-f0-9]{64}"), ("sk-or-",)),
    Shape("DeepSeek key", re.compile(r"sk-[a-f0-9]{32}"), ("sk-",), looks_random),
    Shape("Hugging Face token", re.compile(r"(?:hf|api_org)_[A-Za-z0-9]{34}"), ("hf_", "api_org_")),
    Shape("Perplexity key", re.compile(r"pplx-[A-Za-z0-9]{48}"), ("pplx-",)),
    Shape("Groq key", re.compile(r"gsk_[A-Za-z0-9]{52}"), ("gsk_",)),
    Shape("xAI key", re.compile(r"xai-[A-Za-z0-9]{80}"), ("xai-",)),
    Shape("Replicate token", re.compile(r"r8_[A-Za-z0-9]{37}"), ("r8_",)),
    Shape("LangSmith key", re.compile(r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"), ("lsv2_",)),
    Shape("Pinecone key", re.compile(r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}"), ("pcsk_",)),
    Shape("Databricks token", re.compile(r"dapi[a-f0-9]{32}(?:-\d)?"), ("dapi",)),
)
