"""Station and broker are killed at random while shoppers come and go: no claim and no verdict is lost."""

import contextlib
import random
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.backend import Backend, Heard
from tests.support.rig import CHEESE, ROOT, Rig, toledo_rig

EMPTY_S = 0.8
QUICK = "[transaction]\nno_claim_s = 60"


class Storing(Backend):
    """A backend that stores verdicts and acknowledges what is contiguous."""

    def __init__(self, port: int, root: str) -> None:
        super().__init__(port, root, client_id="storing")
        self.stored: dict[tuple[str, int], bytes] = {}
        self.copies: Counter[tuple[str, int]] = Counter()

    def on_heard(self, heard: Heard) -> None:
        if not heard.topic.endswith("evt/verdict"):
            return
        event = heard.event
        key = (event["epoch"], event["seq"])
        assert self.stored.setdefault(key, heard.payload) == heard.payload, "a duplicate with other bytes"
        self.copies[key] += 1
        upto = 0
        while (event["epoch"], upto + 1) in self.stored:
            upto += 1
        if upto:
            self.acknowledge(event["epoch"], upto)

    def of(self, transaction_id: str) -> list[dict[str, Any]]:
        """Return the verdicts about one transaction."""
        data = [msgspec.json.decode(payload)["data"] for payload in self.stored.values()]
        return [verdict for verdict in data if verdict["transaction_id"] == transaction_id]


class Killer(threading.Thread):
    """Kills station and broker at random, and starts them again."""

    def __init__(self, rig: Rig, seed: int) -> None:
        super().__init__(daemon=True)
        self.kills: Counter[str] = Counter()
        self.rest = threading.Event()
        self._rig = rig
        self._random = random.Random(seed)

    def run(self) -> None:
        while not self.rest.wait(self._random.uniform(0.5, 4.0)):
            victim = self._random.choice(("station", "station", "broker"))
            self.kills[victim] += 1
            part = self._rig.station if victim == "station" else self._rig.broker
            part.kill()
            self.rest.wait(self._random.uniform(0.0, 0.3))
            part.start()


def shop(rig: Rig, backend: Storing, transaction_id: str) -> None:
    """Claim until it is answered or judged, place, wait for the verdict, take away."""
    rig.put(410)
    for _ in range(60):
        with contextlib.suppress(RuntimeError):  # the broker is away: paho sends it when it is back
            rig.claim(CHEESE, transaction_id=transaction_id)
        if judged(backend, transaction_id):
            break
    assert backend.of(transaction_id), f"{transaction_id} was never judged\n{''.join(rig.station.log[-20:])}"
    rig.clear()
    threading.Event().wait(EMPTY_S)  # the platform stays empty for a moment, whether or not anybody looks


def judged(backend: Storing, transaction_id: str) -> bool:
    """Return whether a verdict comes within a second."""
    try:
        backend.wait(lambda: bool(backend.of(transaction_id)), 1.0)
    except AssertionError:
        return False
    return True


def kill_at_random(folder: Path, shoppers: int, seed: int) -> None:
    with toledo_rig(folder, start=False, more=QUICK) as rig, Storing(rig.broker.port, ROOT) as backend:
        rig.backend = backend
        rig.station.start()
        killer = Killer(rig, seed)
        killer.start()
        for number in range(shoppers):
            shop(rig, backend, f"T-{number}")
        killer.rest.set()
        killer.join()
        epochs = {epoch for epoch, _ in backend.stored}
        assert len(epochs) == 1
        rig.command("zero", {})  # whatever the answer: the station is up and hears us
        rig.wait(lambda: bool(rig.answers("zero")), 40)
        stored = rig.folder / "state" / "outbox.db"
        with contextlib.closing(sqlite3.connect(f"file:{stored}?mode=ro", uri=True)) as outbox:
            [(last,)] = outbox.execute("SELECT max(seq) FROM verdict")
        rig.wait(lambda: len(backend.stored) >= last, 40)
        numbers = sorted(seq for _, seq in backend.stored)
        assert numbers == list(range(1, len(numbers) + 1))
        assert killer.kills["station"] >= 1
        assert not any("Traceback" in line for line in rig.station.log)


@pytest.mark.timeout(180)
def test_no_verdict_is_lost_while_station_and_broker_are_killed(tmp_path: Path) -> None:
    kill_at_random(tmp_path, shoppers=4, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 5))
def test_no_verdict_is_lost_over_many_kills(tmp_path: Path, seed: int) -> None:
    kill_at_random(tmp_path, shoppers=40, seed=seed)
