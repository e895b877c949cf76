"""Where the Hugging Face Hub is, and the pages that it has for people."""

from __future__ import annotations

HUB = "https://huggingface.co"


def page_of(repository: str) -> str:
    """The address of a repository's page, where its licence and its authors can be read about."""
    return f"{HUB}/{repository}"
