"""The tree keeps the habits written in its documentation."""

import ast
import importlib.metadata
import re
import shutil
import statistics
import subprocess
import tomllib
from pathlib import Path

import msgspec
import pytest

from station.config_keys import Camera, Control, Mqtt, Scale, Station, Tls, Transaction, Trust
from station.core.due import Care
from station.core.store_policy import Policy, Sights
from station.core.weighing import WeighingSettings

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("station", "drivers", "calibration")
FILE_LINES_MAX = 500
FILE_LINES_MEDIAN = 150
FUNCTION_LINES_MEDIAN = 8
FUNCTION_LINES_P95 = 40
MACHINE_PATHS = re.compile(r"/(?:work|root)/|/(?:home|tmp)/[a-z]")


def tracked() -> list[Path]:
    """Every file git knows; all files where this is no clone."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git clone: nobody knows which files belong to the project")
    names = subprocess.run([git, "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def lines_of(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_files_are_small() -> None:
    sizes = {path.relative_to(ROOT): lines_of(path) for path in modules(*SHIPPED, "tests", "benchmarks", "training")}
    assert {path: lines for path, lines in sizes.items() if lines > FILE_LINES_MAX} == {}
    shipped = [lines for path, lines in sizes.items() if path.parts[0] in SHIPPED]
    assert statistics.median(shipped) <= FILE_LINES_MEDIAN


def test_functions_are_small() -> None:
    sizes = sorted(
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in modules(*SHIPPED)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    )
    assert statistics.median(sizes) <= FUNCTION_LINES_MEDIAN
    assert sizes[int(0.95 * len(sizes))] <= FUNCTION_LINES_P95


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in modules(*SHIPPED, "tools", "benchmarks", "training")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_console_scripts_can_be_loaded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = importlib.metadata.distribution(project["name"]).entry_points.select(group="console_scripts")
    assert set(project["scripts"]) == {script.name for script in installed}
    assert all(callable(script.load()) for script in installed)


@pytest.mark.parametrize(
    "kind", [Station, Tls, Mqtt, Scale, Camera, Transaction, Trust, Care, Control, WeighingSettings, Policy, Sights]
)
def test_every_option_is_read_by_something(kind: type[msgspec.Struct]) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in modules("station"))
    unread = [name for name in kind.__struct_fields__ if not re.search(rf"\.{name}\b", source)]
    assert unread == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".sh", ".service", ".json", ".yml", ""} and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATHS.search(line)
    ]
    assert found == []
