from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlx_backend.errors import ErrorKind, OvernightError
from mlx_backend.library import Library
from mlx_backend.library.home import HOME_VARIABLE
from mlx_backend.night.after_restart import COMMAND, LoginEntry, go_on_after_restart, login_entry

HOSTILE = 'my "notes" 100% $HOME \\ {x}\nExecStart=/bin/false'


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody else than whoever runs the tests."""
    home = tmp_path / "person"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


@pytest.fixture
def systemd(person: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system that has systemd, whichever this one has."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return person / ".config" / "systemd" / "user"


def entry_for(library: Library, platform: str, **environment: str) -> LoginEntry:
    entry = login_entry(library, platform, environment)
    assert entry is not None
    return entry


def test_the_launch_agent_of_a_mac(person: Path) -> None:
    library = Library(Path("/Users/me/Library") / HOSTILE)
    entry = entry_for(library, "darwin")
    assert entry.path.parent == person / "Library" / "LaunchAgents"
    agent = plistlib.loads(entry.content)
    assert agent["Label"] == entry.path.stem
    assert agent["ProgramArguments"] == [
        sys.executable,
        "-m",
        "mlx_backend.cli",
        "resume",
        "--waiting",
    ]
    assert agent["EnvironmentVariables"] == {HOME_VARIABLE: str(library.home)}
    assert agent["RunAtLoad"] is True
    assert agent["AbandonProcessGroup"] is True
    assert "KeepAlive" not in agent


def test_the_unit_of_systemd(systemd: Path, library: Library) -> None:
    entry = entry_for(library, "linux")
    assert entry.path.parent == systemd
    assert entry.link == systemd / "default.target.wants" / entry.path.name
    lines = entry.content.decode().splitlines()
    assert f'Environment="{HOME_VARIABLE}={library.home}"' in lines
    assert f'ExecStart="{sys.executable}" "-m" "mlx_backend.cli" "resume" "--waiting"' in lines


def test_no_path_escapes_from_its_line(systemd: Path) -> None:
    library = Library(Path("/home/me") / HOSTILE)
    command = ("/opt/" + HOSTILE, *COMMAND[1:])
    entry = login_entry(library, "linux", {}, command)
    assert entry is not None
    lines = entry.content.decode().splitlines()
    plain = entry_for(Library(Path("/home/me/notes")), "linux").content.decode().splitlines()
    assert len(lines) == len(plain)
    (environment,) = [line for line in lines if line.startswith("Environment=")]
    assert environment == (
        f'Environment="{HOME_VARIABLE}=/home/me/my \\"notes\\" 100%% $HOME \\\\ {{x}}'
        '\\nExecStart=/bin/false"'
    )
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    assert "100%% $$HOME" in start


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_itself_understands_the_unit(tmp_path: Path, library: Library) -> None:
    unit = tmp_path / "overnight-resume.service"
    odd = Library(library.home / 'my "notes" 100% $HOME \\ {x}')
    unit.write_bytes(entry_for(odd, "linux").content)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(unit)],
        check=False,
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        timeout=60,
    )
    assert "overnight-resume.service" not in done.stderr


def test_every_library_has_its_own(person: Path, tmp_path: Path) -> None:
    one, other = (entry_for(Library(tmp_path / name), "darwin").path for name in ("one", "other"))
    assert one != other
    assert "one" not in one.name


def test_it_is_made_and_taken_back(systemd: Path, library: Library) -> None:
    for _ in range(2):  # to ask twice is no error
        go_on_after_restart(library, wanted=True)
    (unit,) = systemd.glob("*.service")
    (link,) = (systemd / "default.target.wants").iterdir()
    assert link.resolve() == unit.resolve()
    for _ in range(2):
        go_on_after_restart(library, wanted=False)
    assert not list(systemd.rglob("*.service"))


def test_what_has_changed_is_brought_up_to_date(systemd: Path, library: Library) -> None:
    go_on_after_restart(library, wanted=True)
    (unit,) = systemd.glob("*.service")
    right = unit.read_bytes()
    unit.write_bytes(b"[Service]\nExecStart=/an/older/python\n")
    go_on_after_restart(library, wanted=True)
    assert unit.read_bytes() == right


def test_the_folder_that_systemd_is_told_to_use(systemd: Path, library: Library) -> None:
    entry = entry_for(library, "linux", XDG_CONFIG_HOME="/elsewhere")
    assert entry.path.is_relative_to("/elsewhere/systemd/user")


def test_a_folder_that_may_not_be_written_is_said(systemd: Path, library: Library) -> None:
    systemd.parent.parent.mkdir(parents=True, exist_ok=True)
    systemd.parent.write_text("a file where a folder has to be")
    with pytest.raises(OvernightError) as caught:
        go_on_after_restart(library, wanted=True)
    assert caught.value.kind is ErrorKind.UNREADABLE
    assert str(systemd) in caught.value.message


def test_a_system_that_cannot_says_so(
    systemd: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    go_on_after_restart(library, wanted=False)
    with pytest.raises(OvernightError) as caught:
        go_on_after_restart(library, wanted=True)
    assert caught.value.hint
