"""The packages, and what was measured, at the end."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.appliance.machine import ROOT, absent

NEWER = "99.0.0"
RELEASES: tuple[list[str], ...] = ([], ["--version", NEWER])
SOURCES = ("station", "drivers", "calibration", "debian", "systemd", "docs")
_TOLD = pytest.StashKey[list[str]]()


class Packages(NamedTuple):
    """Two releases of the same tree, the second of which calls itself `NEWER`."""

    folder: Path
    present: str
    newer: str


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TOLD] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    told = config.stash[_TOLD]
    if told:
        terminalreporter.section("measured in the machine")
        for line in told:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def told(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the summary."""
    return request.config.stash[_TOLD]


@pytest.fixture(scope="session")
def packages(told: list[str]) -> Packages:
    """Build both, from the tree as it is."""
    missing = absent() or (None if shutil.which("dh") else "debhelper is not installed: apt-get install debhelper")
    if missing is not None:
        pytest.skip(missing)
    folder = ROOT / "build" / "appliance" / "packages"
    found = sorted(folder.glob("*.deb"))
    changed_s = max(path.stat().st_mtime for name in SOURCES for path in (ROOT / name).rglob("*") if path.is_file())
    if len(found) != len(RELEASES) or changed_s > min(path.stat().st_mtime for path in found):
        shutil.rmtree(folder, ignore_errors=True)
        for more in RELEASES:
            command = [str(ROOT / "tools" / "make_deb.sh"), "--into", str(folder), *more]
            built = subprocess.run(command, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stderr
        found = sorted(folder.glob("*.deb"))
    told.extend(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB" for path in found)
    present, newer = (path.name for path in found)
    return Packages(folder, present, newer)
