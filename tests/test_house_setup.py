"""Set-up: what each environment gets, and that a wrong call says so."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.requirements import requirements

ROOT = Path(__file__).resolve().parents[1]


def names(lines: list[str]) -> set[str]:
    return {line.split(";")[0].split(">")[0].split("=")[0].split("<")[0].split("[")[0] for line in lines}


def test_each_environment_has_one_inference_runtime() -> None:
    main, tflite = requirements(["dev"], None), requirements(["dev", "tflite"], "ai-edge-litert")
    assert {"ai-edge-litert"} == names(main) - names(tflite)
    assert {"tflite-runtime"} == names(tflite) - names(main)
    assert "numpy<2" in tflite


def test_requirements_are_printed_one_a_line() -> None:
    command = [sys.executable, str(ROOT / "tools" / "requirements.py"), "pi"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed == requirements(["pi"], None)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"PYTHON": "/nowhere/python"}, "setup: PYTHON=/nowhere/python is no Python 3.11 or newer\n"),
        ({"PYTHON": sys.executable}, "setup: usage: tools/setup.sh main|bench|tflite|deb|appliance\n"),
    ],
)
def test_a_wrong_call_is_one_line_and_changes_nothing(environment: dict[str, str], complaint: str) -> None:
    if not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("set-up would first install the broker that is missing here")
    command = ["/bin/bash", str(ROOT / "tools" / "setup.sh"), "everything"]
    result = subprocess.run(
        command,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (1, "", complaint)


def test_help_lists_the_two_commands_of_the_readme() -> None:
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    assert {"demo", "test"} <= {line.split()[0] for line in listed.splitlines() if line}
