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


def test_a_state_in_which_nothing_was_learned_is_told_of_and_the_catalogue_used(
    catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    assert run("--catalogue", str(catalogue), "--state", str(tmp_path / "new")) == 0
    assert "nothing was learned in" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_catalogue_that_is_not_there_is_one_line_and_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--catalogue", str(tmp_path / "none.csv")) == 2
    assert capsys.readouterr().err.count("\n") == 1


def alike(tmp_path: Path) -> tuple[Path, bytes]:
    """Two products of one weight; the first is claimed, three cameras see the second."""
    file = tmp_path / "alike.csv"
    rows = [f"{gtin(at)},Product {at},{250 if at < 2 else 300 + 60 * at},2,40" for at in range(40)]
    file.write_text("gtin,name,weight_g,weight_sd_g,weight_n\n" + "\n".join(rows) + "\n")
    claim = {"transaction_id": "T", "revision": 1, "lines": [{"line": 1, "gtin": gtin(0), "quantity": 1}]}
    seen = [{"camera": name, "candidates": [[gtin(1), 0.95]], "unknown": 0.02} for name in "abc"]
    case = {"type": "case", "case_id": "c", "claim": claim, "weight": {"gross_g": 250, "sd_g": 2}, "sightings": seen}
    return file, json.dumps(case | {"visibility": 0.6}).encode()


def test_a_product_that_cameras_know_is_missed_more_than_one_they_may_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    products, case = alike(tmp_path)
    told = tmp_path / "gallery.txt"
    told.write_text("".join(f"{gtin(at)}\n\n" for at in range(40)))
    p = {}
    for name, more in {"told": ("--gallery", str(told)), "untold": ()}.items():
        monkeypatch.setattr(sys, "stdin", Stdin(case))
        assert run("--catalogue", str(products), *more) == 0
        p[name] = json.loads(capfdbinary.readouterr().out)["verdict"]["p_as_claimed"]
    assert p["told"] < 0.1 * p["untold"]


@pytest.mark.parametrize("content", ["", "4006381333931\n123\n"])
def test_a_gallery_that_cannot_be_used_is_one_line_and_status_two(
    catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    told = tmp_path / "gallery.txt"
    told.write_text(content)
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    assert run("--catalogue", str(catalogue), "--gallery", str(told)) == 2
    assert ("gallery.txt:2: " if content else "names no product") in capsys.readouterr().err
