"""`station check` as a command: the catalogue from a file, what is refused, and the exit status."""

import argparse
import io
import json
import sys
from pathlib import Path

import pytest

from station import check_cli, clitools
from station.config import DriverOptions
from tests.checker.small import gtin


class Stdin:
    """Standard input as bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="station")
    check_cli.add_command(parser.add_subparsers(required=True), lambda: DriverOptions(scales={}, cameras={}))
    return clitools.run(parser, ["check", *arguments])


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    file = tmp_path / "products.csv"
    rows = [f"{gtin(at)},Product {at},{200 + 50 * at},2,40" for at in range(9)]
    file.write_text("gtin,name,weight_g,weight_sd_g,weight_n\n" + "\n".join([*rows, "12,bad,1,1,1"]) + "\n")
    return file


def test_verdicts_come_out_line_by_line(
    catalogue: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    claim = {"transaction_id": "T", "revision": 1, "lines": [{"line": 1, "gtin": gtin(1), "quantity": 2}]}
    case = {"type": "case", "case_id": "c", "claim": claim, "weight": {"gross_g": 500, "sd_g": 2}}
    monkeypatch.setattr(sys, "stdin", Stdin(json.dumps(case).encode() + b"\nnonsense\n"))
    assert run("--catalogue", str(catalogue)) == 0
    out, err = capfdbinary.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert first["verdict"]["decision"] == "accept"
    assert first["verdict"]["versions"]["catalogue"].startswith("sha256:")
    assert second["line"] == 2
    assert b"products.csv:11" in err  # the bad row, with its line


def test_a_state_without_learning_is_a_mistake(catalogue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--catalogue", str(catalogue), "--state", "somewhere") == 2
    assert "--state is for --learn" in capsys.readouterr().err


def test_a_catalogue_that_is_not_there_is_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--catalogue", str(tmp_path / "none.csv")) == 2
    assert capsys.readouterr().err.count("\n") == 1
