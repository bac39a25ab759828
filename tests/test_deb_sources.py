"""What the Debian package is made from agrees with the rest of the project."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from station import config, wiring

ROOT = Path(__file__).resolve().parents[1]
DEBIAN = ROOT / "debian"
AS_DEBIAN_NAMES = {"pillow": "python3-pil", "pyserial": "python3-serial"}


def test_every_requirement_is_a_debian_package_or_brought_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w-]", line)[0] for line in project["dependencies"]}
    brought = set(re.findall(r"(?m)^([\w-]+)==", (DEBIAN / "vendored.txt").read_text(encoding="utf-8")))
    control = (DEBIAN / "control").read_text(encoding="utf-8")
    left = {name for name in names - brought if AS_DEBIAN_NAMES.get(name, f"python3-{name}") + " (" not in control}
    assert left == set()


def test_brought_along_is_one_exact_file_for_each_architecture() -> None:
    text = (DEBIAN / "vendored.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"(?m)^[\w-]+==[\w.]+(?: \\\n    --hash=sha256:[0-9a-f]{64}){1,2}$", text)
    assert len(blocks) == len(re.findall("==", text)) > 5


def test_the_shipped_configuration_passes_the_check() -> None:
    found = config.load(DEBIAN / "station.toml", wiring.driver_options())
    assert (found.station.state_dir, found.scales[0].driver) == ("/var/lib/validation-station", "hx711-bridge")


def decided(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", str(DEBIAN / "decided"), str(path)], capture_output=True, text=True, check=False)


def test_a_fresh_configuration_is_undecided_and_the_lines_are_named() -> None:
    path = DEBIAN / "station.toml"
    lines = [number for number, line in enumerate(path.read_text().splitlines(), 1) if '"decide"' in line]
    (port,) = [number for number, line in enumerate(path.read_text().splitlines(), 1) if "by-id/decide" in line]
    result = decided(path)
    assert result.returncode == 1
    assert f"(line {' '.join(map(str, sorted([*lines[1:], port])))})" in result.stdout


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('id = "vs-03"  # decide later\nport = "/dev/ttyUSB0"\n', 0),
        ('id = "decided-well"\n', 0),
        ('port = "/dev/serial/by-id/DECIDE"\n', 1),
    ],
)
def test_only_values_count_as_undecided(tmp_path: Path, text: str, status: int) -> None:
    path = tmp_path / "station.toml"
    path.write_text(text)
    assert decided(path).returncode == status


def test_no_configuration_is_no_decision(tmp_path: Path) -> None:
    assert decided(tmp_path / "absent.toml").returncode == 1


def test_the_unit_asks_the_script_that_the_package_installs() -> None:
    unit = (ROOT / "systemd" / "validation-station.service").read_text(encoding="utf-8")
    assert "ExecCondition=/usr/libexec/validation-station/decided /etc/validation-station/station.toml" in unit
    assert "$(TREE)/usr/libexec/$(NAME)/decided" in (DEBIAN / "rules").read_text(encoding="utf-8")


def test_the_units_groups_exist_after_installing() -> None:
    unit = (ROOT / "systemd" / "validation-station.service").read_text(encoding="utf-8")
    (groups,) = re.findall(r"(?m)^SupplementaryGroups=(.*)$", unit)
    made = set(re.findall(r"(?m)^g (\w+)", (DEBIAN / "validation-station.sysusers").read_text(encoding="utf-8")))
    assert set(groups.split()) - made == {"video", "dialout"}  # Debian's own
