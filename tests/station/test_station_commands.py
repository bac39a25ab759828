"""A command that the station acknowledged to the broker has its effect on disk; any other is delivered again.

The daemon is killed (SIGKILL) at random moments after the broker has handed it a claim: before it arrives, between
arrival and effect, after the effect, after the acknowledgement. The broker's own log says what it got.
"""

import contextlib
import random
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from station.core import visit
from tests.support.backend import cloud_event
from tests.support.rig import CHEESE, Rig, toledo_rig, wait_until

TRANSACTION = "T-1"
SENT = re.compile(r"Sending PUBLISH to vs-03 \(d(\d), q1, r0, m(\d+), 'vs/1/0815/vs-03/cmd/claim'")
GONE = re.compile(r"Client vs-03 (closed|disconnected)|Socket error on client vs-03")
LATEST_S = 0.015  # after the claim was handed over, when all is over


def sent(log: list[str]) -> list[tuple[bool, str]]:
    """Return whether each delivery of a claim was a repetition, and its packet identifier."""
    return [(match[1] == "1", match[2]) for line in log if (match := SENT.search(line))]


def on_disk(rig: Rig) -> int:
    """Return the revision of the claim in the open visit, 0 if there is none."""
    path = rig.folder / "state" / "outbox.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as outbox:
        row = outbox.execute("SELECT value FROM kept WHERE key = 'visit'").fetchone()
    claim = None if row is None else visit.restore(row[0]).claim
    return 0 if claim is None else claim.revision


def kill_after(rig: Rig, revision: int, seconds: float) -> str:
    """Claim, kill, look at the disk; then start again until the claim has its effect. Return how far it had come."""
    begin = len(rig.broker.log)
    lines = [{"line": 1, "gtin": CHEESE, "quantity": 1}]
    claim = {"transaction_id": TRANSACTION, "revision": revision, "lines": lines}
    rig.backend.post("cmd/claim", cloud_event(claim, f"c-{revision}"))
    wait_until(lambda: bool(sent(rig.broker.log[begin:])))
    rig.backend.pause(seconds)
    rig.station.kill()
    [(_, mid), *_] = sent(rig.broker.log[begin:])
    wait_until(lambda: any(GONE.search(line) for line in rig.broker.log[begin:]))
    acknowledged = any(f"Received PUBACK from vs-03 (Mid: {mid}, " in line for line in rig.broker.log[begin:])
    effect = on_disk(rig) == revision
    assert effect or not acknowledged, f"revision {revision} was acknowledged and is not on disk"
    births, again = len(rig.backend.heard("st/info")), len(rig.broker.log)
    rig.station.start()
    rig.wait(lambda: len(rig.backend.heard("st/info")) > births, 40)
    wait_until(lambda: on_disk(rig) == revision)
    repeated = sent(rig.broker.log[again:])
    assert all(second for second, _ in repeated)
    assert bool(repeated) is not acknowledged
    return "acknowledged" if acknowledged else "effect only" if effect else "neither"


def storm(folder: Path, kills: int, seed: int) -> Counter[str]:
    draw = random.Random(seed)
    with toledo_rig(folder) as rig:
        rig.wait_idle()
        return Counter(kill_after(rig, revision, draw.uniform(0, LATEST_S)) for revision in range(1, kills + 1))


@pytest.mark.timeout(180)
def test_a_claim_that_the_broker_may_forget_is_on_disk_when_the_station_is_killed(tmp_path: Path) -> None:
    assert storm(tmp_path, kills=5, seed=1).total() == 5


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_claims_survive_many_kills_at_every_moment(tmp_path: Path) -> None:
    seen = storm(tmp_path, kills=80, seed=2)
    assert set(seen) >= {"acknowledged", "neither"}, seen
