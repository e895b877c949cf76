"""What is hidden, or what programs keep for themselves: not looked into, but counted."""

from __future__ import annotations

from collections import Counter

_OF_PROGRAMS = frozenset({"node_modules", "__pycache__", "__MACOSX"})
# The Finder leaves them wherever it was; a line about them at each import would be noise.
_OF_THE_FINDER = frozenset({".DS_Store", ".localized"})


def is_ignored(name: str) -> bool:
    """Whether an import ignores a file or folder of this name."""
    return name.startswith(".") or name in _OF_PROGRAMS


class IgnoredFiles:
    """One line for all that is passed over in a folder or an archive."""

    def __init__(self) -> None:
        self.first = ""
        self._kinds: Counter[str] = Counter()

    def add(self, path: str, name: str, is_folder: bool) -> None:
        """Count one of these; what is in a folder is not counted."""
        if name in _OF_THE_FINDER:
            return
        self.first = self.first or path
        hidden = "hidden folder" if is_folder else "hidden file"
        self._kinds[hidden if name.startswith(".") else f"{name} folder"] += 1

    @property
    def reason(self) -> str:
        """What there is, in words; "" where nothing is."""
        if not self._kinds:
            return ""
        counted = (f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in sorted(self._kinds.items()))
        return f"What is hidden or for programs alone is passed over: {', '.join(counted)} here"
