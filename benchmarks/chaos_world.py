"""The world that the storm blows through: stations, broker, backends, the network between them, and a listener.

Beside each station of the product stands a plain publisher, beside the backend a plain subscriber. Both kinds share
the broker, the legs of the network, and every strike.
"""

import hashlib
import json
import random
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage

from benchmarks.chaos_legs import Leg
from benchmarks.chaos_parts import Broker, Clock, Kernel, Part, SmallDisk
from benchmarks.chaos_plain import connected
from benchmarks.delivering import Task
from station import signing_keys
from station.wire import Station


class Plan(msgspec.Struct, frozen=True):
    """How much of it. `queue` is the broker's, for each client that is away."""

    total: int
    stations: int
    per_s: float
    seed: int
    queue: int
    control: str = ""


class Lane:
    """One station, and the plain publisher beside it."""

    def __init__(self, folder: Path, number: int, plan: Plan, port: int, *, small: bool) -> None:
        self.id = f"vs-{number}"
        self.state, self.plain_state = folder / self.id, folder / f"plain-{number}"
        self.state.mkdir()
        self.plain_state.mkdir()
        self.disk = SmallDisk(self.state) if small else None
        self.clock = Clock(folder / f"clock-{number}")
        self.key = signing_keys.ready(None, self.state).pair.public
        total = plan.total // plan.stations
        task = Task(str(self.state), self.id, port, total, plan.per_s, control="puback" if plan.control else "")
        program = ["benchmarks.delivering", msgspec.json.encode(task).decode()]
        self.station = Part(program, folder / f"{self.id}.log", self.clock.environment())
        words = [str(self.plain_state), f"plain-{number}", str(port), str(total), str(plan.per_s)]
        program = ["benchmarks.chaos_plain", "publish", *words]
        self.plain = Part(program, folder / f"plain-{number}.log")  # it never looks at the wall clock

    def made(self) -> int:
        """Return how many verdicts it says it has stored."""
        return len({line[1] for line in self.station.lines("verdict")})


class Tap:
    """Hears every copy of every verdict at the broker itself, and can say what is not true about them."""

    def __init__(self, port: int) -> None:
        self.copies: dict[tuple[str, str, int], set[str]] = defaultdict(set)
        self.heard = 0
        self.backwards = 0  # copies that came after a later verdict of their station
        self._highest: dict[str, int] = defaultdict(int)
        self._client = connected("tap", port)
        self._client.on_connect = self._subscribe
        self._client.on_message = self._take
        self._client.loop_start()

    def lie(self, station: Station, draw: random.Random) -> str:
        """Publish one acknowledgement that no backend may publish; return it."""
        epochs = [epoch for name, epoch, _ in list(self.copies) if name == station.id] or ["none"]
        lie: Any = draw.choice([
            {"epoch": "f" * 32, "seq": draw.randrange(1, 10**6)},
            {"epoch": epochs[-1], "seq": 10**9},
            {"epoch": epochs[-1], "seq": draw.randrange(-5, 3)},
            {"epoch": epochs[-1], "seq": "7"},
            {"seq": 7},
            [],
        ])  # fmt: skip
        event = {"specversion": "1.0", "id": "lie", "source": "/liar", "type": "backend.acknowledgement.v1"}
        payload = draw.choice([json.dumps({**event, "data": lie}).encode(), b"", b"\xff{"])
        self._client.publish(station.topic("ack", "verdict"), payload, 1, retain=True)
        return payload.decode(errors="replace")

    def close(self) -> None:
        """End it."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, *_: Any) -> None:
        self._client.subscribe("vs/1/+/+/evt/verdict", 1)

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        event = msgspec.json.decode(message.payload)
        name, seq = message.topic.split("/")[3], event["seq"]
        self.heard += 1
        self.backwards += seq < self._highest[name]
        self._highest[name] = max(self._highest[name], seq)
        self.copies[name, event["epoch"], seq].add(hashlib.sha256(message.payload).hexdigest())


class World:
    """All of it. `start`, `heal`, `close`."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan, self.folder = plan, folder
        self.kernel = Kernel()
        self.broker = Broker(folder, plan.queue)
        self.legs = {"stations": Leg(self.broker.port, plan.seed), "backend": Leg(self.broker.port, plan.seed + 1)}
        small = self.kernel.available
        self.lanes = [
            Lane(folder, number, plan, self.legs["stations"].port, small=small)
            for number in range(1, plan.stations + 1)
        ]
        self.slow, self.keys = folder / "slow", folder / "keys.pem"
        self.keys.write_text("".join(lane.key.pem for lane in self.lanes), encoding="ascii")
        self.database, self.plain_database = folder / "verdicts.db", folder / "plain.db"
        self.clock = Clock(folder / "clock-backend")
        port = str(self.legs["backend"].port)
        self.backend = Part(
            ["benchmarks.chaos_backend", str(self.database), port, str(self.keys), str(self.slow)],
            folder / "backend.log", self.clock.environment(),
        )  # fmt: skip
        program = ["benchmarks.chaos_plain", "store", str(self.plain_database), port, str(self.slow)]
        self.plain_backend = Part(program, folder / "plain-backend.log")

    @property
    def backends(self) -> tuple[Part, Part]:
        """The product's and the plain one."""
        return self.backend, self.plain_backend

    def start(self) -> None:
        """Let everything begin."""
        self.broker.start()
        self.tap = Tap(self.broker.port)
        for part in (*self.backends, *(part for lane in self.lanes for part in (lane.station, lane.plain))):
            part.start()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        threading.Event().wait(seconds)

    def stop(self) -> None:
        """End all processes."""
        for part in (*self.backends, *(part for lane in self.lanes for part in (lane.station, lane.plain))):
            part.stop()
        self.broker.stop()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.tap.close()
        for lane in self.lanes:
            if lane.disk is not None:
                lane.disk.close()
        for leg in self.legs.values():
            leg.close()
