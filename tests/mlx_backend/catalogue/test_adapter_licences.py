from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.catalogue.adapter_licences import (
    adapter_licence,
    chosen_licence,
    licence_files,
    licence_metadata,
)
from mlx_backend.catalogue.entries import entries
from mlx_backend.errors import ErrorKind, OvernightError


@pytest.mark.parametrize("base", ["apache-2.0", "MIT", "CC0-1.0", "bsd-3-clause", "cc-by-4.0"])
def test_permissive_bases_leave_the_choice_free(base: str) -> None:
    assert chosen_licence(base) == base.lower()
    assert chosen_licence(base, "gpl-3.0") == "gpl-3.0"


@pytest.mark.parametrize(
    "base",
    ["llama3.2", "gemma", "lfm1.0", "gpl-3.0", "cc-by-sa-4.0", "qwen-research", "mrl", "deepseek",
     "cc-by-nc-sa-4.0", "agpl-3.0", "bigscience-openrail-m", "llama2", "llama4"],
)  # fmt: skip
def test_other_bases_pass_their_licence_on(base: str) -> None:
    assert chosen_licence(base) == base
    with pytest.raises(OvernightError) as caught:
        chosen_licence(base, "mit")
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert base in caught.value.hint


def test_what_is_not_commercial_stays_so() -> None:
    assert chosen_licence("cc-by-nc-4.0") == "cc-by-nc-4.0"
    assert chosen_licence("cc-by-nc-4.0", "CC-BY-NC-SA-4.0") == "cc-by-nc-sa-4.0"
    with pytest.raises(OvernightError, match="commercial"):
        chosen_licence("cc-by-nc-4.0", "cc-by-4.0")


@pytest.mark.parametrize(
    "base", ["", "other", "unknown", "cc-by-nd-4.0", "somebodys-own", "\n\x00"]
)
def test_the_person_is_asked_where_it_is_unclear(base: str) -> None:
    with pytest.raises(OvernightError) as caught:
        chosen_licence(base)
    assert "--licence" in caught.value.hint
    assert chosen_licence(base, "cc-by-nc-4.0") == "cc-by-nc-4.0"


@pytest.mark.parametrize("choice", ["a b", "mit\nlicense: x", "-", "x" * 65, "ö"])
def test_what_is_no_id(choice: str) -> None:
    with pytest.raises(OvernightError, match="no id"):
        chosen_licence("apache-2.0", choice)


@pytest.mark.parametrize(
    ("base", "badge", "begins"),
    [
        ("llama2", "", ""),
        ("llama3", "Built with Meta Llama 3", "Llama 3"),
        ("llama3.1", "Built with Llama", "Llama"),
        ("llama3.3", "Built with Llama", "Llama"),
        ("qwen-research", "Built with Qwen", ""),
        ("gemma", "", ""),
        ("apache-2.0", "", ""),
    ],
)
def test_what_has_to_be_shown(base: str, badge: str, begins: str) -> None:
    rule = adapter_licence(base)
    assert (rule.badge, rule.name_begins) == (badge, begins)


def test_notices_are_those_of_the_terms() -> None:
    assert adapter_licence("llama3.2").notice == (
        "Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright © Meta Platforms,"
        " Inc. All Rights Reserved."
    )
    assert adapter_licence("gemma").notice == (
        "Gemma is provided under and subject to the Gemma Terms of Use found at"
        " ai.google.dev/gemma/terms"
    )


def test_every_offered_base_has_its_rule() -> None:
    for entry in entries():
        rule = adapter_licence(entry.licence)
        assert rule.default == entry.licence
        assert rule.source.startswith("https://")


@pytest.mark.parametrize(
    ("licence", "fields"),
    [
        ("llama3.2", {"license": "llama3.2"}),
        ("lfm1.0", {"license": "other", "license_name": "lfm1.0",
                    "license_link": "https://www.liquid.ai/lfm-license"}),
        ("own", {"license": "other", "license_name": "own",
                 "license_link": "https://huggingface.co/a/b"}),
    ],
)  # fmt: skip
def test_as_the_hub_states_it(licence: str, fields: dict[str, str]) -> None:
    assert licence_metadata(licence, "a/b") == fields


def test_the_files_that_state_it(tmp_path: Path) -> None:
    for name in ("LICENSE", "NOTICE.txt", "USE_POLICY.md", "config.json", "LICENSE.py", "LICENCE"):
        (tmp_path / name).write_text("x")
    (tmp_path / "LICENSE.md").mkdir()
    names = [path.name for path in licence_files(tmp_path)]
    assert names == ["LICENCE", "LICENSE", "NOTICE.txt", "USE_POLICY.md"]
