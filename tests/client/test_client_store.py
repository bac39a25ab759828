"""The database of a backend: each verdict once, and an acknowledgement that never runs ahead."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.client import ApplyError, Prefix, Received, SqliteStore, StoreError, reading
from station.wire import Station
from tests.support.clients import EPOCH, STATION, verdict_payload

SCHEMA = "CREATE TABLE IF NOT EXISTS effect (transaction_id TEXT)"


def apply(database: sqlite3.Connection, received: Received) -> None:
    database.execute("INSERT INTO effect VALUES (?)", (received.verdict.transaction_id,))


def received(seq: int, epoch: str = EPOCH, station: Station = STATION) -> Received:
    return reading.read(station, verdict_payload(seq, epoch, station), (), None)


def opened(path: Path, consumer: str = "c-1") -> SqliteStore:
    store = SqliteStore(path, apply, SCHEMA)
    store.open(consumer)
    return store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.db"


def effects(path: Path) -> list[str]:
    with sqlite3.connect(path) as database:
        found = [row[0] for row in database.execute("SELECT transaction_id FROM effect")]
    database.close()
    return found


def prefix(upto: int, epoch: str = EPOCH, station: Station = STATION) -> Prefix:
    return Prefix(station, epoch, upto)


@given(
    deliveries=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 12)), max_size=40),
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=40)
def test_two_consumers_in_any_order_agree_and_never_acknowledge_what_is_lacking(
    deliveries: list[tuple[int, int]], cuts: list[int]
) -> None:
    """In batches of any size, with any duplicates and gaps, what is acknowledged is what a plain set says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verdicts.db"
        stores = [opened(path, "c-0"), opened(path, "c-1")]
        there: set[int] = set()
        while deliveries:
            size = cuts[len(deliveries) % len(cuts)]
            batch, deliveries = deliveries[:size], deliveries[size:]
            consumer, numbers = batch[0][0], [seq for _, seq in batch]
            taken = stores[consumer].take([received(seq) for seq in numbers], 0.0)
            assert taken.new == len(set(numbers) - there)
            there |= set(numbers)
            contiguous = next(n for n in range(14) if n + 1 not in there)
            assert taken.prefixes == [prefix(contiguous)]
        assert sorted(effects(path)) == sorted(f"T-{seq}" for seq in there)
        for store in stores:
            store.close()


def test_stations_and_epochs_do_not_mix(path: Path) -> None:
    store, other = opened(path), Station("0815", "vs-04")
    batch = [received(1), received(2, "e-2"), received(1, EPOCH, other), received(2, EPOCH, other)]
    assert store.take(batch, 0.0).prefixes == [prefix(1), prefix(0, "e-2"), prefix(2, station=other)]
    store.close()


def test_the_first_bytes_stay_and_a_difference_is_told(path: Path) -> None:
    store = opened(path)
    first = received(1)
    other = reading.read(STATION, verdict_payload(1, decision="reject"), (), None)
    assert store.take([first], 0.0)[:2] == (1, 0)
    assert store.take([other], 0.0)[:2] == (0, 1)
    [stored] = store.unread(9)
    assert stored.received == first
    store.close()


def test_a_failing_program_rolls_everything_back(path: Path) -> None:
    def fail_at_two(database: sqlite3.Connection, received: Received) -> None:
        apply(database, received)
        if received.seq == 2:
            database.execute("INSERT INTO nowhere VALUES (1)")

    store = SqliteStore(path, fail_at_two, SCHEMA)
    store.open("c-1")
    with pytest.raises(ApplyError, match="verdict 2 of vs-03: no such table: nowhere"):
        store.take([received(1), received(2)], 0.0)
    assert (effects(path), store.unread(9), store.untold()) == ([], [], [])
    assert store.take([received(1)], 0.0).prefixes == [prefix(1)]
    store.close()


def test_what_a_consumer_did_not_read_waits_for_it(path: Path) -> None:
    one, two = opened(path, "c-1"), opened(path, "c-2")
    one.take([received(1), received(3)], 0.0)
    two.take([received(2)], 0.0)
    rows = one.unread(9)
    assert [row.received.seq for row in rows] == [1, 3]
    one.read(rows[0].row)
    one.close()
    one = opened(path, "c-1")
    assert [row.received.seq for row in one.unread(9)] == [3]
    assert [row.received.seq for row in two.unread(9)] == [2]
    one.close()
    two.close()


def test_what_was_told_is_known_and_a_further_prefix_is_found(path: Path) -> None:
    one, two = opened(path, "c-1"), opened(path, "c-2")
    one.take([received(1)], 0.0)
    two.take([received(2)], 0.0)
    assert one.told(prefix(1)) == prefix(2)
    assert one.untold() == [prefix(2)]
    assert two.told(prefix(2)) is None
    assert one.told(prefix(1)) == prefix(2)
    assert one.untold() == []
    one.close()
    two.close()


def test_a_gap_is_asked_for_once_and_then_ever_more_rarely(path: Path) -> None:
    one, two = opened(path, "c-1"), opened(path, "c-2")
    one.take([received(2)], 100.0)
    one.take([received(4)], 105.0)  # the same gap: it is not put off
    assert one.gaps(99.9) == []
    assert one.gaps(100.0) == [(STATION, EPOCH, 1)]
    assert two.gaps(109.9) == []
    assert two.gaps(110.0) == [(STATION, EPOCH, 1)]
    assert two.gaps(129.9) == []
    two.take([received(1)], 200.0)  # another gap
    assert one.gaps(199.9) == []
    assert one.gaps(200.0) == [(STATION, EPOCH, 3)]
    two.take([received(3)], 300.0)
    assert one.gaps(9999.0) == []
    one.close()
    two.close()


def test_deleted_rows_are_not_taken_again(path: Path) -> None:
    store = opened(path)
    store.take([received(1), received(2)], 0.0)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM verdict")
    database.close()
    taken = store.take([received(1), received(2), received(3)], 0.0)
    assert (taken.new, taken.prefixes) == (1, [prefix(3)])
    assert effects(path) == ["T-1", "T-2", "T-3"]
    store.close()


def test_a_new_database_may_do_without_what_was_before(path: Path) -> None:
    store = opened(path)
    store.take([received(8)], 0.0)
    store.begin_after(STATION, EPOCH, 7)
    assert store.take([received(7)], 0.0)[0] == 0
    assert store.take([received(9)], 0.0).prefixes == [prefix(9)]
    store.begin_after(STATION, EPOCH, 3)
    assert store.take([received(9)], 0.0).prefixes == [prefix(9)]
    store.close()


def test_a_database_that_cannot_be_used_is_told_in_one_line(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"verdicts\.db: file is not a database"):
        opened(path)
    with pytest.raises(StoreError, match="is not open"):
        SqliteStore(path).unread(1)
