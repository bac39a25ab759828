"""The catalogue on disk, and the commands that use it."""

import argparse
import json
import resource
import sqlite3
from pathlib import Path

import pytest

from station import catalogue, catalogue_cli, clitools, config
from station.catalogue_rows import CatalogueError
from station.core import gtin
from station.core.product import Product

BREAD = Product(gtin="04006381333931", name="Bread, white", weight_g=512.5, unit_price_minor=199)
MILK = Product(gtin="00000096385074", name="Milk")


def test_what_is_stored_is_loaded_sorted(tmp_path: Path) -> None:
    path = tmp_path / "new" / "catalogue.db"
    version = catalogue.store(path, [BREAD, MILK])
    assert catalogue.load(path) == catalogue.Catalogue(version, [MILK, BREAD])
    assert catalogue.find(path, BREAD.gtin) == BREAD
    assert catalogue.find(path, "00036000291452") is None
    assert [entry.name for entry in path.parent.iterdir()] == ["catalogue.db"]


def test_the_version_is_that_of_the_products(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    first = catalogue.store(path, [BREAD, MILK])
    assert catalogue.store(path, [MILK, BREAD]) == first
    assert catalogue.store(path, [MILK]) != first


def test_an_open_reader_keeps_the_old_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    catalogue.store(path, [BREAD])
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT name FROM product").fetchall() == [("Bread, white",)]
    catalogue.store(path, [MILK])
    assert reader.execute("SELECT name FROM product").fetchall() == [("Bread, white",)]
    reader.close()
    assert catalogue.load(path).products == [MILK]


def test_no_catalogue_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(tmp_path / "catalogue.db")
    assert str(caught.value) == (
        f"there is no catalogue at {tmp_path}/catalogue.db; import one: station catalogue import FILE"
    )


def damaged_pages(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\x5a" * (len(content) - 4096))


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def no_database(path: Path) -> None:
    path.write_bytes(b"gtin,name\n" * 1000)


def another_format(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


def rows_lost(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM product")
    database.close()


def meta_lost(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM meta")
    database.close()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [damaged_pages, cut_short, no_database, another_format, rows_lost, meta_lost, a_folder]
)
def test_a_damaged_catalogue_is_an_error_with_a_remedy(tmp_path: Path, harm: object) -> None:
    assert callable(harm)
    path = tmp_path / "catalogue.db"
    catalogue.store(path, [BREAD, MILK])
    harm(path)
    with pytest.raises(CatalogueError, match="import the product list again: station catalogue import FILE"):
        catalogue.load(path)


def test_the_next_import_heals_a_damaged_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"rubbish" * 1000)
    catalogue.store(path, [BREAD])
    assert catalogue.load(path).products == [BREAD]


def test_a_disk_that_refuses_leaves_the_old_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    catalogue.store(path, [BREAD])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(CatalogueError, match=r"cannot be written: .*; make room or check the disk"):
            catalogue.store(path, [MILK])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert catalogue.load(path).products == [BREAD]
    assert list(tmp_path.iterdir()) == [path]


# The commands


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="station")
    commands = parser.add_subparsers(required=True)
    catalogue_cli.add_commands(commands, lambda: config.DriverOptions(scales={}, cameras={}))
    return clitools.run(parser, ["catalogue", *arguments])


def csv_of(good: int, bad: int = 0) -> str:
    rows = [f"{n:012}" for n in range(good)]
    lines = [f"{row}{gtin.check_digit(row)},Product {row}" for row in rows] + [f"{n},bad" for n in range(bad)]
    return "gtin,name\n" + "\n".join(lines) + "\n"


def test_import_show_and_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state, source = f"--state={tmp_path}", tmp_path / "in.csv"
    source.write_text("gtin,name,weight_g\n4006381333931,Bread,512.5\n")
    assert run("import", str(source), state) == 0
    assert "1 products imported, 0 rows left out, version sha256:" in capsys.readouterr().out
    assert run("show", "4006381333931", state) == 0
    assert "weight_g         512.5" in capsys.readouterr().out
    assert run("show", "--json", "04006381333931", state) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Bread"
    assert run("export", state, str(tmp_path / "out.csv")) == 0
    assert run("import", str(tmp_path / "out.csv"), state, "--json") == 0
    assert json.loads(capsys.readouterr().out)["version"] == catalogue.load(tmp_path / "catalogue.db").version
    assert run("export", state, "--json") == 0
    assert json.loads(capsys.readouterr().out)["gtin"] == "04006381333931"


def test_more_than_one_bad_row_in_a_hundred_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state, source = f"--state={tmp_path}", tmp_path / "in.csv"
    source.write_text(csv_of(99, 1))
    assert run("import", str(source), state) == 0
    assert f"{source}:101: GTIN '0' has 1 digits" in capsys.readouterr().err
    before = catalogue.load(tmp_path / "catalogue.db")
    source.write_text(csv_of(98, 2))
    assert run("import", str(source), state) == 1
    assert "station: 2.0% of the rows cannot be used; nothing was changed" in capsys.readouterr().err
    assert catalogue.load(tmp_path / "catalogue.db") == before
    assert run("import", str(source), state, "--force") == 0
    assert len(catalogue.load(tmp_path / "catalogue.db").products) == 98


def test_a_list_without_one_usable_row_is_refused_even_by_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(csv_of(0, 1))
    assert run("import", str(source), f"--state={tmp_path}", "--force") == 1
    assert capsys.readouterr().err.endswith("station: no row can be used; nothing was changed\n")


def test_many_bad_rows_are_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.csv"
    source.write_text(csv_of(1, 30))
    assert run("import", str(source), f"--state={tmp_path}") == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 22
    assert err[20] == f"{source}: 10 more rows cannot be used; --json lists them all"


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["import", "/nowhere.csv"], 1, "station: /nowhere.csv cannot be read: No such file or directory"),
        (["show", "4006381333930"], 2, "station: GTIN '4006381333930' ends in 0, but its check digit is 1"),
        (["show", "4006381333931"], 1, "station: there is no catalogue at "),
        (["export"], 1, "station: there is no catalogue at "),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, complaint: str
) -> None:
    assert run(*arguments, f"--state={tmp_path}") == status
    err = capsys.readouterr().err
    assert err.startswith(complaint)
    assert err.count("\n") == 1


def test_an_unknown_product_is_a_failed_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue.store(tmp_path / "catalogue.db", [MILK])
    assert run("show", "4006381333931", f"--state={tmp_path}") == 1
    assert capsys.readouterr().err == "station: GTIN 04006381333931 is not in the catalogue\n"
