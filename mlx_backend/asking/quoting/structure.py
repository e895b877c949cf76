"""How the blocks of a note belong together: lists, tables, sections, and what leads in to them."""

from __future__ import annotations

import re

from mlx_backend.asking.quoting.blocks import Block, Kind
from mlx_backend.asking.quoting.surroundings import Surroundings

MOST_CHARACTERS = 2_000
"""As much of a list, table or section is shown; the rest is left out, which is said."""

_LEADS_IN = re.compile(r"[:：][\"')\]”»*_`]*\s*\Z")
Run = tuple[int, int]
"""Blocks [first, last] by their index."""


def leads_in(text: str) -> bool:
    """Whether a text ends with a colon, so that it is whole only with what follows."""
    return bool(_LEADS_IN.search(text[-16:]))


def run_of(around: Surroundings, index: int) -> Run:
    """The list or table that a block is a part of; the block alone if it is of neither."""
    kind = around.blocks[index].kind
    if kind not in (Kind.ITEM, Kind.ROW):
        return index, index
    if index not in around.runs:
        find = _list_run if kind is Kind.ITEM else _table_run
        run = find(around.blocks, index)
        around.runs.update(dict.fromkeys(range(run[0], run[1] + 1), run))
    return around.runs[index]


def children_of(around: Surroundings, index: int) -> Run:
    """A list item with all that is indented below it."""
    blocks = around.blocks
    last = index
    while last + 1 < len(blocks) and _is_below(blocks[last + 1], blocks[index]):
        last += 1
    return index, last


def section_of(around: Surroundings, heading: int) -> Run | None:
    """The blocks below a heading, up to the next one of its level; None without any."""
    blocks = around.blocks
    last = heading
    while last + 1 < len(blocks) and not (
        blocks[last + 1].kind is Kind.HEADING and blocks[last + 1].level <= blocks[heading].level
    ):
        last += 1
    return (heading + 1, last) if last > heading else None


def before_run(around: Surroundings, run: Run) -> int | None:
    """The index of the paragraph right before a list, a table or code; None without one."""
    first = run[0] - 1
    if first >= 0 and around.blocks[first].kind in (Kind.PARAGRAPH, Kind.ITEM):
        return first
    return None


def after(around: Surroundings, index: int, kinds: frozenset[Kind]) -> Run | None:
    """What follows a block, if it is of one of these kinds: a whole list or table."""
    following = index + 1
    if following >= len(around.blocks) or around.blocks[following].kind not in kinds:
        return None
    return run_of(around, following)


def place_of_run(around: Surroundings, run: Run) -> tuple[int, int]:
    """Characters [start, end) of some blocks, and of a table's column heads if they are rows."""
    first, last = around.blocks[run[0]], around.blocks[run[1]]
    if first.head and around.blocks[run[0] - 1].head != first.head:
        return first.head[0], last.end
    return first.start, last.end


def fitting(around: Surroundings, run: Run) -> Run:
    """As many of the first blocks as may be shown, at least one."""
    first, last = run
    start = around.blocks[first].start
    while last > first and around.blocks[last].end - start > MOST_CHARACTERS:
        last -= 1
    return first, last


def _list_run(blocks: tuple[Block, ...], index: int) -> Run:
    first = index
    while first > 0 and _goes_on(blocks, first - 1):
        first -= 1
    while blocks[first].kind is not Kind.ITEM:
        first += 1
    last = index
    while last + 1 < len(blocks) and _goes_on(blocks, last):
        last += 1
    return first, last


def _goes_on(blocks: tuple[Block, ...], index: int) -> bool:
    """Whether a list goes on from a block to the next one."""
    block, following = blocks[index], blocks[index + 1]
    if following.kind is Kind.ITEM:
        return _precedes(blocks, index, following)
    if following.kind not in (Kind.CODE, Kind.PARAGRAPH, Kind.ROW):
        return False
    if block.kind is not Kind.ITEM and not block.level:
        return False
    if following.level > 0:
        return True
    return following.kind is Kind.CODE and _has_code_for_items(blocks, index)


def _precedes(blocks: tuple[Block, ...], index: int, item: Block) -> bool:
    """Whether a list may go on from a block to an item: code for the item before, or an item."""
    block = blocks[index]
    if block.kind is Kind.ITEM:
        restarts = item.number == 1 and block.number is not None and block.level == item.level
        return not restarts
    if block.kind is Kind.HEADING:
        return False
    if block.level > 0:
        return True
    return block.kind is Kind.CODE and item.number is not None and item.number > 1


def _has_code_for_items(blocks: tuple[Block, ...], index: int) -> bool:
    """Whether code that is not indented belongs to the numbered items of a list."""
    item = blocks[index]
    if item.kind is not Kind.ITEM or item.number is None:
        return False
    following = blocks[index + 2] if index + 2 < len(blocks) else None
    if following and following.kind is Kind.ITEM and following.number == item.number + 1:
        return True
    return index > 0 and blocks[index - 1].kind is Kind.CODE and item.number > 1


def _table_run(blocks: tuple[Block, ...], index: int) -> Run:
    first = last = index
    head = blocks[index].head
    while first > 0 and blocks[first - 1].head == head:
        first -= 1
    while last + 1 < len(blocks) and blocks[last + 1].head == head:
        last += 1
    return first, last


def _is_below(block: Block, item: Block) -> bool:
    return block.kind is not Kind.HEADING and block.level > item.level
