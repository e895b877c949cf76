"""How the steps of an attempt at a run save memory: as planned, and no faster after bad ends.

`plan.json` holds the planned way, `memory_way.json` the limit that the supervisor set after bad
ends. A run that begins anew loses its plan, but keeps the limit.
"""

from __future__ import annotations

from mlx_backend.jobs import memory_ladder, memory_offsets_0_1
from mlx_backend.jobs.memory_ladder import MemoryWay
from mlx_backend.jobs.memory_offsets_0_1 import Lowered
from mlx_backend.run.context import RunContext
from mlx_backend.run.plan import RunPlan
from mlx_backend.run.preparation import positions


def way_of(run: RunContext) -> MemoryWay:
    """The way that an attempt takes: the plan's, or the first one, within the limit.

    It is recorded for the supervisor, which chooses a thriftier one after bad ends. Raises
    OvernightError when the plan is damaged, OSError when the way cannot be recorded.
    """
    plan = run.files.plan()
    way = plan.memory_way if plan is not None else None
    way = way or _older_way(run, memory_offsets_0_1.read_lowered(run.folder))
    if memory_ladder.read_computed_way(run.folder) is None:
        _remove_false_limit(run, way)
    way = memory_ladder.thriftier_of(way, memory_ladder.read_limit(run.folder))
    memory_ladder.write_computed_way(run.folder, way)
    return way


def planned_way(run: RunContext, plan: RunPlan) -> MemoryWay:
    """The way whose memory was measured for the plan."""
    return plan.memory_way or _older_way(run, Lowered())


def _remove_false_limit(run: RunContext, way: MemoryWay) -> None:
    # In versions under development after 0.1, the file of the limit held the way of every attempt.
    # Where that is the way of the plan, or the first one, no bad end chose it.
    if memory_ladder.read_limit(run.folder) == way:
        memory_ladder.remove_limit(run.folder)


def _older_way(run: RunContext, lowered: Lowered) -> MemoryWay:
    """The way that files of version 0.1 mean; without any, the one in which a run begins."""
    planned, spec = memory_offsets_0_1.read_planned_steps(run.folder), run.spec
    return memory_offsets_0_1.way_at(planned, lowered, positions(), spec.dropout, spec.low_memory)
