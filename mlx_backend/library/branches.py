"""A conversation as a tree of questions: which branch is on show, and which there are beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlx_backend.library.turns import StoredTurn

Parents = Mapping[int, int]
"""By the id of each question, the id of the question that it follows; 0 for none."""


def parents_of(turns: Sequence[StoredTurn]) -> dict[int, int]:
    """What each question follows, of turns in the order of their ids."""
    parents: dict[int, int] = {}
    before = 0
    for turn in turns:
        if turn.role == "user":
            parent = before if turn.parent is None else turn.parent
            parents[turn.id] = parent if parent in parents else 0
            before = turn.id
    return parents


def questions_of(turns: Sequence[StoredTurn]) -> dict[int, int]:
    """By the id of each answer, the id of its question; answers to nothing are left out."""
    found: dict[int, int] = {}
    asked: set[int] = set()
    before = 0
    for turn in turns:
        if turn.role == "user":
            before = turn.id
            asked.add(turn.id)
        else:
            question = before if turn.parent is None else turn.parent
            if question in asked:
                found[turn.id] = question
    return found


def versions_of(parents: Parents) -> dict[int, tuple[int, ...]]:
    """By what they follow, the versions of each question in the order in which they were asked."""
    versions: dict[int, tuple[int, ...]] = {}
    for question in sorted(parents):
        parent = parents[question]
        versions[parent] = (*versions.get(parent, ()), question)
    return versions


def tip_of(parents: Parents, question: int) -> int:
    """The last question of the branch that goes on from a question, by its newest versions."""
    newest: dict[int, int] = {}
    for other, parent in parents.items():
        newest[parent] = max(other, newest.get(parent, 0))
    while question in newest:
        question = newest[question]
    return question


def branch_to(parents: Parents, tip: int | None) -> list[int]:
    """The questions from the first one to `tip`, and what follows that; to the newest without it.

    What follows is said later than `tip` was last noted, for example when a write came too late.
    """
    at = tip_of(parents, tip) if tip is not None and tip in parents else max(parents, default=0)
    branch: list[int] = []
    while at:
        branch.append(at)
        at = parents[at]
    return branch[::-1]


def branch_of(turns: Sequence[StoredTurn], tip: int | None) -> list[StoredTurn]:
    """The turns of the branch to `tip`: each question, and then its answers."""
    by_id = {turn.id: turn for turn in turns}
    answers: dict[int, list[StoredTurn]] = {}
    for answer, question in questions_of(turns).items():
        answers.setdefault(question, []).append(by_id[answer])
    shown: list[StoredTurn] = []
    for question in branch_to(parents_of(turns), tip):
        shown += [by_id[question], *answers.get(question, ())]
    return shown
