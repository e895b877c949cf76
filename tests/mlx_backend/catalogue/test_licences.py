from __future__ import annotations

import pytest

from mlx_backend.catalogue.licences import licence_notice


@pytest.mark.parametrize("licence", ["apache-2.0", "mit", "Apache-2.0", "cc-by-4.0"])
def test_nothing_is_said_of_open_source(licence: str) -> None:
    assert not licence_notice(licence, "a/b")


@pytest.mark.parametrize(
    ("licence", "says"),
    [
        ("llama3.2", "Llama 3.2 Community License. Read it: https://www.llama.com/"),
        ("gemma", "Gemma Terms of Use. Read it: https://ai.google.dev/"),
        ("lfm1.0", "LFM Open License 1.0. Read it: https://www.liquid.ai/"),
        ("qwen-research", "qwen-research. Read it: https://huggingface.co/a/b"),
        ("cc-by-nc-4.0", "cc-by-nc-4.0. Read it: https://huggingface.co/a/b"),
        ("", "states no licence"),
    ],
)
def test_all_others_are_named_with_a_link(licence: str, says: str) -> None:
    assert says in licence_notice(licence, "a/b")
