"""Catalogues over the wire: gathered in any order, over restarts, and in force in one step or not at all."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station import catalogue, command_catalogue
from station.command_catalogue import Gathering
from station.command_refusals import CommandRefusedError
from station.core.gtin import check_digit
from station.core.product import Product
from station.messages import CataloguePart

OTHER = "sha256:" + "0" * 64


def products(count: int, name: str = "Thing") -> list[Product]:
    stems = (f"{400_000_000_000 + number:013}" for number in range(count))
    return [Product(gtin=stem + str(check_digit(stem)), name=f"{name} {stem}", weight_g=100.0) for stem in stems]


def parts(rows: list[Product], count: int, **header: Any) -> list[CataloguePart]:
    """Split a snapshot into parts."""
    size = -(-len(rows) // count)
    given: dict[str, Any] = {
        "store": "0815",
        "serial": 1,
        "mode": "snapshot",
        "version": catalogue.version_of(rows),
    } | header
    return [
        CataloguePart(**given, part=n + 1, parts=count, rows=tuple(rows[n * size : (n + 1) * size]))
        for n in range(count)
    ]


def code(gathering: Gathering, part: CataloguePart) -> str:
    with pytest.raises(CommandRefusedError) as caught:
        gathering.take(part)
    return caught.value.code


def in_force(folder: Path) -> catalogue.Catalogue:
    return catalogue.load(catalogue.path_in(folder))


def test_parts_in_any_order_twice_and_over_a_restart_make_the_catalogue(tmp_path: Path) -> None:
    rows = products(100)
    sent = parts(rows, 4)
    gathering = Gathering(tmp_path, "0815")
    assert gathering.take(sent[2]).missing == (1, 2, 4)
    assert gathering.take(sent[2]).missing == (1, 2, 4)
    gathering = Gathering(tmp_path, "0815")  # started again
    assert gathering.take(sent[0]).missing == (2, 4)
    assert gathering.take(sent[3]).missing == (2,)
    assert catalogue.version_in(catalogue.path_in(tmp_path)) is None  # not before all are there
    told = gathering.take(sent[1])
    assert (told.complete, told.present) == (True, sent[0].version)
    assert in_force(tmp_path).products == rows
    assert gathering.take(sent[1]).complete  # sent once more, nothing is begun
    assert not (tmp_path / command_catalogue.FOLDER).exists()


@settings(max_examples=12)
@given(order=st.permutations(range(5)), doubled=st.integers(0, 4))
def test_the_order_of_the_parts_does_not_count(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], doubled: int
) -> None:
    folder, rows = tmp_path_factory.mktemp("station"), products(13)
    sent = parts(rows, 5)
    told = [Gathering(folder, "0815").take(sent[number]) for number in (doubled, *order)]
    assert [told[3].complete, told[5].complete] == [False, True]
    assert in_force(folder).products == rows


def test_a_delta_changes_adds_and_deletes(tmp_path: Path) -> None:
    rows, gathering = products(4), Gathering(tmp_path, "0815")
    gathering.take(parts(rows, 1)[0])
    changed = [msgspec.structs.replace(rows[1], name="Renamed"), *rows[2:3], products(5)[4]]
    part = CataloguePart(
        store="0815", serial=2, mode="delta", version=catalogue.version_of(changed), part=1, parts=1,
        base=catalogue.version_of(rows), rows=(changed[0], changed[2]), delete=(rows[0].gtin[1:], rows[3].gtin),
    )  # fmt: skip
    assert gathering.take(part).complete
    assert in_force(tmp_path).products == changed
    assert gathering.take(part).complete  # though its base is in force no more
    later = msgspec.structs.replace(part, serial=3)
    with pytest.raises(CommandRefusedError) as caught:
        gathering.take(later)
    assert (caught.value.code, caught.value.told["catalogue"]["present"]) == ("wrong_base", part.version)


def test_another_hash_than_announced_changes_nothing_and_may_be_tried_again(tmp_path: Path) -> None:
    rows, gathering = products(6), Gathering(tmp_path, "0815")
    gathering.take(parts(rows, 1)[0])
    wrong = parts(rows[:3], 2, serial=2, version=OTHER)
    assert gathering.take(wrong[0]).missing == (2,)
    assert code(gathering, wrong[1]) == "wrong_version"
    assert in_force(tmp_path).products == rows
    assert gathering.take(parts(rows[:3], 1, serial=2)[0]).complete


def test_old_and_reused_serials_are_refused_and_the_newest_transfer_wins(tmp_path: Path) -> None:
    rows, gathering = products(6), Gathering(tmp_path, "0815")
    assert gathering.take(parts(rows, 2, serial=5)[0]).missing == (2,)
    assert code(gathering, parts(rows, 2, serial=4)[0]) == "stale_serial"
    assert code(gathering, parts(rows, 3, serial=5)[1]) == "serial_reused"
    other = msgspec.structs.replace(parts(rows, 2, serial=5)[0], rows=())
    assert code(gathering, other) == "serial_reused"
    assert gathering.take(parts(rows[:2], 1, serial=6)[0]).complete
    assert code(gathering, parts(rows, 2, serial=5)[1]) == "stale_serial"
    assert code(gathering, parts(rows, 1, serial=6)[0]) == "serial_reused"
    catalogue.store(catalogue.path_in(tmp_path), rows)  # imported by hand since: an old order does not undo that
    assert code(gathering, parts(rows[:2], 1, serial=6)[0]) == "stale_serial"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"store": "0816"}, "wrong_store"),
        ({"mode": "delta"}, "bad_catalogue"),
        ({"base": OTHER}, "bad_catalogue"),
        ({"part": 3}, "bad_catalogue"),
        ({"delete": ("4006381333931",)}, "bad_catalogue"),
        ({"rows": (Product(gtin="4006381333932", name="x"),)}, "bad_catalogue"),
        ({"mode": "delta", "base": OTHER}, "wrong_base"),
    ],
)
def test_what_can_be_no_part_is_refused(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    part = msgspec.structs.replace(parts(products(2), 2)[0], **change)
    assert code(Gathering(tmp_path, "0815"), part) == expected
    assert list(tmp_path.iterdir()) == []


def test_what_grows_beyond_all_bounds_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_catalogue, "TOTAL_MAX_BYTES", 4000)
    gathering, sent = Gathering(tmp_path, "0815"), parts(products(40), 4)
    gathering.take(sent[0])
    assert code(gathering, sent[1]) == "catalogue_too_large"
    assert list(tmp_path.iterdir()) == []


def test_a_part_damaged_on_disk_is_asked_for_again(tmp_path: Path) -> None:
    gathering, sent = Gathering(tmp_path, "0815"), parts(products(6), 2)
    gathering.take(sent[0])
    (tmp_path / command_catalogue.FOLDER / "part-0001.json").write_bytes(b"{")
    assert code(gathering, sent[1]) == "disk_failed"
    assert gathering.take(sent[0]).complete


def test_a_disk_that_refuses_is_told_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / command_catalogue.FOLDER).write_bytes(b"in the way")
    assert code(Gathering(tmp_path, "0815"), parts(products(2), 1)[0]) == "disk_failed"
