from __future__ import annotations

from pathlib import Path

import pytest

from mlx_backend.night.memory_pressure import linux_stalls, mac_pressure, memory_strain, share_free
from mlx_backend.night.strain import Strain

NONE, SOME, MUCH = Strain.NONE, Strain.SOME, Strain.MUCH

PSI = (
    "some avg10={full} avg60=11.63 avg300=4.20 total=51373187\n"
    "full avg10={full} avg60=9.61 avg300=3.60 total=45124817\n"
)


@pytest.mark.parametrize(("output", "strain"), [("1\n", NONE), ("2\n", SOME), ("4\n", MUCH)])
def test_levels_of_a_mac(output: str, strain: Strain) -> None:
    assert mac_pressure(output) is strain


@pytest.mark.parametrize("output", ["", "3", "-4", "4.0", "critical", "\0", "9" * 500])
def test_what_a_mac_does_not_say_hinders_nobody(output: str) -> None:
    assert mac_pressure(output) is NONE


@pytest.mark.parametrize(
    ("full", "strain"), [("0.00", NONE), ("0.99", NONE), ("1.00", SOME), ("20.00", MUCH)]
)
def test_stalls_of_linux(full: str, strain: Strain) -> None:
    assert linux_stalls(PSI.format(full=full)) is strain


@pytest.mark.parametrize("text", ["", "some avg10=99.00", "full avg10=x", "full avg10="])
def test_other_text_says_nothing(text: str) -> None:
    assert linux_stalls(text) is NONE


@pytest.mark.parametrize(
    ("available", "strain"), [(100, NONE), (10, NONE), (9, SOME), (3, SOME), (2, MUCH), (0, MUCH)]
)
def test_share_that_is_free(available: int, strain: Strain) -> None:
    assert share_free(available, 100) is strain


def test_a_system_without_the_pressure_file_is_judged_by_what_is_free(tmp_path: Path) -> None:
    assert memory_strain(linux_pressure=tmp_path / "none") in Strain
