"""A link that was clicked: shows where it leads, and opens it only when that is chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QCursor, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.text.directions import apart
from app.text.hidden_characters import revealed
from app.widgets.markdown_document import is_web_address

_LONGEST = 80  # characters of an address


def offer_link(widget: QWidget, url: QUrl) -> QMenu | None:
    """Offer to open a link of the web in the browser, or to copy it; None for any other link."""
    # Encoded: no letter of another script passes for one of ours.
    address = url.toString(QUrl.ComponentFormattingOption.FullyEncoded)
    if not is_web_address(address):
        return None
    menu = QMenu(widget)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction(apart(shown_address(address))).setEnabled(False)
    menu.addSeparator()
    menu.addAction("Open in Browser", lambda: QDesktopServices.openUrl(QUrl(address)))
    menu.addAction("Copy Link", lambda: QGuiApplication.clipboard().setText(address))
    menu.popup(QCursor.pos())
    return menu


def shown_address(address: str) -> str:
    """An address with its host, whole or its telling end, and as much of the rest as has room.

    Without user names, which can look like a host.
    """
    url = QUrl(address)
    encoded = QUrl.ComponentFormattingOption.FullyEncoded
    host = url.host(encoded)
    if len(host) > _LONGEST:
        host = f"…{host[1 - _LONGEST :]}"
    port = f":{url.port()}" if url.port() >= 0 else ""
    query = f"?{url.query(encoded)}" if url.hasQuery() else ""
    rest = f"{url.path(encoded)}{query}"
    room = max(0, _LONGEST - len(host))
    short = rest if len(rest) <= room else f"{rest[:room]}…"
    return revealed(f"{url.scheme()}://{host}{port}{short}").replace("&", "&&")
