"""The Hub's own figures of the catalogue's models, and how little time they may take."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from mlx_backend.catalogue.entries import Entry, entries
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.models.hub import true_figures
from mlx_backend.models.hub.access import Access
from mlx_backend.models.hub.true_figures import TrueFigures, ask_the_hub
from tests.mlx_backend.models.hub.loopback_hub import REPO, Hub, Repo

Ask = Callable[[], dict[str, TrueFigures]]


def entry(repo: str, revision: str = "") -> Entry:
    return msgspec.structs.replace(entries()[0], repo=repo, revision=revision)


def ask(*asked: Entry) -> dict[str, TrueFigures]:
    return ask_the_hub(asked, Access.from_environment())


def test_sizes_and_licences(hub: Hub) -> None:
    files = hub.repos[REPO].files
    for number in range(20):
        hub.repos[f"someone/{number}"] = Repo(dict(files), licence="gemma")
    found = ask(*(entry(f"someone/{number}") for number in range(20)), entry(REPO))
    assert len(found) == 21
    assert found[REPO] == TrueFigures(sum(map(len, files.values())), "apache-2.0")
    assert {found[f"someone/{number}"].licence for number in range(20)} == {"gemma"}


def test_what_the_hub_does_not_tell_is_missing(hub: Hub) -> None:
    hub.repos["someone/gguf"] = Repo({"model.gguf": b"x"})
    hub.repos["someone/gated"] = Repo({}, gated=True)
    asked = ["someone/gguf", "someone/gated", "someone/gone"]
    assert set(ask(entry(REPO), entry(REPO, "7" * 40), *map(entry, asked))) == {REPO}
    assert set(ask(*map(entry, asked), entry(REPO))) == {REPO}


def test_a_repository_that_states_no_licence_keeps_the_known_one(hub: Hub) -> None:
    hub.repos[REPO] = Repo(hub.repos[REPO].files, licence="")
    assert ask(entry(REPO))[REPO].licence == entries()[0].licence


def test_offline_only_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(name: str, *_: object) -> None:
        asked.append(name)
        raise OvernightError(ErrorKind.OFFLINE, "offline", "")

    monkeypatch.setattr(true_figures, "look_up", refuse)
    assert ask(*entries()) == {}
    assert len(asked) == 1


def test_answers_that_do_not_come_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(true_figures, "_IN_ALL_S", 3.3)
    first = entries()[-1].repo

    def hang(name: str, *_: object) -> None:
        if name != first:
            time.sleep(30)
        raise OvernightError(ErrorKind.MODEL_UNKNOWN, "unknown", "")

    monkeypatch.setattr(true_figures, "look_up", hang)
    began = time.monotonic()
    assert ask(*entries()) == {}
    assert time.monotonic() - began < 2


def test_nothing_to_ask() -> None:
    assert ask() == {}
