"""The privacy page before an adapter is shared: shown first, and only then passed by the person."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from mlx_backend.adapters.privacy.shown_pages import mark_shown, shown_pages
from mlx_backend.cli.console import Console
from mlx_backend.cli.privacy_page import lines_of
from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library.adapters import Adapter
from mlx_backend.library.home import Library
from mlx_backend.protocol.privacy import PrivacyPage


@dataclass(frozen=True)
class SharingGate:
    """The way of one adapter out of the library. `how` it goes: "exported" or "published"."""

    library: Library
    adapter: Adapter
    how: str
    options: argparse.Namespace

    @property
    def despite_pages(self) -> tuple[str, ...]:
        """The ids of the pages that count as seen: with `--despite-privacy` those shown before."""
        if not self.options.despite_privacy:
            return ()
        return shown_pages(self.library, self.adapter)

    def show(self, result: Mapping[str, object], console: Console) -> None:
        """Show the page of a result. Raises OvernightError where the adapter was held back."""
        page = msgspec.convert(result["privacy"], PrivacyPage)
        for line in lines_of(page):
            console.say(line)
        if not result.get("held_back"):
            return
        console.attach({"privacy": result["privacy"]})
        mark_shown(self.library, self.adapter, str(result["page_id"]))
        raise self._held_back(page)

    def _held_back(self, page: PrivacyPage) -> OvernightError:
        name = self.adapter.name
        hint = f'`overnight privacy "{name}"` shows the page of the adapter alone. '
        if not page.may_leave_anyway:
            hint += "A secret in the files leaves on no condition: take it out, then try again."
        elif self.options.despite_privacy:
            hint += (
                "--despite-privacy counts for a page that was shown before, and this one was not."
                " Read it; with the same command again it is shared all the same."
            )
        elif not page.has_findings:
            hint += (
                "Nothing private was found, but the test is not whole. Share it all the same with"
                " --despite-privacy."
            )
        else:
            hint += (
                "Leave those notes out and train again, or share it all the same with"
                " --despite-privacy."
            )
        message = f"“{name}” was not {self.how}, because of what its privacy page says."
        return OvernightError(ErrorKind.PRIVATE, message, hint)
