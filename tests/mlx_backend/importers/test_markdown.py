from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_backend.importers.document import SkippedFile, SourceFile
from mlx_backend.importers.readers.markdown import read_markdown


def read(text: str) -> tuple[str, str]:
    (document,) = read_markdown(SourceFile("stem.md", text.encode()))
    return document.title, document.text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: The rope shop\n---\n# Other\n", "The rope shop"),
        ("---\ntitle: '  Two\n  lines '\n---\ntext\n", "Two lines"),
        ("---\ntags: [a]\n---\n# Heading #\n", "Heading"),
        ("---\ntitle: 5\n---\n# Heading\n", "Heading"),
        ("---\ntitle: ''\n---\ntext\n", "stem"),
        ("---\ntitle: [a]\n---\ntext\n", "stem"),
        ("text\n\n# Heading\n", "Heading"),
        ("## Second level\n", "stem"),
        ("#no heading\n", "stem"),
        ("```\n# comment\n```\n\n# Heading\n", "Heading"),
        ("```\n# comment\n```\n", "stem"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert read(text)[0] == title


def test_front_matter_is_no_text() -> None:
    assert read("---\ntitle: A\ntags: [b]\n---\n\nThe text.\n")[1] == "The text.\n"


def test_front_matter_may_end_with_dots_and_windows_lines() -> None:
    assert read("---\r\ntitle: A\r\n...\r\nThe text.\r\n") == ("A", "The text.\n")


def test_empty_front_matter() -> None:
    assert read("---\n---\nThe text.\n")[1].endswith("The text.\n")


def test_a_note_of_front_matter_alone_keeps_it_as_its_text() -> None:
    assert read("---\ntitle: A\n---\n") == ("A", "---\ntitle: A\n---\n")


NOT_FRONT_MATTER = [
    "---\n- a list\n---\ntext\n",
    "---\n: : :\n  - [\n---\ntext\n",
    "---\ntitle: 'open\n---\ntext\n",
    "---\n\tx: 1\n---\ntext\n",
    "---\nnever closed\n",
    "----\ntitle: A\n----\ntext\n",
    "text\n---\ntitle: A\n---\n",
    "---\na: !!python/object/apply:os.system ['false']\n---\ntext\n",
    "---\na: !!binary '%%%'\n---\ntext\n",
    "---\na: 2024-99-99\n---\ntext\n",
    "---\na: " + "[" * 5000 + "\n---\ntext\n",
    "---\n? [a, b]\n: c\n---\ntext\n",
    "---\n? {a: b}\n: c\n---\ntext\n",
    "---\na: &x [1]\n<<: *x\n---\ntext\n",
    "---\n<<: 5\n---\ntext\n",
    "---\na: \x07\n---\ntext\n",
]


@pytest.mark.parametrize("text", NOT_FRONT_MATTER, ids=lambda text: repr(text[4:20]))
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    title, found = read(text)
    assert title
    assert found in (text, "text\n")


@pytest.mark.parametrize("value", ["!!bool perhaps", "!!int ''", "!!float ''", "!!timestamp x"])
def test_a_tag_that_does_not_fit_costs_no_note(value: str) -> None:
    assert "The text." in read(f"---\ntitle: {value}\n---\nThe text.\n")[1]


def test_an_alias_bomb_does_not_go_off() -> None:
    levels = ["a0: &a0 [" + ", ".join(["lol"] * 10) + "]"]
    levels += [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]" for i in range(1, 12)]
    text = "---\n" + "\n".join(levels) + "\ntitle: Bomb\n---\nThe text.\n"
    assert read(text) == ("stem", text)


def test_giant_front_matter_is_text() -> None:
    text = "---\n" + "a: b\n" * 10_000 + "---\nThe text.\n"
    assert read(text)[1] == text


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["```\n", "~~~", "# ", "---\n", "#\t\t", "``` \n# x\n", "[", "  "])
def test_many_marks_take_no_quadratic_time(unit: str) -> None:
    read("x\n" + unit * (200_000 // len(unit)))


@given(st.text(alphabet="-:[]{}&*!|>'\"#\n ab?,%@`", max_size=80))
def test_any_front_matter_is_read_or_left(middle: str) -> None:
    text = f"---\n{middle}\n---\nThe text.\n"
    title, found = read(text)
    assert title.strip()
    assert found.endswith("The text.\n")


@given(st.binary(max_size=100))
def test_any_bytes_are_a_note_or_skipped(data: bytes) -> None:
    try:
        (document,) = read_markdown(SourceFile("stem.md", b"---\n" + data))
    except SkippedFile:
        return
    assert document.text.strip()


def names(front: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    source = SourceFile("stem.md", f"---\n{front}\n---\ntext\n".encode())
    (document,) = read_markdown(source)
    return document.aliases, document.tags


@pytest.mark.parametrize(
    ("front", "aliases", "tags"),
    [
        ("aliases: [The Old Mill, mill]", ("The Old Mill", "mill"), ()),
        ("alias: The Old Mill, mill", ("The Old Mill", "mill"), ()),
        ("tags:\n  - '#boats/red'\n  - 2024", (), ("boats/red", "2024")),
        ("tags: boats, boats\nkeywords: rope", (), ("boats", "rope")),
        ("aliases:\ntags: {a: b}", (), ()),
        ("aliases: [[a], {b: c}, null, true]", (), ("",)[:0]),
        ("aliases: ['two\n  lines', '\x85', '  ']", ("two lines",), ()),
        ("aliases: [מנורה, 灯台]", ("מנורה", "灯台"), ()),
    ],
)
def test_front_matter_names_and_tags_the_note(
    front: str, aliases: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    assert names(front) == (aliases, tags)


def test_bombs_of_front_matter_stay_small() -> None:
    aliases, tags = names(f"aliases: [{', '.join(f'a{n}' for n in range(2000))}]")
    assert len(aliases) == 100
    assert names(f"tags: [0x{'f' * 15_000}]") == ((), ())
    (aliases, tags) = names(f"aliases: [{'x' * 15_000}]")
    assert [len(alias) for alias in aliases] == [200]
    assert tags == ()
