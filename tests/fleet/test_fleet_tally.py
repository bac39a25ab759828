"""What the fleet's backend counts: prefixes, gaps, duplicates that are the same and that are not."""

from hypothesis import given
from hypothesis import strategies as st

from station.fleet.tally import Tally, percentiles
from station.wire import Numbering, Station

ONE, OTHER = Station("0815", "vs-01"), Station("0815", "vs-02")


@given(st.permutations(range(1, 9)), st.integers(1, 8))
def test_the_prefix_grows_whatever_the_order_and_a_lacking_number_holds_it_up(order: list[int], lacking: int) -> None:
    tally = Tally()
    for seq in order:
        if seq != lacking:
            tally.take(ONE, Numbering("e", seq), b"%d" % seq, 1, late=False)
    assert tally.gaps() == (0 if lacking == 8 else 1)
    assert tally.take(ONE, Numbering("e", 9), b"9", 1, late=False) == (lacking - 1)
    assert tally.take(ONE, Numbering("e", lacking), b"x", 1, late=True) == 9
    assert (tally.gaps(), tally.verdicts, tally.late) == (0, 9, 1)


def test_stations_and_epochs_are_numbered_each_for_itself() -> None:
    tally = Tally()
    for station, epoch in ((ONE, "e"), (ONE, "f"), (OTHER, "e")):
        assert tally.take(station, Numbering(epoch, 1), b"1", 1, late=False) == 1
    assert (tally.verdicts, tally.duplicates, tally.gaps()) == (3, 0, 0)


def test_duplicates_with_other_bytes_are_told_apart() -> None:
    tally = Tally()
    for payload in (b"a", b"a", b"b"):
        tally.take(ONE, Numbering("e", 1), payload, 2_000_000, late=False)
    assert (tally.verdicts, tally.duplicates, tally.differing) == (1, 2, 1)
    assert tally.latency_ms() == {"p50": 2.0, "p95": 2.0, "p99": 2.0, "max": 2.0}


def test_percentiles_are_nearest_ranks() -> None:
    assert percentiles(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert percentiles([]) == {}
