from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import characters, text

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.files import write_folder_atomically
from mlx_backend.library.adapter_names import (
    check_name,
    is_same_name,
    nearest_name,
    same_among,
    shortened,
)

GOOD = ["Notes", "My notes 2", "a", "1", "a.b-c_d", "x" * 64, "Müller", "né", "日記", "Дневник"]
GOOD += ["یادداشت\u200cها", "नोट्स २०२६", "יומן", "노트", "ノート・夏", "paral·lel", "Ⴀ", "日" * 64]
GOOD += ["O'Brien", "O’Brien", "Notes & more", "naïve (copy)", "C++", "R, 2nd", "1'"]


@pytest.mark.parametrize("name", GOOD)
def test_good_names(name: str) -> None:
    assert check_name(name) == name


BAD = ["", " ", ".", "..", ".hidden", "a/b", "a\\b", "../a", "a\n", "a:b", "a ", " a", "a."]
BAD += [f"{sign}a" for sign in "-'’&()+,._"] + ["C++ ", "a,.", "a;b", "a`b", "a!b"]
BAD += ["-rf", "a\0b", "~", "$HOME", "a*", "x" * 65, "a\u202eb", "a\u2066b", "a\u200eb", "a\u0085"]
BAD += ["CON", "nul.txt", "Com1", "lpt9", "com¹", "\u0308a", "a🎉", "\u3164", "a\ufe0f", "a\ud800"]
BAD += ["\U00010400" * 60, "a\ue000", "a<b>", "½", "a|b", 'a"b', "a?"]


@pytest.mark.parametrize("name", BAD)
def test_bad_names(name: str) -> None:
    with pytest.raises(OvernightError) as caught:
        check_name(name)
    assert caught.value.kind is ErrorKind.BAD_INPUT
    assert caught.value.hint
    assert caught.value.message.replace("\ud800", "").isprintable()


def test_one_name_is_written_in_one_way() -> None:
    assert check_name("Mu\u0308ller") == "M\u00fcller"
    assert check_name("夏の\u3000日記") == "夏の 日記"
    assert check_name("a\u00a0b") == "a b"


def test_names_that_a_disk_takes_for_the_same() -> None:
    assert is_same_name("Müller", "MU\u0308LLER")
    assert is_same_name("Straße", "STRASSE")
    assert is_same_name("می\u200cروم", "میروم")
    assert not is_same_name("Müller", "Muller")
    assert same_among("notes", ["Other", "NOTES"]) == "NOTES"
    assert same_among("notes", ["Other"]) is None


def test_room_is_made_for_what_stands_behind() -> None:
    assert shortened("Notes", " 2") == "Notes 2"
    assert shortened("x" * 64, " 12") == "x" * 61 + " 12"
    assert shortened("x" * 61 + " yz", " 2") == "x" * 61 + " 2"


@given(text(characters(codec="utf-8"), min_size=1, max_size=80))
def test_whatever_passes_can_be_a_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    try:
        good = check_name(name)
    except OvernightError:
        return
    folder = tmp_path_factory.mktemp("names") / good
    write_folder_atomically(folder, lambda beside: None)
    assert check_name(good) == good
    assert [path.name for path in folder.parent.iterdir()] == [good]


@pytest.mark.parametrize("name", GOOD)
def test_the_nearest_to_an_allowed_name_is_itself(name: str) -> None:
    assert nearest_name(name, "Other") == name


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("<My> notes!", "My notes"),
        ("__init__", "init__"),
        ("../../etc/passwd", "etc passwd"),
        ("a\n\nb", "a b"),
        ("x" * 99 + " .", "x" * 64),
        ("con", "Other"),
        ("***", "Other"),
        ("", "Other"),
    ],
)
def test_the_nearest_name(wanted: str, nearest: str) -> None:
    assert nearest_name(wanted, "Other") == nearest


@given(text(characters(), max_size=120))
def test_the_nearest_name_is_always_allowed(wanted: str) -> None:
    assert check_name(nearest_name(wanted, "Other"))
