"""A short storm of `benchmarks.chaos`: nothing is lost, and a station that trusts PUBACKs does lose."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.mosquitto import program

SMALL = ["--stations", "2", "--per-s", "10", "--queue", "10", "--json"]


def storm(*arguments: str) -> dict[str, Any]:
    program()  # skips where there is no broker
    command = [sys.executable, "-m", "benchmarks.chaos", *SMALL, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, (result, done.stderr[-3000:])
    return result


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_storm_loses_nothing() -> None:
    result = storm("--verdicts", "80", "--strikes", "6", "--seed", "4", "--grace", "150")
    assert result["product"]["made"] == 80
    assert sum(result["strikes"].values()) >= 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_longer_storm_loses_nothing_where_plain_paho_does() -> None:
    result = storm("--verdicts", "900", "--seed", "2")
    assert result["product"]["made"] == 900
    assert result["plain"]["lost"] > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_brokers_word_is_not_enough() -> None:
    assert storm("--control", "--verdicts", "300", "--seed", "2", "--grace", "20")["product"]["lost"] > 0
