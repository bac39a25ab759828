"""A station that only delivers: the product's outbox, delivery and link, fed with numbered verdicts.

    python -m benchmarks.delivering '{"folder": "...", "id": "vs-1", "port": 1883, "total": 100}'

On stdout it says `up PID`, then `verdict EPOCH SEQ NUMBER SHA256` for each verdict once `Delivery` has committed it,
and `done` when the backend has confirmed all. It may be killed at any moment and started again on the same folder.
Each visit stores a `transaction` event, the verdict, and what is kept of the visit in one batch, as the daemon does.
"""

import functools
import hashlib
import os
import queue
import random
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from station import signing_keys
from station.clock import Clock
from station.commands import Command, error, ok
from station.delivery import Batch, Delivery, DeliveryOptions, Outgoing
from station.keeping import Keeper
from station.link_values import Arrived, LinkEvent, LinkOptions
from station.outbox import MAX_BYTES, Outbox, OutboxError, Ref
from station.pump import Outcome, PumpOptions
from station.wire import Station

STORE = "0815"
SECOND_NS = 10**9
TICK_S = 0.02
QUICK = PumpOptions(
    backlog_per_s=500, acknowledge_s=5, retry_min_s=0.1, retry_max_s=2,
    resend_after_s=5, resend_reconnect_s=1, resend_max_s=20,
)  # fmt: skip


class Task(msgspec.Struct, frozen=True):
    """What to do. `control` makes it a worse station, to show that a check can fail.

    `puback`: the broker's PUBACK is taken for the backend's acknowledgement. `normal`, `off`: SQLite's `synchronous`.
    """

    folder: str
    id: str
    port: int
    total: int
    per_s: float = 15.0
    max_bytes: int = MAX_BYTES
    prune_every: int = 0
    control: Literal["", "puback", "normal", "off"] = ""


def verdict(number: int) -> dict[str, Any]:
    """Return a verdict's data; `verdict_no` is its number, sizes vary from one page of the database to several."""
    draw = random.Random(number)
    rest = [{"kind": "unscanned", "p": 0.001, "gtin": f"{draw.randrange(10**13):014}", "quantity": 1}]
    weight = {"gross_g": 24311.5, "sd_g": 2.1, "expected_g": 24308.0, "expected_sd_g": 14.2, "tare_g": 21350.0}
    return {
        "visit_id": f"V-{number}", "transaction_id": f"T-{number}", "revision": 1, "verdict_no": number,
        "decision": "accept", "action": "release", "p_as_claimed": 0.99, "expected_loss_minor": 1.0, "currency": "EUR",
        "weight": weight | {"residual_g": 3.5},
        "explanations": [{"kind": "as_claimed", "p": 0.99}, *rest * draw.choice((1, 1, 1, 4, 9, 60))],
        "recheck": [], "look_for": [], "requirements": [], "smallest_visible": None, "reasons": [],
        "message": {"en": "Thank you."}, "evidence": {"sightings": 0, "unknown_objects": 0, "cameras": 0},
        "versions": {"software": "0.1.0"},
        "timing_ms": {"settle": 600, "capture": 0, "vision": 0, "fusion": 5, "total": 605},
    }  # fmt: skip


def visit(number: int) -> Batch:
    """Return all that one visit causes."""
    phase = {"visit_id": f"V-{number}", "transaction_id": f"T-{number}", "phase": "stable"}
    events = (
        Outgoing(name="transaction", data=phase | {"gross_g": 24311.5, "sd_g": 2.1}),
        Outgoing(name="verdict", data=verdict(number)),
    )
    return Batch(events=events, keep={"visit": b"%d" % number * 300})


