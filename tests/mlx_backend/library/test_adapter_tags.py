from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import text

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.adapter_tags import LONGEST_TAG, MOST_TAGS, set_tags, tags_in
from mlx_backend.library.adapters import AdapterCard, encode_card, id_of, read_adapter


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("", ()),
        (" , ,", ()),
        ("work, My  garden,WORK", ("work", "My garden")),
        ("a\nb\x00", ("a b",)),
        ("x" * 40, ("x" * LONGEST_TAG,)),
        (",".join(map(str, range(99))), tuple(map(str, range(MOST_TAGS)))),
    ],
)
def test_tags_of_a_text(typed: str, tags: tuple[str, ...]) -> None:
    assert tags_in(typed) == tags


@given(text())
def test_the_tags_of_any_text_mean_themselves(typed: str) -> None:
    tags = tags_in(typed)
    assert tags_in(", ".join(tags)) == tags
    assert all(0 < len(tag) <= LONGEST_TAG and tag.isprintable() for tag in tags)


def test_nothing_else_of_the_card_changes(tmp_path: object, library: Library) -> None:
    folder = library.adapters / "Garden"
    folder.mkdir(parents=True)
    card = AdapterCard(
        name="Garden", base="b", base_sha256="", created=1.0, run="r", rank=4, scale=2.0,
        steps=1, notes=1, samples=1,
    )  # fmt: skip
    (folder / "card.json").write_bytes(encode_card(card))
    for name in ("adapters.safetensors", "adapter_config.json"):
        (folder / name).write_bytes(b"{}")
    before = read_adapter(library.adapters, "Garden").card
    set_tags(library, "Garden", ("work",))
    after = read_adapter(library.adapters, "Garden").card
    assert after.tags == ("work",)
    assert after.id == before.id == id_of(card, "Garden")
    set_tags(library, "Garden", ())
    assert read_adapter(library.adapters, "Garden").card == before


def test_what_cannot_have_tags(library: Library) -> None:
    with pytest.raises(OvernightError) as caught:
        set_tags(library, "nobody", ("work",))
    assert caught.value.kind is ErrorKind.ADAPTER_UNKNOWN
    (library.adapters / "Broken").mkdir(parents=True)
    with pytest.raises(OvernightError) as caught:
        set_tags(library, "Broken", ("work",))
    assert caught.value.kind is ErrorKind.ADAPTER_DAMAGED
