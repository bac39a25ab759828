"""How fast verdicts are stored, published and received, beside raw SQLite and raw paho in the same run.

Commits: signed and chained verdicts, one a commit, beside one row of the same size in a bare table with the same
pragmas (WAL, synchronous=FULL), in turns of a block each. Publications: from the commit to the broker's PUBACK, beside
plain paho at QoS 1 with the same window of 10. Latency: from the making of a verdict to its receipt by a subscriber,
beside a plain publication, in turns. Recovery: a backlog of verdicts after the broker has returned, until the broker
has the last one: as shipped (200 a second, so that a fleet's backlogs do not swamp the backend) and unbounded.

    python -m benchmarks.delivery [--verdicts 2000] [--backlog 10000] [--json]
"""

import argparse
import contextlib
import json
import queue
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console
from rich.table import Table

from station.clock import Clock
from station.fleet.tally import percentiles
from station.outbox import Outbox
from station.pump import PumpOptions
from station.signing_keys import KeyPair
from tests.support.clients import verdict_payload
from tests.support.consumer import STATION, Consumer, link_options
from tests.support.mosquitto import free_port, program

BLOCK = 100
WINDOW = 10
PATIENCE_S = 30.0
LATENCY_TIMES, PAUSE_S = 500, 0.01
UNBOUNDED = 1e6


class Pair(NamedTuple):
    """Ours beside the baseline."""

    name: str
    unit: str
    ours: float
    baseline: float | None
    of: str

    @property
    def ratio(self) -> float | None:
        """Ours over the baseline."""
        return None if not self.baseline else self.ours / self.baseline


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="throughput and latency of the delivery")
    parser.add_argument("--verdicts", type=int, default=2000)
    parser.add_argument("--backlog", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="delivery-") as name:
        pairs = [*commits(Path(name), given.verdicts), *publications(Path(name), given.verdicts)]
        pairs += [*latencies(Path(name)), *recoveries(Path(name), given.backlog)]
    if given.json:
        print(json.dumps([{**pair._asdict(), "ratio": pair.ratio} for pair in pairs]))
    else:
        Console().print(table(pairs))
    return 0


