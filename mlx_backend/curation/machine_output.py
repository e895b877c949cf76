"""Recognising machine output: logs, stack traces, minified code, encoded data.

Code that people write and read does not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)"
_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_TIME = r"\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
_LOG = re.compile(
    rf"""\W{{0,2}}(?:
        {_DATE}[T ]{_TIME}\W+(?:.{{0,40}}\b{_LEVEL}\b|\S{{1,60}}[\[(]\d+[\])]:|[\w.]+=\S+)
      | \[?{_LEVEL}\]?[:\s\[]+(?:{_DATE}|{_TIME}|[\w.]+:\d+|\[?[\w.]+\]?:)
      | [A-Z][a-z]{{2}}\s+\d+\s{_TIME}\s\S+\s\S+?(?:\[\d+\])?:\s
      | \S+\s\S+\s\S+\s\[[^\]]{{10,40}}\]\s"[A-Z]{{3,7}}\s
      | \[\s*\d+\.\d{{6}}\]\s
    )""",
    re.VERBOSE,
)
_TRACE = re.compile(
    r"""\s*(?:
        at\s[\w$.<>\[\]\s/@-]+\(.*\)$
      | at\s(?:async\s)?(?:\S*/|\w+:)\S*:\d+:\d+
      | File\s".+",\sline\s\d+
      | Traceback\s\(most\srecent\scall\slast\)
      | (?:Caused\sby:\s)?[\w.]+(?:Error|Exception)(?::\s|$)
      | from\s\S+:\d+:in\s
      | \d+:\s+0x[0-9a-f]+\s
      | goroutine\s\d+\s\[
      | \.\.\.\s\d+\smore
    )""",
    re.VERBOSE,
)
_ENCODED = re.compile(r"(?:[A-Za-z0-9+/_-]{60,}={0,2}|(?:[0-9a-fA-F]{2,8}[\s:]+){14,}.*)")
_MINIFIED_LENGTH = 400
_MINIFIED_SIGNS = re.compile(r"[{}()\[\];,:=<>&|\"']")

LOG, TRACE, ENCODED, MINIFIED = "lines of a log", "stack traces", "encoded data", "minified code"


def machine_shares(lines: Sequence[str]) -> dict[str, float]:
    """For each kind of machine output found: its share of the characters, from 0 to 1."""
    total = sum(map(len, lines))
    sizes: Counter[str] = Counter()
    for line in lines:
        if kind := _kind(line):
            sizes[kind] += len(line)
    return {kind: size / total for kind, size in sizes.items()}


def _kind(line: str) -> str:
    beginning = line[:500]
    if _LOG.match(beginning):
        return LOG
    if _TRACE.match(beginning):
        return TRACE
    stripped = line.strip()
    if _ENCODED.fullmatch(stripped) and _is_mixed(stripped):
        return ENCODED
    if len(line) > _MINIFIED_LENGTH and _is_minified(line):
        return MINIFIED
    return ""


def _is_mixed(run: str) -> bool:
    """Whether a long run of characters is encoded data rather than a drawn line or a word."""
    return len(set(run)) > 8 and sum(character.isdigit() for character in run) * 50 > len(run)


def _is_minified(line: str) -> bool:
    sample = line[:4000]
    spaces = sample.count(" ") + sample.count("\t")
    signs = len(_MINIFIED_SIGNS.findall(sample))
    return spaces * 12 < len(sample) and signs * 10 > len(sample)
