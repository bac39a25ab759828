"""A station's consumer reduced to delivery: one queue, one thread (the test's), one outbox on disk."""

import queue
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from station.clock import Clock
from station.commands import Command, ok
from station.delivery import Batch, Delivery, DeliveryOptions, Outgoing
from station.link_values import LinkDown, LinkEvent, LinkOptions, LinkUp
from station.outbox import Outbox, Ref
from station.pump import PumpOptions
from station.signing import Signer
from station.wire import Station
from tests.support.clients import verdict_data

STATION = Station("0815", "vs-03")
QUICK = PumpOptions(
    backlog_per_s=2000, acknowledge_s=3, retry_min_s=0.05, retry_max_s=0.4, resend_after_s=0.5, resend_reconnect_s=0.2
)
DEADLINE_S = 20.0
TICK_S = 0.02


def link_options(port: int, **more: Any) -> LinkOptions:
    """Return options with an impatient backoff."""
    values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "client_id": STATION.id}
    return LinkOptions(**(values | {"backoff_min_s": 0.02, "backoff_max_s": 0.2} | more))


class Consumer:
    """Owns a `Delivery` and turns its queue. Commands are collected, and answered `ok` unless `answering` is off."""

    def __init__(
        self, path: Path, options: LinkOptions, pump: PumpOptions = QUICK, signer: Signer | None = None
    ) -> None:
        self.queue: queue.SimpleQueue[LinkEvent] = queue.SimpleQueue()
        self.events: list[LinkEvent] = []
        self.commands: list[Command] = []
        self.answering = True
        self.outbox = Outbox(path, signer=signer)
        given = DeliveryOptions(link=options, pump=pump, commands=frozenset({"claim", "zero"}))
        self.delivery = Delivery(self.outbox, STATION, given, Clock(), self.queue.put)

    def __enter__(self) -> Self:
        self.delivery.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delivery.close(0.5)

    def verdict(self, number: int = 1) -> list[Ref]:
        """Store one verdict."""
        return self.delivery.store(Batch(events=(Outgoing(name="verdict", data=verdict_data(number)),)))

    def turn(self) -> None:
        """Handle what comes within a tick."""
        try:
            event = self.queue.get(timeout=TICK_S)
        except queue.Empty:
            self.delivery.tick(time.monotonic_ns())
            return
        self.events.append(event)
        for command in self.delivery.handle(event, time.monotonic_ns()):
            self.commands.append(command)
            if self.answering:
                self.delivery.answer(command, ok())
        self.delivery.tick(time.monotonic_ns())

    def until(self, done: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
        """Turn until `done`."""
        end_s = time.monotonic() + deadline_s
        while not done():
            assert time.monotonic() < end_s, (self.delivery.counters, self.events[-5:])
            self.turn()

    def down(self) -> LinkDown | None:
        """Return the last report of a missing connection."""
        return next((event for event in reversed(self.events) if isinstance(event, LinkDown)), None)

    def ups(self) -> int:
        """Return how often a connection stood."""
        return sum(isinstance(event, LinkUp) for event in self.events)

    def conditions(self) -> dict[str, str]:
        """Return what is wrong now, as code and message."""
        return {c.code: f"{c.message}; {c.remedy}" for c in self.delivery.alarm_conditions(time.monotonic_ns())}
