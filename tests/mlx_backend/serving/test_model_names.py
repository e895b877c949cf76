from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import Adapter, AdapterCard
from mlx_backend.library.models import BaseModel, ModelCard
from mlx_backend.serving.model_names import Answerer, Known, chosen

NAMES = ("a", "b", "a+b", "a+b+a", "my notes", "Büro (2), & mehr", "注釈", "x.5", "starter")


def adapter(name: str, base: str = "starter") -> Adapter:
    card = AdapterCard(
        name=name,
        base=base,
        base_sha256=base,
        created=1.0,
        run="",
        rank=1,
        scale=1.0,
        steps=1,
        notes=1,
        samples=1,
        train_loss=1.0,
    )
    return Adapter(card, Path(name), 1)


def model(name: str) -> BaseModel:
    card = ModelCard(name=name, title="", licence="", source="", parameters=1, sha256=name)
    return BaseModel(card, Path(name), 1, True)


def known(*adapters: str, bases: tuple[str, ...] = ("starter",)) -> Known:
    found: Mapping[str, Adapter] = {name: adapter(name) for name in adapters}
    return Known({name: model(name) for name in bases}, found)


def read(name: str, *adapters: str, bases: tuple[str, ...] = ("starter",)) -> list[object]:
    found = known(*adapters, bases=bases).find(name)
    return [found.base, *((each.name, weight) for each, weight in found.adapters)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("starter", []),
        ("starter+a", [("a", 1.0)]),
        ("starter+a:0.5", [("a", 0.5)]),
        ("starter+a:-2+b", [("a", -2.0), ("b", 1.0)]),
        ("starter+a+b", [("a+b", 1.0)]),
        ("starter+a:1+b", [("a", 1.0), ("b", 1.0)]),
        ("starter+b+a", [("b", 1.0), ("a", 1.0)]),
        ("starter+a+b+a", [("a+b+a", 1.0)]),
        ("starter+a+b+b", [("a+b", 1.0), ("b", 1.0)]),
        ("starter+a+b+a+b:2", [("a+b+a", 1.0), ("b", 2.0)]),
        ("starter+my notes:0.25", [("my notes", 0.25)]),
        ("starter+Bu\u0308ro (2), & mehr", [("Büro (2), & mehr", 1.0)]),
        ("starter+注釈+x.5:0", [("注釈", 1.0), ("x.5", 0.0)]),
        ("starter+starter", [("starter", 1.0)]),
    ],
)
def test_a_name_is_read_with_the_longest_names_from_the_left(
    name: str, expected: list[object]
) -> None:
    assert read(name, *NAMES) == ["starter", *expected]


def test_a_shorter_name_counts_where_the_longest_leads_nowhere() -> None:
    assert read("starter+a+b", "a", "a+", "b") == ["starter", ("a", 1.0), ("b", 1.0)]


def test_of_several_bases_the_one_counts_that_the_adapters_were_trained_on() -> None:
    bases = {name: model(name) for name in ("x", "x+a")}
    of_longer, of_shorter = {"b": adapter("b", "x+a")}, {"a+b": adapter("a+b", "x")}
    assert Known(bases, of_longer).find("x+a+b").base == "x+a"
    assert Known(bases, of_shorter).find("x+a+b").base == "x"
    assert Known(bases, of_longer | of_shorter).find("x+a+b").base == "x+a"
    with pytest.raises(OvernightError, match="was trained on the base model 'y'"):
        Known(bases, {"b": adapter("b", "y")}).find("x+a+b")


@pytest.mark.parametrize(
    "name",
    ["", "+", "+a", "starter+", "starter++a", "starter+c", "starter+a:", "starter+a:x", "starter:1",
     "starter+a:1e3", "starter+a:nan", "starter+a:+1", "starter+a:0.5.5", "startera", "Starter",
     "starter +a", "starter+a:1:grounded:grounded", "starter+a\0", "../starter", "x" * 2000],
)  # fmt: skip
def test_a_name_of_nobody(name: str) -> None:
    with pytest.raises(OvernightError) as caught:
        read(name, *NAMES)
    assert caught.value.kind is ErrorKind.MODEL_UNKNOWN
    assert len(caught.value.message) < 200


def test_the_end_of_a_name_has_answers_taken_from_the_notes() -> None:
    found = known(*NAMES).find("starter+a:0.5:grounded")
    assert found.grounded
    assert found.adapters[0][1] == 0.5
    assert not known(*NAMES).find("starter").grounded


def test_an_adapter_of_another_base_and_a_weight_out_of_range() -> None:
    there = Known({"starter": model("starter"), "big": model("big")}, {"a": adapter("a", "big")})
    for name in ("starter+a", "big+a:11", "big+a:-10.5"):
        with pytest.raises(OvernightError) as caught:
            there.find(name)
        assert caught.value.kind is ErrorKind.BAD_INPUT


ANSWERERS = st.builds(
    Answerer,
    st.just("starter"),
    st.lists(
        st.tuples(
            st.sampled_from(NAMES).map(adapter), st.integers(-400, 400).map(lambda n: n / 40)
        ),
        max_size=5,
    ).map(tuple),
    st.booleans(),
)


@given(ANSWERERS)
def test_whoever_there_is_has_a_name_of_their_own(answerer: Answerer) -> None:
    there = known(*NAMES, bases=("starter", "starter+a", "big"))
    assert (
        there._read(
            there.name_of(answerer).removesuffix(":grounded" * answerer.grounded), answerer.grounded
        )
        == answerer
    )


@given(st.text(max_size=60) | st.lists(st.sampled_from([*NAMES, "+", ":", "0.5"])).map("".join))
def test_any_text_is_a_name_or_is_not(text: str) -> None:
    try:
        found = known(*NAMES).find(text)
    except OvernightError:
        return
    assert found.base == "starter"


def test_a_name_with_very_many_readings_is_read_at_once() -> None:
    began = time.process_time()
    with pytest.raises(OvernightError):
        read("starter" + "+a" * 490 + "+c", "a", "a+a", "a+a+a", "a+a+a+a")
    assert time.process_time() - began < 1


def test_all_that_are_listed_are_found() -> None:
    there = known(*NAMES, bases=("starter", "starter+a", "big"))
    listed = list(there.all())
    names = [there.name_of(each) for each in listed]
    assert len(set(names)) == len(names)
    assert [there.find(name) for name in names] == listed
    assert [each for each in listed if each.base == "big" and each.adapters] == []


def test_whom_the_command_line_chooses() -> None:
    there = Known({"starter": model("starter"), "big": model("big")}, {})
    big = adapter("a", "big")
    assert chosen(None, [], there, "starter") == Answerer("starter")
    assert chosen("big", [], there, "starter") == Answerer("big")
    assert chosen(None, [(big, 0.5)], there, "starter") == Answerer("big", ((big, 0.5),))
    for base, adapters in (("nobody", []), ("starter", [(big, 1.0)]), (None, [(big, 99.0)])):
        with pytest.raises(OvernightError):
            chosen(base, adapters, there, "starter")
