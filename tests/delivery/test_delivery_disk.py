"""Delivery while the disk fails: told, nothing half-said, and going on by itself when the cause is gone."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from station.delivery import LATE_NS, Batch, Outgoing
from station.keeping import Keeper
from station.outbox import Outbox, OutboxError, Ref
from station.wire import rfc3339
from tests.delivery.test_delivery_scripted import connected
from tests.delivery.test_outbox import content, fill, small_disk, stamp
from tests.support.backend import Backend, Heard
from tests.support.clients import verdict_data
from tests.support.consumer import QUICK, STATION, Consumer, link_options
from tests.support.mosquitto import Mosquitto
from tests.support.scripted_broker import ScriptedBroker

__all__ = ["small_disk"]
ROOT = STATION.root
VERDICT = ROOT + "evt/verdict"


def test_a_full_disk_raises_an_alarm_and_the_station_recovers(tmp_path: Path, small_disk: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(small_disk / "outbox.sqlite", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        station.verdict(1)
        station.until(lambda: len(backend.heard("evt/verdict")) == 1)
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            fill(file.fileno())
        with pytest.raises(OutboxError, match="free disk space"):
            store_until_full(station)
        assert "free disk space" in station.conditions()["OUTBOX_FAILED"]
        heard = len(backend.heard("evt/verdict"))
        stored = station.outbox.last_seq()
        station.until(lambda: len(backend.heard("evt/verdict")) >= stored)
        assert heard <= stored  # nobody was told of what is not on disk
        ballast.unlink()
        station.until(lambda: "OUTBOX_FAILED" not in station.conditions())
        station.verdict(999)
        station.until(lambda: len({m.event["seq"] for m in backend.heard("evt/verdict")}) == stored + 1)
        assert {m.event["seq"] for m in backend.heard("evt/verdict")} == set(range(1, stored + 2))


def store_until_full(station: Consumer) -> None:
    for number in range(2, 500):
        station.verdict(number)


def test_a_disk_that_can_no_longer_be_read_leaves_the_station_its_voice(tmp_path: Path, small_disk: Path) -> None:
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(small_disk / "outbox.sqlite", link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        station.verdict(1)
        station.until(lambda: station.outbox.brokered_seqs() == [1])
        station.outbox.close()
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        with pytest.raises(OutboxError, match="writable"):
            station.verdict(2)
        station.delivery.tell(Outgoing(name="alarm", data={"code": "OUTBOX_FAILED"}))
        backend.command("zero", {}, event_id="z-1")
        station.until(lambda: bool(backend.heard("evt/alarm") and backend.heard("res/zero")))
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        station.until(lambda: station.conditions() == {})
        station.verdict(2)
        station.until(lambda: set(firsts(backend)) == {1, 2})


def test_what_could_not_be_read_is_published_when_it_can(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with (
        ScriptedBroker(receive_maximum=1) as broker,
        Consumer(path, link_options(broker.port), replace(QUICK, resend_after_s=60)) as station,
    ):
        case = connected(station, broker)
        station.verdict(1)
        station.verdict(2)
        case.until_verdicts(1)
        station.outbox.close()
        hidden = path.rename(tmp_path / "away")
        path.mkdir()  # nothing can be opened there
        broker.acknowledge(case.verdicts[0])
        station.until(lambda: "OUTBOX_FAILED" in station.conditions())
        case.turns(5)
        path.rmdir()
        hidden.rename(path)
        case.until_verdicts(2)
        assert case.verdicts[1].payload != case.verdicts[0].payload
        assert station.ups() == 1


def test_a_damaged_outbox_is_told_and_the_new_epoch_is_delivered(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(os.urandom(8192))
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(path, link_options(broker.port)) as station,
    ):
        station.verdict(1)
        station.until(lambda: len(backend.heard("evt/verdict")) >= 1)
        assert "outbox.sqlite.damaged-1" in station.conditions()["OUTBOX_DAMAGED"]


def test_damage_met_while_connected_begins_a_new_epoch_on_a_new_connection(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(path, link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        station.verdict(1)
        station.until(lambda: len(backend.heard("evt/verdict")) == 1)
        station.outbox.close()
        path.write_bytes(path.read_bytes()[:4096] + b"\xaa" * 40_960)
        with pytest.raises(OutboxError):
            station.verdict(2)
        station.verdict(3)
        station.until(lambda: len({m.event["epoch"] for m in backend.heard("evt/verdict")}) == 2)
        assert [m.event["seq"] for m in backend.heard("evt/verdict")][:2] == [1, 1]
        assert "damaged-1" in station.conditions()["OUTBOX_DAMAGED"]
        station.until(lambda: station.ups() == 2)


def test_an_outbox_that_cannot_be_opened_is_told_and_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state" / "outbox.sqlite"
    with Mosquitto(tmp_path) as broker, Consumer(path, link_options(broker.port)) as station:
        station.until(lambda: station.ups() == 1)
        assert "check that the directory exists" in station.conditions()["OUTBOX_FAILED"]
        path.parent.mkdir()
        station.until(lambda: station.conditions() == {})
        station.until(lambda: station.delivery.counters.get("brokered", 0) >= 1)


def test_what_waited_for_the_disk_says_when_it_happened_and_comes_late(tmp_path: Path) -> None:
    path = tmp_path / "state" / "outbox.sqlite"
    happened = Batch(events=(Outgoing(name="verdict", data=verdict_data(1)),))
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(path, link_options(broker.port)) as station,
    ):
        station.until(lambda: station.ups() == 1)
        keeper = Keeper(station.delivery)
        assert not keeper.put(happened)
        refused_ns = time.monotonic_ns()
        path.parent.mkdir()
        assert keeper.retry()
        station.until(lambda: len(backend.heard("evt/verdict")) == 1)
        assert int(firsts(backend)[1].event["monons"]) <= refused_ns
        now = station.delivery.stamp()
        before = replace(now, monotonic_ns=now.monotonic_ns - LATE_NS, wall_ns=now.wall_ns - LATE_NS)
        station.delivery.store(replace(happened, stamp=before))
        station.verdict(3)
        station.until(lambda: len(firsts(backend)) == 3)
        assert [(seq, firsts(backend)[seq].late) for seq in (2, 3)] == [(2, True), (3, False)]
        assert firsts(backend)[2].event["time"] == rfc3339(before.wall_ns)
        assert firsts(backend)[2].event["monons"] == str(before.monotonic_ns)


def firsts(backend: Backend) -> dict[int, Heard]:
    """Return what came first of every number: what nobody acknowledges comes again."""
    return {heard.event["seq"]: heard for heard in reversed(backend.heard("evt/verdict"))}


def test_what_a_former_run_left_is_delivered_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(path)
    with outbox.write() as write:
        refs: list[Ref] = [write.add_verdict(VERDICT, stamp(), content) for _ in range(3)]
    outbox.close()
    with (
        Mosquitto(tmp_path) as broker,
        Backend(broker.port, ROOT) as backend,
        Consumer(path, link_options(broker.port)) as station,
    ):
        station.until(lambda: len(backend.heard("evt/verdict")) == 3)
        assert [message.payload.split()[1] for message in backend.heard("evt/verdict")] == [
            str(ref.number).encode() for ref in refs
        ]
