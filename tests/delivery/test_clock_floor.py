"""A clock that is behind: what it dates, what the station says of it, and that it heals without a restart."""

import os
import re
import time
from pathlib import Path

import pytest

from station.clock import Clock, installed_ns
from station.outbox import Outbox
from station.wire import Stamp
from tests.broker.lab import ROOT, Lab, TlsBackend
from tests.delivery.test_wire import Hands
from tests.support.rig import Station, wait_until

YEAR_NS = 365 * 86_400 * 10**9
PRELOAD = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
TOPIC = ROOT + "evt/verdict"


def floored(hands: Hands, flag: Path, floor_ns: int) -> Clock:
    return Clock("boot", flag, lambda: hands.wall_ns, lambda: hands.monotonic_ns, floor_ns)


def test_a_clock_below_its_floor_goes_on_from_there_until_it_is_set(tmp_path: Path) -> None:
    hands, flag = Hands(), tmp_path / "synchronized"
    floor_ns = hands.wall_ns + YEAR_NS
    clock = floored(hands, flag, floor_ns)
    hands.advance(7)
    stamp = clock.stamp()
    assert (stamp.wall_ns, stamp.clock) == (floor_ns + 7 * 10**9, "unsynced")
    assert int(clock.new_id().replace("-", "")[:12], 16) == stamp.wall_ns // 10**6
    hands.advance(1, jump_s=2 * YEAR_NS / 1e9)
    stamp = clock.stamp()
    assert (stamp.wall_ns, stamp.clock) == (hands.wall_ns, "stepped")


def test_a_synchronised_clock_is_believed_whatever_the_floor_says(tmp_path: Path) -> None:
    hands, flag = Hands(), tmp_path / "synchronized"
    flag.touch()
    assert floored(hands, flag, hands.wall_ns + YEAR_NS).stamp().wall_ns == hands.wall_ns


def test_a_clock_above_its_floor_is_left_alone(tmp_path: Path) -> None:
    hands = Hands()
    assert floored(hands, tmp_path / "none", hands.wall_ns - 1).stamp().wall_ns == hands.wall_ns
    assert 0 < installed_ns() <= time.time_ns()


def test_only_what_a_synchronised_clock_has_dated_is_a_floor(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db")
    assert outbox.newest_synced_ns() == 0
    with outbox.write() as write:
        for wall_ns, state in ((500, "synced"), (700, "synced"), (900_000, "unsynced"), (800_000, "stepped")):
            stamp = Stamp(wall_ns=wall_ns, monotonic_ns=1, boot_id="b", clock=state)  # type: ignore[arg-type] # words
            write.add_verdict(TOPIC, stamp, lambda _: b"{}")
    assert outbox.newest_synced_ns() == 700
    outbox.close()


def test_a_station_two_years_behind_says_so_and_connects_once_its_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if PRELOAD is None:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    lab = Lab(tmp_path / "lab")
    with lab.broker() as broker:
        config = lab.station() / "station.toml"
        text = config.read_text(encoding="utf-8").replace("/var/lib/validation-station", str(tmp_path / "state"))
        text = text.replace("port = 8883", f"port = {broker.port}\nbackoff_min_s = 0.1\nbackoff_max_s = 1.0")
        config.write_text(text, encoding="utf-8")
        shift = tmp_path / "shift"
        shift.write_text("-730d", encoding="ascii")
        for name, value in (
            ("LD_PRELOAD", str(PRELOAD)), ("FAKETIME_TIMESTAMP_FILE", str(shift)), ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1"),
        ):  # fmt: skip
            monkeypatch.setenv(name, value)
        station = Station(config)
        station.start()
        for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE"):
            monkeypatch.delenv(name)
        try:
            pid = station.pid
            words = r"certificate is valid from .* UTC, this station's clock says .* UTC"
            try:
                wait_until(lambda: any(re.search(words, line) for line in station.log), 15.0)
            except AssertionError:
                raise AssertionError("".join(station.log)) from None
            assert any("the clock is wrong, it has been" in line for line in station.log)
            with TlsBackend(broker.port, ROOT, lab.backend()) as backend:
                assert backend.heard("st/conn") == []
                fresh = tmp_path / "fresh"
                fresh.write_text("+0d", encoding="ascii")
                fresh.replace(shift)
                backend.wait(lambda: bool(backend.heard("st/conn")), 30.0)
                backend.wait(lambda: bool(backend.heard("evt/alarm")), 30.0)
                dates = [heard.event["time"] for heard in backend.messages if heard.topic.startswith(ROOT)]
            os.kill(pid, 0)  # the same process
            assert station.pid == pid
        finally:
            station.kill()
    year = time.gmtime(installed_ns() / 1e9).tm_year
    assert min(int(date[:4]) for date in dates) >= year
