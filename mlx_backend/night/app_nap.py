"""App Nap slows programs in the background on a Mac; it is switched off while one works.

Source: https://developer.apple.com/documentation/foundation/nsprocessinfo. The calls go through the
Objective-C runtime, so that no bridge has to be installed for three of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import sys
from collections.abc import Iterator
from typing import Any

# NSActivityUserInitiatedAllowingIdleSystemSleep: `awake.py` decides whether the system sleeps.
_ACTIVITY = 0x00FFFFFF & ~(1 << 20)
_OBJC = "/usr/lib/libobjc.A.dylib"
_FOUNDATION = "/System/Library/Frameworks/Foundation.framework/Foundation"

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def without_app_nap(reason: str) -> Iterator[None]:
    """Keep a Mac from slowing this process during a block; does nothing elsewhere."""
    with contextlib.ExitStack() as stack:
        if sys.platform == "darwin":
            try:
                stack.enter_context(_activity(reason))
            except (OSError, AttributeError, ctypes.ArgumentError) as error:
                _log.warning("App Nap stays on: %s", error)
        yield


@contextlib.contextmanager
def _activity(reason: str) -> Iterator[None]:
    objc = _ObjectiveC()
    information = objc.call(objc.named("NSProcessInfo"), "processInfo")
    words = objc.call(objc.named("NSString"), "stringWithUTF8String:", reason.encode())
    begin = "beginActivityWithOptions:reason:"
    token = objc.call(information, begin, ctypes.c_uint64(_ACTIVITY), ctypes.c_void_p(words))
    objc.call(token, "retain")
    try:
        yield
    finally:
        objc.call(information, "endActivity:", ctypes.c_void_p(token))
        objc.call(token, "release")


class _ObjectiveC:
    """Sends messages to Objective-C objects. Raises OSError where there is no Objective-C."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(_OBJC)
        ctypes.CDLL(_FOUNDATION)
        for name in ("objc_getClass", "sel_registerName"):
            function = getattr(self._library, name)
            function.restype, function.argtypes = ctypes.c_void_p, [ctypes.c_char_p]

    def named(self, name: str) -> int:
        """The class of this name."""
        found: int | None = self._library.objc_getClass(name.encode())
        if not found:
            raise OSError(f"there is no class {name}")
        return found

    def call(self, target: int, message: str, *arguments: Any) -> int:
        """Send `message`; returns an object, or 0."""
        kinds = [ctypes.c_char_p if isinstance(a, bytes) else type(a) for a in arguments]
        # Arm passes variadic arguments differently, so each call needs its own prototype.
        send = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, *kinds)(
            ("objc_msgSend", self._library)
        )
        answer: int | None = send(
            target, self._library.sel_registerName(message.encode()), *arguments
        )
        return answer or 0
