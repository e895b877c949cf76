"""True sizes and licences, where the Hub can be reached."""

from __future__ import annotations

import json
import sys

import pytest
from pytestqt.qtbot import QtBot

from app.jobs.hub_figures import HubFigure, HubFigures
from app.models.page import ModelsPage
from app.models.to_download import read_offers
from mlx_backend.library import Library
from tests.app.models.conftest import GRANITE, MAC

ROW = {"repo": GRANITE.repo, "bytes": 2_500_000_000, "licence": "llama3.2", "more": 1}


def command(reply: object, code: int = 0) -> tuple[str, ...]:
    """Prints this reply, after something else."""
    line = json.dumps(reply)
    return (sys.executable, "-c", f"print('Asking'); print({line!r}); exit({code})")


_ask = HubFigures.ask  # the tests of the window do without it


def test_what_the_hub_says_takes_the_place_of_what_was_known(
    library: Library, qtbot: QtBot
) -> None:
    figures = HubFigures(library, command=command({"from_hub": True, "catalogue": [ROW]}))
    with qtbot.waitSignal(figures.told) as told:
        _ask(figures)
    offers = read_offers(MAC, told.args[0])
    granite = next(offer for offer in offers.others if offer.key == GRANITE.repo)
    assert granite.facts.startswith("2.5 GB")
    assert granite.licence == "Not open source: Llama 3.2 Community License"


@pytest.mark.parametrize(
    "broken",
    [
        command({"from_hub": False, "catalogue": [ROW]}),
        command({"error": {}}, 1),
        (sys.executable, "-c", "print('[')"),
        ("/nowhere/at/all",),
    ],
)
def test_without_the_hub_the_catalogue_stays_as_it_is(
    library: Library, qtbot: QtBot, broken: tuple[str, ...]
) -> None:
    figures = HubFigures(library, command=broken)
    with qtbot.assertNotEmitted(figures.told, wait=500):
        _ask(figures)


def test_rows_follow_what_the_hub_says(page: ModelsPage, qtbot: QtBot) -> None:
    repo = next(iter(page.catalogue.rows))
    page._figures.told.emit({repo: HubFigure(repo, 2_500_000_000, "apache-2.0")})
    qtbot.waitUntil(lambda: "2.5 GB" in page.catalogue.rows[repo].facts.text())
