"""Ctrl-C, a closed terminal and SIGTERM close the window as Quit does."""

from __future__ import annotations

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal

_POLITE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndSignals(QObject):
    """Hears the system's signals at once, also while Qt's loop waits for events.

    Only the first of a kind is handled: the next one ends the process, in case it hangs.
    """

    received = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Python runs a handler between two of its own instructions, and none while Qt waits. But it
        # also writes a byte to this socket, which wakes Qt.
        self._ours, self._pythons = socket.socketpair()
        for end in (self._ours, self._pythons):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._hear)
        self._woken_before = signal.set_wakeup_fd(self._pythons.fileno())
        self._before = {
            number: signal.signal(number, _do_nothing)
            for number in _POLITE
            if signal.getsignal(number) is not signal.SIG_IGN  # as nohup has it
        }

    def close(self) -> None:
        """Let the signals do what they did before."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._woken_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        self._ours.close()
        self._pythons.close()

    def _hear(self) -> None:
        numbers = set(self._ours.recv(64)) & {*self._before}
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
        if numbers:
            self.received.emit()


def _do_nothing(*_: object) -> None:
    """Python writes the byte only for signals that have a handler."""
