"""Files and folders that an import ignores but counts: hidden ones, and folders of programs."""

from __future__ import annotations

from collections import Counter

_OF_PROGRAMS = frozenset({"node_modules", "__pycache__", "__MACOSX"})
# The Finder leaves these everywhere; a line about them at each import would be noise.
_OF_THE_FINDER = frozenset({".DS_Store", ".localized"})


def is_ignored(name: str) -> bool:
    """Whether an import ignores a file or folder of this name."""
    return name.startswith(".") or name in _OF_PROGRAMS


class IgnoredFiles:
    """Counts the ignored files of a folder or an archive, for one line about all of them."""

    def __init__(self) -> None:
        self.first = ""
        self._kinds: Counter[str] = Counter()

    def add(self, path: str, name: str, is_folder: bool) -> None:
        """Count one ignored file or folder; the contents of a folder are not counted."""
        if name in _OF_THE_FINDER:
            return
        self.first = self.first or path
        hidden = "hidden folder" if is_folder else "hidden file"
        self._kinds[hidden if name.startswith(".") else f"{name} folder"] += 1

    @property
    def reason(self) -> str:
        """The line for the person; "" when nothing was ignored."""
        if not self._kinds:
            return ""
        counted = (f"{n:,} {kind}{'s' * (n > 1)}" for kind, n in sorted(self._kinds.items()))
        return f"Hidden files and folders of programs are not read: {', '.join(counted)} here"
