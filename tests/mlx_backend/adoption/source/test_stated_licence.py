from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlx_backend.adoption.source.stated_licence import stated_licence


@pytest.mark.parametrize(
    ("front", "licence"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("tags:\n- mlx\nlicense: mit\nlanguage: en", "mit"),
        ("license: 'gemma'", "gemma"),
        ("license:\n- cc-by-4.0\n- mit", "cc-by-4.0"),
        ("license: [mit, apache-2.0]", "mit"),
        ("license: other\nlicense_name: lfm1.0", "lfm1.0"),
        ("license: other", "other"),
        ("license_link: x", ""),
        ("license: " + "x" * 100, ""),
        ("license: a\x07b", ""),
        ("", ""),
    ],
)
def test_of_a_readme(tmp_path: Path, front: str, licence: str) -> None:
    text = f"---\n{front}\n---\nlicense: gpl-3.0\n"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    assert stated_licence(tmp_path) == licence


@pytest.mark.parametrize("text", ["", "license: mit\n", "---\nlicense: mit\n", "---\n" * 30_000])
def test_a_readme_without_front_matter(tmp_path: Path, text: str) -> None:
    (tmp_path / "README.md").write_text(text)
    assert not stated_licence(tmp_path)


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("\n      Apache License\n   Version 2.0, January 2004\n", "apache-2.0"),
        ("MIT License\n\nCopyright", "mit"),
        ("LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\n", "llama3.2"),
        ("A licence of my own\nwith terms", "A licence of my own"),
        ("", ""),
    ],
)
def test_of_a_licence_file(tmp_path: Path, text: str, licence: str) -> None:
    (tmp_path / "LICENSE").write_text(text)
    assert stated_licence(tmp_path) == licence


def test_the_readme_comes_first(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT License")
    (tmp_path / "README.md").write_text("---\nlicense: gemma\n---\n")
    assert stated_licence(tmp_path) == "gemma"


def test_what_is_no_text_states_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "README.md")
    (tmp_path / "LICENSE").symlink_to("/etc/passwd")
    (tmp_path / "LICENSE.txt").mkdir()
    assert not stated_licence(tmp_path)
