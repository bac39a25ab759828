"""What is recorded, and what never is."""

from pathlib import Path

import msgspec
import pytest

from station.core import events
from station.core.codes import Token, understand
from station.records import recorder
from station.records.entries import End, Happened, Head, Told
from tests.support.recorded import Recorded, claim


@pytest.fixture
def station(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def text_of(station: Recorded) -> bytes:
    entries = station.entries()
    head = entries[0]
    assert isinstance(head, Head)
    return msgspec.json.encode(entries) + head.engine


def test_a_record_begins_before_the_load_and_holds_the_verdict(station: Recorded) -> None:
    station.shop("T-1", [1, 2])
    entries = station.entries()
    kinds = [type(entry) for entry in entries]
    assert kinds[0] is Head
    assert kinds[-1] is End
    assert Told in kinds
    first = next(entry.event for entry in entries if isinstance(entry, Happened))
    claimed = next(entry.event for entry in entries if isinstance(entry, Happened) and is_claim(entry.event))
    assert first.t_ns < claimed.t_ns


def is_claim(event: events.AnyEvent) -> bool:
    return isinstance(event, events.Claimed)


def test_an_idle_hour_costs_no_more_memory_than_ten_seconds(station: Recorded) -> None:
    station.wait(3 * recorder.EVERY_NS / 1e9)
    station.shop("T-1", [1])
    happened = [entry.event.t_ns for entry in station.entries() if isinstance(entry, Happened)]
    assert happened[-1] - happened[0] < recorder.EVERY_NS + 5 * 10**9
    assert len(station.finished) == 1


def test_a_visit_without_a_verdict_is_recorded_when_it_ends(station: Recorded) -> None:
    station.feed_claim(claim("T-1", [1]))
    station.feed(events.Cancelled(t_ns=station.t_ns, transaction_id="T-1", command=2))
    assert len(station.finished) == 1
    assert Told not in {type(entry) for entry in station.entries()}


def test_an_open_visit_is_kept_when_the_station_ends(station: Recorded) -> None:
    station.feed_claim(claim("T-1", [1]))
    station.recorder.close()
    end = station.entries()[-1]
    assert isinstance(end, End)
    assert end.cut == "the station ended"


def test_the_verdict_is_recorded_before_the_visit_is_over(station: Recorded) -> None:
    station.feed_claim(claim("T-1", [1, 2]))
    station.put(500)
    station.wait(2)
    assert station.told
    assert len(station.finished) == 1


def test_shoppers_tokens_and_badges_are_not_recorded(station: Recorded) -> None:
    station.feed(events.Scanned(t_ns=station.t_ns, text="https://phone.example/s/secret-token", symbology="qr"))
    station.feed(events.TokenRead(t_ns=station.t_ns, token="secret-token-2", symbology="qr"))
    station.shop("T-1", [1])
    text = text_of(station)
    assert b"secret" not in text
    assert b"phone.example" not in text
    assert b"shopper-7" not in text
    station.shop("T-2", [1])  # its state of the core follows these reads
    assert b"secret" not in text_of(station)


def test_products_that_were_scanned_are_recorded(station: Recorded) -> None:
    station.feed_claim(claim("T-1", [1]))
    station.feed(events.Scanned(t_ns=station.t_ns, text="4006381333931", symbology="ean-13"))
    station.recorder.close()
    assert b"4006381333931" in text_of(station)


def test_a_token_stays_a_token_and_the_same_text_the_same(station: Recorded) -> None:
    station.feed_claim(claim("T-1", [1]))
    for text in ("token-a", "token-b", "token-a"):
        station.t_ns += 2 * 10**9
        station.feed(events.Scanned(t_ns=station.t_ns, text=text, symbology="qr"))
    station.recorder.close()
    read = [entry.event for entry in station.entries() if isinstance(entry, Happened)]
    scans = [event for event in read if isinstance(event, events.Scanned)]
    assert all(isinstance(understand(scan.text, scan.symbology), Token) for scan in scans)
    first, other, again = (scan.text for scan in scans)
    assert first == again != other


def test_a_visit_that_never_ends_is_cut(station: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("station.records.book.CUT_BYTES", 20_000)
    station.feed_claim(claim("T-1", [1]))
    station.wait(60)
    station.recorder.close()
    end = station.entries()[-1]
    assert isinstance(end, End)
    assert end.cut is not None
    assert "grew beyond" in end.cut
    assert len(station.finished[-1].data) < 100_000
