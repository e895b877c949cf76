"""Base models that lie on this machine already, where other programs keep theirs.

Other programs' folders can hold anything: the search is bounded in depth, in entries and in time,
follows no links to folders, and passes over what it may not read.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlx_backend.catalogue.model_folder import Looked, look_at, may_be_model
from mlx_backend.catalogue.places import LM_STUDIO, Place, places, read_small
from mlx_backend.catalogue.same_weights import are_same_files, have_same_weights, weights_in
from mlx_backend.library.model_figures import figures_of, stored_bits
from mlx_backend.library.model_fit import Fit, fit_of
from mlx_backend.library.models import BaseModel
from mlx_backend.library.this_machine import Machine

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"models--([\w.-]{1,96})--([\w.-]{1,96})", re.ASCII)


@dataclass(frozen=True)
class Limits:
    """How far the search goes in the folder of each program."""

    entries: int = 20_000
    seconds: float = 2.0


@dataclass(frozen=True)
class Found:
    """A base model that another program keeps.

    path: the folder to adopt. title: its name there. program: whose it is. source: the repository
    and commit, "" where they are not known. bytes: of its files. bits: of a weight as stored, 0
    where not known. parameters: computed from the size of the files. why_not: a sentence that says
    why it cannot be adopted; "" where nothing is known against. in_library: the name under which it
    is in the library already, else "".
    """

    path: Path
    title: str
    program: str
    source: str
    bytes: int
    bits: int
    parameters: int
    fit: Fit
    why_not: str = ""
    in_library: str = ""


def found_on_this_machine(
    models: Sequence[BaseModel] = (),
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
    machine: Machine | None = None,
    limits: Limits = Limits(),
) -> list[Found]:
    """The base models that other programs keep here; those that can be adopted first, by title.

    models: what is in the library. home, environment, machine: None for the person's own. Takes at
    most `limits.seconds` for each of a handful of programs, but for a disk that does not answer: so
    never call it where somebody waits for every frame.
    """
    home = home or Path.home()
    machine = machine or Machine.here()
    known = _Known(models)
    found = []
    for place in places(home, os.environ if environment is None else environment, _beside(home)):
        for path, title, source, looked in _looked_through(place, limits):
            config, size = looked.config, looked.weight_bytes
            figures = figures_of(config, 0, size)
            found.append(
                Found(
                    path=path,
                    title=title,
                    program=place.program,
                    source=source,
                    bytes=looked.bytes,
                    bits=stored_bits(config),
                    parameters=figures.parameters if size else 0,
                    fit=fit_of(figures, machine),
                    why_not=looked.why_not,
                    in_library=known.name_of(path, source or _published(place, title), looked),
                )
            )
    return sorted(found, key=lambda each: (bool(each.why_not), each.title.casefold(), each.path))


class _Known:
    """The models of the library, by their source and by their weights."""

    def __init__(self, models: Sequence[BaseModel]) -> None:
        self._by_source = {model.card.source: model.card.name for model in models}
        self._weights = [(model, weights_in(model.path)) for model in models]

    def name_of(self, path: Path, source: str, looked: Looked) -> str:
        """The name under which a model that was found is in the library; "" where it is not."""
        if source and source in self._by_source:
            return self._by_source[source]
        same = [
            model
            for model, sizes in self._weights
            if sizes == looked.weights and have_same_weights(path, model.path, sizes)
        ]
        linked = (model for model in same if are_same_files(path, model.path, looked.weights))
        best = next(linked, None) or next(iter(same), None)
        return best.card.name if best is not None else ""


@dataclass
class _Budget:
    """What is left of the limits of one place."""

    entries: int
    ends: float
    used_up: bool = field(default=False)

    @classmethod
    def of(cls, limits: Limits) -> _Budget:
        return cls(limits.entries, time.monotonic() + limits.seconds)

    def take(self) -> bool:
        """Take one entry; False where nothing is left."""
        self.entries -= 1
        self.used_up = self.used_up or self.entries < 0 or time.monotonic() > self.ends
        return not self.used_up


_Candidate = tuple[Path, str, str, Looked]


def _looked_through(place: Place, limits: Limits) -> Iterator[_Candidate]:
    """Each model of a place: folder, title, source, and what is in it."""
    budget = _Budget.of(limits)
    if place.is_hub_cache:
        candidates = _snapshots(place.root, budget)
    else:
        candidates = _folders(place.root, place.root, place.depth, budget)
    for path, title, source in candidates:
        _, files = _listed(path, budget)
        looked = look_at(path, files, place.root)
        if looked is not None:
            yield path, title, source, looked


def _folders(
    folder: Path, root: Path, depth: int, budget: _Budget
) -> Iterator[tuple[Path, str, str]]:
    """The folders of models at most `depth` below one; none below another."""
    below, files = _listed(folder, budget)
    if may_be_model(files):
        title = folder.name if folder == root else str(folder.relative_to(root))
        yield folder, title, ""
    elif depth > 0:
        for name in below:
            yield from _folders(folder / name, root, depth - 1, budget)


def _snapshots(cache: Path, budget: _Budget) -> Iterator[tuple[Path, str, str]]:
    """The newest snapshot of each model in a cache of the Hub."""
    below, _ = _listed(cache, budget)
    for name in below:
        if named := _REPOSITORY.fullmatch(name):
            repository = f"{named[1]}/{named[2]}"
            commits, _ = _listed(cache / name / "snapshots", budget)
            commit = _newest(cache / name, commits)
            if commit:
                yield cache / name / "snapshots" / commit, repository, f"{repository}@{commit}"


def _newest(repository: Path, commits: Sequence[str]) -> str:
    """The commit that the branch "main" has; else the only one there is, or any; "" without one."""
    try:
        main = read_small(repository / "refs" / "main", 100).decode("ascii").strip()
    except (OSError, ValueError):
        main = ""
    known = sorted(commit for commit in commits if _COMMIT.fullmatch(commit))
    return main if main in known else next(iter(known), "")


def _listed(folder: Path, budget: _Budget) -> tuple[list[str], list[str]]:
    """The names of the folders and of the other entries in a folder, as far as the budget goes.

    A link to a folder is none. Hidden ones are passed over.
    """
    below: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not budget.take():
                    break
                if not entry.name.startswith("."):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    (below if is_folder else files).append(entry.name)
    except (OSError, ValueError):
        pass
    return sorted(below), files


def _published(place: Place, title: str) -> str:
    """What the card of a model from LM Studio has as its source, PUBLISHER/MODEL; "" of others."""
    return title if place.program == LM_STUDIO and title.count("/") == 1 else ""


def _beside(home: Path) -> Path:
    """The folder in which a terminal stands; the person's own where that is gone."""
    try:
        return Path.cwd()
    except OSError:
        return home
