from __future__ import annotations

import pytest

from mlx_backend.night.battery import pmset_says_battery

ON_BATTERY = (
    "Now drawing from 'Battery Power'\n"
    " -InternalBattery-0 (id=22806627)\t78%; discharging; 5:05 remaining present: true\n"
)
ON_MAINS = (
    "Now drawing from 'AC Power'\n"
    " -InternalBattery-0 (id=22806627)\t83%; charging; 1:00 remaining present: true\n"
)
ON_MAINS_BUT_WEAK = (
    "Now drawing from 'AC Power'\n"
    " -InternalBattery-0 (id=22806627)\t83%; discharging; (no estimate) present: true\n"
)
WITHOUT_BATTERY = "Now drawing from 'AC Power'\n"
ON_UPS = (
    "Now drawing from 'UPS Power'\n"
    " -Back-UPS ES 700G FW:871.O4 .I USB FW:O4  (id=6684672)\t97%; discharging; 0:31 remaining\n"
)


@pytest.mark.parametrize("output", [ON_BATTERY, ON_UPS])
def test_battery(output: str) -> None:
    assert pmset_says_battery(output)


@pytest.mark.parametrize(
    "output",
    [ON_MAINS, ON_MAINS_BUT_WEAK, WITHOUT_BATTERY, "", "\0\ufffd", "Now drawing from 'Battery Pow"],
)
def test_no_battery(output: str) -> None:
    assert not pmset_says_battery(output)
