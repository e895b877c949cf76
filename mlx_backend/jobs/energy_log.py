"""The energy of a run in its events and its result, added up over all of its processes."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from mlx_backend import protocol
from mlx_backend.jobs.folder import JobFolder
from mlx_backend.jobs.journal import Journal
from mlx_backend.jobs.machine_services import Every
from mlx_backend.protocol.report import EnergyReport

_EVERY_S = 60.0

_log = logging.getLogger(__name__)

Measure = Callable[[], tuple[float, str] | None]


class EnergyLog:
    """Appends the energy used to the events once a minute.

    `measure` gives the watt-hours since it was made and how they are known. `before` are the
    watt-hours that earlier processes of this run used.
    """

    def __init__(self, journal: Journal, measure: Measure, before: float) -> None:
        self._journal = journal
        self._measure = measure
        self._before = before
        self._due = Every(_EVERY_S)
        self._due.is_due()  # the first minute starts now
        self._latest: protocol.EnergyUsed | None = None

    def tell_when_due(self) -> None:
        """Append the event when a minute has passed."""
        if self._due.is_due():
            self.tell()

    def tell(self) -> None:
        """Append the event now; does nothing where energy cannot be measured."""
        measured = self._measure()
        if measured is not None:
            used, how = measured
            self._latest = protocol.EnergyUsed(watt_hours=self._before + used, how=how)
            self._journal.append(self._latest)

    def added_to(self, folder: JobFolder, end: protocol.Finished) -> protocol.Finished:
        """The result with `watt_hours` and `energy_how`, which are written into report.json too."""
        if self._latest is None:
            return end
        used = round(self._latest.watt_hours, 2)
        energy = EnergyReport(watt_hours=used, how=self._latest.how).fields()
        try:
            report = msgspec.json.decode((folder.path / "report.json").read_bytes())
            folder.write_report(report | energy)
        except (OSError, TypeError, UnicodeDecodeError, msgspec.DecodeError) as error:
            _log.warning("the energy is missing in the report: %s", error)
        return protocol.Finished(result=end.result | energy)
