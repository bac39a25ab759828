"""The virtual machine beside the project: is it there, and what did a module of `guest/` see in it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TESTBED = ROOT.parent / "shared" / "testbed" / "testbed"
START = Path(__file__).resolve().parent / "guest" / "start.sh"
_LIMIT_S = 400

Facts = dict[str, Any]


def absent() -> str | None:
    """Say what is missing for a machine; None where nothing is."""
    if not TESTBED.exists():
        return "no test-bed: ../shared/testbed/testbed is not there"
    given = os.environ.get("STATION_TESTBED_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    image = (Path(given) if given else home / "station-testbed") / "root.ext4"
    return None if image.exists() else f"no image of the test-bed at {image}: run `make test-hw`"


def boot(module: str) -> dict[str, Facts]:
    """Boot, run a module of `guest/`, return the facts of its experiments by their names."""
    command = [str(TESTBED), "run", "--share", str(ROOT), "--timeout", str(_LIMIT_S), str(START), module]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    seen = {facts.pop("experiment"): facts for facts in map(json.loads, lines)}
    if done.returncode or not seen:
        raise AssertionError(f"{module} ended with {done.returncode} in the machine:\n{done.stdout}\n{done.stderr}")
    return seen


class Seen:
    """What one boot showed. Each look at an experiment is remembered for the summary."""

    def __init__(self, facts: dict[str, Facts], told: list[str]) -> None:
        self._facts = facts
        self._told = told

    def __call__(self, name: str) -> Facts:
        """Return the facts of an experiment; an experiment that failed in the machine fails here."""
        facts = self._facts[name]
        assert "failed" not in facts, facts["failed"]
        self._told.append(f"{name}: " + _brief(facts))
        return facts


def _brief(facts: Facts) -> str:
    return ", ".join(f"{key} {value}" for key, value in facts.items() if key not in {"remedy", "flags", "values"})