def commits(folder: Path, count: int) -> Iterator[Pair]:
    """Yield commits a second, in blocks by turns."""
    outbox, clock = Outbox(folder / "commits.db", signer=KeyPair(Ed25519PrivateKey.generate())), Clock()
    raw = sqlite3.connect(folder / "raw.db", isolation_level=None)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("CREATE TABLE message(seq INTEGER PRIMARY KEY, payload BLOB NOT NULL)")
    payload = verdict_payload(1)

    def store() -> None:
        with outbox.write() as write:
            write.add_verdict(STATION.topic("evt", "verdict"), clock.stamp(), lambda _: payload)

    def insert() -> None:
        raw.execute("INSERT INTO message(payload) VALUES (?)", (payload,))

    ours, theirs = [], []
    for _ in range(max(1, count // BLOCK)):
        ours.append(rate(store))
        theirs.append(rate(insert))
    outbox.close()
    raw.close()
    yield Pair("commits, signed and chained", "a second", statistics.median(ours), statistics.median(theirs), "SQLite")


def rate(work: Callable[[], None], times: int = BLOCK) -> float:
    """Return how often a second something can be done."""
    began_s = time.perf_counter()
    for _ in range(times):
        work()
    return times / (time.perf_counter() - began_s)


@contextlib.contextmanager
def broker(folder: Path, port: int) -> Iterator[None]:
    """Run a mosquitto that logs nothing."""
    config = folder / f"mosquitto-{port}.conf"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "user root", "log_type none", "set_tcp_nodelay true"]
    config.write_text("\n".join([*lines, "max_queued_messages 100000"]) + "\n", encoding="utf-8")
    with subprocess.Popen([program(), "-c", str(config)]) as process:
        try:
            yield
        finally:
            process.terminate()


class Peer:
    """Plain paho: publishes with a window, or hears what comes."""

    def __init__(self, port: int, name: str, subscription: str | None = None) -> None:
        self.heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.ready: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.max_inflight_messages_set(WINDOW)
        self.client.on_message = lambda *_: self.heard.put(time.monotonic_ns())
        self.client.on_subscribe = lambda *_: self.ready.put(None)
        until_open(lambda: self.client.connect("127.0.0.1", port))
        self.client.loop_start()
        if subscription is not None:
            self.client.subscribe(subscription, 1)
            self.ready.get(timeout=PATIENCE_S)

    def close(self) -> None:
        """Leave."""
        self.client.disconnect()
        self.client.loop_stop()


def until_open(connect: Callable[[], object]) -> None:
    """Connect, also to a broker that is just starting."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            connect()
        except ConnectionRefusedError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.02)
        else:
            return


def consumer(folder: Path, name: str, port: int, per_s: float = 200.0) -> Consumer:
    """Return a station reduced to delivery that signs; its options are those that ship, but for the rate."""
    pump = PumpOptions(backlog_per_s=per_s)
    return Consumer(folder / name, link_options(port), pump, KeyPair(Ed25519PrivateKey.generate()))


def publications(folder: Path, count: int) -> Iterator[Pair]:
    """Yield publications a second, each until its PUBACK; ours include the commit."""
    port, topic = free_port(), STATION.topic("evt", "verdict")
    with broker(folder, port):
        listener = Peer(port, "listener", "vs/#")
        raw, payload = Peer(port, "raw"), verdict_payload(1)
        with consumer(folder, "published.db", port) as station:
            station.until(lambda: station.ups() == 1, PATIENCE_S)
            began_s = time.perf_counter()
            for number in range(count):
                station.verdict(number)
                while station.delivery._publisher.window_full:  # noqa: SLF001 - a rate needs a full window
                    station.turn()
            station.until(lambda: station.delivery.counters.get("brokered", 0) > count, PATIENCE_S + count / 50)
            ours = count / (time.perf_counter() - began_s)
        began_s = time.perf_counter()
        for info in [raw.client.publish(topic, payload, 1) for _ in range(count)]:
            info.wait_for_publish(PATIENCE_S)
        theirs = count / (time.perf_counter() - began_s)
        raw.close()
        listener.close()
    yield Pair("commit and publication until PUBACK", "a second", ours, theirs, "paho, nothing stored")


def latencies(folder: Path) -> Iterator[Pair]:
    """Yield percentiles from making to receipt, in turns."""
    port, topic, payload = free_port(), STATION.topic("evt", "verdict"), verdict_payload(1)
    ours, theirs = [], []
    with broker(folder, port):
        listener, raw = Peer(port, "listener", topic), Peer(port, "raw")
        with consumer(folder, "latency.db", port) as station:
            station.until(lambda: station.ups() == 1, PATIENCE_S)
            for number in range(LATENCY_TIMES):
                made_ns = time.monotonic_ns()
                station.verdict(number)
                ours.append((listener.heard.get(timeout=PATIENCE_S) - made_ns) / 1e6)
                while station.delivery._publisher.window_full:  # noqa: SLF001
                    station.turn()
                station.turn()
                made_ns = time.monotonic_ns()
                raw.client.publish(topic, payload, 1)
                theirs.append((listener.heard.get(timeout=PATIENCE_S) - made_ns) / 1e6)
                time.sleep(PAUSE_S)
        raw.close()
        listener.close()
    mine, other = percentiles(ours), percentiles(theirs)
    for name in ("p50", "p99"):
        yield Pair(f"verdict made to received, {name}", "ms", mine[name], other[name], "paho, nothing stored")


def recoveries(folder: Path, count: int) -> Iterator[Pair]:
    """Yield how long a backlog takes once the broker is back."""
    for per_s, told in ((PumpOptions().backlog_per_s, "as shipped"), (UNBOUNDED, "unbounded")):
        port = free_port()
        station = consumer(folder, f"backlog-{per_s:.0f}.db", port, per_s)
        for number in range(count):
            station.verdict(number)
        with broker(folder, port):
            listener = Peer(port, "listener", STATION.topic("evt", "verdict"))
            began_s = time.perf_counter()
            with station:
                limit_s = PATIENCE_S + count / 20
                station.until(lambda s=station: s.delivery.counters.get("brokered", 0) > count, limit_s)  # type: ignore[misc]
                seconds = time.perf_counter() - began_s
            listener.close()
        yield Pair(f"backlog of {count} verdicts at the broker, {told}", "s", seconds, None, "")


def table(pairs: Sequence[Pair]) -> Table:
    """Return the figures beside their baselines."""
    made = Table(title="Delivery", title_justify="left")
    for head in ("", "this station", "baseline", "ratio", "baseline is"):
        made.add_column(head, justify="left" if head in {"", "baseline is"} else "right")
    for pair in pairs:
        beside = "" if pair.baseline is None else f"{pair.baseline:.1f}"
        ratio = "" if pair.ratio is None else f"{pair.ratio:.2f}"
        made.add_row(pair.name, f"{pair.ours:.1f} {pair.unit}", beside, ratio, pair.of)
    return made


if __name__ == "__main__":
    sys.exit(main())