class Deliverer:
    """Owns a `Delivery` and its queue, in one thread."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._queue: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self._clock = Clock()
        self._station = Station(STORE, task.id)
        folder = Path(task.folder)
        self._outbox = Outbox(folder / "outbox.db", max_bytes=task.max_bytes, signer=_signer(folder))
        link = LinkOptions(
            host="127.0.0.1", port=task.port, client_id=task.id, connect_s=3.0, keepalive_s=5, backoff_min_s=0.1,
            backoff_max_s=2.0,
        )  # fmt: skip
        options = DeliveryOptions(link=link, pump=QUICK, commands=frozenset({"resend"}))
        self._delivery = Delivery(
            self._outbox, self._station, options, self._clock, self._queue.put, self._settled, self._committed
        )
        self._keeper = Keeper(self._delivery)
        self._due_ns = 0

    def run(self) -> None:
        """Store and publish until all is made and confirmed."""
        say(f"up {os.getpid()}")
        self._delivery.start()
        while not self._finished():
            self._turn()
        say("done")
        self._delivery.close()

    def _finished(self) -> bool:
        try:
            return self._outbox.confirmed() >= self._task.total
        except OutboxError:
            return False

    def _turn(self) -> None:
        now_ns = time.monotonic_ns()
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + round(SECOND_NS / self._task.per_s)
            self._make()
        try:
            event = self._queue.get(timeout=min(TICK_S, max(0.0, (self._due_ns - time.monotonic_ns()) / SECOND_NS)))
        except queue.Empty:
            self._delivery.tick(time.monotonic_ns())
            return
        for command in self._delivery.handle(event, time.monotonic_ns()):
            self._obey(command)
        self._delivery.tick(time.monotonic_ns())

    def _make(self) -> None:
        """Store the next visit; behind those that a full disk refuses."""
        try:
            number = self._outbox.last_seq() + self._keeper.waiting + 1
        except OutboxError:
            return
        if self._keeper.waiting and not self._keeper.retry():
            return
        if number <= self._task.total:
            self._keeper.put(visit(number))
            if self._task.prune_every and number % self._task.prune_every == 0:
                self._outbox.prune(self._clock.stamp())

    def _obey(self, command: Command) -> None:
        try:
            found = self._delivery.again(str(command.data.get("epoch")), int(command.data.get("from_seq", 1)))
        except OutboxError as failure:
            self._delivery.answer(command, error("disk_failed", failure.message))
            return
        self._delivery.answer(command, ok() if found else error("wrong_epoch", "not here"))

    def _committed(self, _batch: Batch, refs: Sequence[Ref], _began_ns: int, _ended_ns: int) -> None:
        for ref in refs:
            if ref.kind == "verdict" and (row := self._outbox.read(ref)) is not None:
                data = msgspec.json.decode(row.payload)
                number, digest = data["data"]["verdict_no"], hashlib.sha256(row.payload).hexdigest()
                say(f"verdict {data['epoch']} {ref.number} {number} {digest}")

    def _settled(self, outcome: Outcome, _now_ns: int) -> None:
        """Take the broker's word for the backend's, where that is the task: as if `ack/verdict` had come."""
        if self._task.control != "puback" or not outcome.accepted or outcome.item.kind != "verdict":
            return
        word = {"epoch": self._outbox.epoch, "seq": outcome.item.number}
        event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "x", "data": word}
        topic = self._station.topic("ack", "verdict")
        self._queue.put(Arrived(connection=0, mid=0, t_ns=0, topic=topic, payload=msgspec.json.encode(event), qos=0))


def say(line: str) -> None:
    """Tell the witness, in one piece."""
    os.write(sys.stdout.fileno(), line.encode() + b"\n")


def _signer(folder: Path) -> signing_keys.KeyPair:
    return signing_keys.ready(None, folder).pair


class _Careless(sqlite3.Connection):
    """A connection that syncs less than it is told to."""

    level = "OFF"

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """Execute anything but what would make it sync."""
        if sql == "PRAGMA synchronous=FULL":
            sql = f"PRAGMA synchronous={self.level}"
        return super().execute(sql, *parameters)


def main() -> None:
    """Do the task in the first argument."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    if task.control in {"normal", "off"}:
        _Careless.level = task.control.upper()
        sqlite3.connect = functools.partial(sqlite3.connect, factory=_Careless)  # type: ignore[assignment]
    Deliverer(task).run()


if __name__ == "__main__":
    main()
