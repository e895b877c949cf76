"""Which branch of a conversation is on show."""

from __future__ import annotations

import pytest

from mlx_backend.library.branches import branch_to

# 1 is answered by 2, which was changed to 4; 3 follows 2.
PARENTS = {1: 0, 2: 1, 3: 2, 4: 1}


@pytest.mark.parametrize(
    ("tip", "branch"),
    [(4, [1, 4]), (3, [1, 2, 3]), (2, [1, 2, 3]), (None, [1, 4]), (9, [1, 4])],
)
def test_what_was_asked_after_the_last_noted_question_is_shown(
    tip: int | None, branch: list[int]
) -> None:
    assert branch_to(PARENTS, tip) == branch
