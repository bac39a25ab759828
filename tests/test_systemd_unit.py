"""The service file holds what systemd accepts, and stays locked down."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[1] / "systemd" / "validation-station.service"
EXPOSURE_MAX = 1.4  # a bare service has 9.2


@pytest.fixture
def analyze(tmp_path: Path) -> tuple[str, Path]:
    """The tool, and the unit with programs that exist on this machine."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed here")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"(?m)^(Exec\w+)=\S+", rf"\1={sys.executable}", UNIT.read_text()))
    return tool, unit


def test_systemd_accepts_the_unit_without_a_word(analyze: tuple[str, Path]) -> None:
    tool, unit = analyze
    result = subprocess.run([tool, "verify", str(unit)], capture_output=True, text=True, check=False)
    about_us = [line for line in result.stderr.splitlines() if UNIT.name in line]
    assert (about_us, result.returncode) == ([], 0)


def test_the_service_stays_locked_down(analyze: tuple[str, Path]) -> None:
    tool, unit = analyze
    command = [tool, "security", "--offline=true", "--no-pager", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in result.stderr:
        pytest.skip("this systemd-analyze cannot judge a unit that is not loaded (older than 250)")
    found = re.search(r"exposure level for \S+: ([\d.]+)", result.stdout)
    assert found is not None, result.stderr
    assert float(found[1]) <= EXPOSURE_MAX


def test_the_service_runs_the_daemon_as_documented() -> None:
    text = UNIT.read_text()
    assert "ExecStart=/opt/validation-station/bin/station run --config /etc/validation-station/station.toml" in text
    assert "StateDirectory=validation-station" in text
