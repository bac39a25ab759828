"""The same without the product: paho, QoS 1, persistent sessions, manual acknowledgement after storing.

    python -m benchmarks.chaos_plain publish FOLDER ID PORT TOTAL PER_S
    python -m benchmarks.chaos_plain store DATABASE PORT SLOW

As well as paho allows it: MQTT 5, clean start off, sessions that outlive every outage here, automatic reconnects, and a
counter on disk, so that a publisher that was killed goes on with the next verdict. It says `verdict - NUMBER NUMBER
SHA256` when `publish` has taken it, and `done` when the broker has acknowledged everything.
"""

import hashlib
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from benchmarks.chaos_backend import SLOW_S
from benchmarks.delivering import say, verdict

TOPIC = "plain"
SCHEMA = """CREATE TABLE IF NOT EXISTS verdict(
  row INTEGER PRIMARY KEY, station TEXT, number INTEGER, payload BLOB)"""


def connected(client_id: str, port: int, *, manual: bool = False) -> Client:
    """Return a client that connects, again and again."""
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=manual)
    connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    connect.SessionExpiryInterval = 3600
    client.reconnect_delay_set(1, 2)
    client.connect_async("127.0.0.1", port, keepalive=5, clean_start=False, properties=connect)
    return client


def publish(folder: Path, name: str, port: int, total: int, per_s: float) -> None:
    """Publish what is left of so many verdicts, at a rate."""
    say(f"up {os.getpid()}")
    counter = folder / "counter"
    number = int(counter.read_text(encoding="ascii")) if counter.exists() else 0
    client, published = connected(name, port), 0
    acknowledged: list[int] = []
    client.on_publish = lambda _client, _data, mid, *_: acknowledged.append(mid)
    client.loop_start()
    pause = threading.Event()  # `time.sleep` fails under libfaketime
    while number < total:
        number += 1
        payload = msgspec.json.encode({"number": number, "data": verdict(number)})
        published += 1
        client.publish(f"{TOPIC}/{name}", payload, 1)
        say(f"verdict - {number} {number} {hashlib.sha256(payload).hexdigest()}")
        fresh = counter.with_suffix(".new")
        fresh.write_text(str(number), encoding="ascii")
        fresh.replace(counter)
        pause.wait(1 / per_s)
    while len(acknowledged) < published:
        pause.wait(0.1)
    say("done")
    client.disconnect()
    client.loop_stop()


def store(database: Path, port: int, slow: Path) -> None:
    """Store every copy that comes, then acknowledge it; until a signal ends it."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    client = connected("plain.backend", port, manual=True)
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(SCHEMA)

    def take(_client: Client, _data: Any, message: MQTTMessage) -> None:
        if slow.exists():
            ended.wait(SLOW_S)
        number = msgspec.json.decode(message.payload)["number"]
        row = (message.topic.rpartition("/")[2], number, message.payload)
        connection.execute("INSERT INTO verdict(station, number, payload) VALUES (?, ?, ?)", row)
        client.ack(message.mid, message.qos)

    def subscribe(*_: Any) -> None:
        client.subscribe(f"{TOPIC}/+", 1)

    client.on_connect = subscribe
    client.on_message = take
    client.loop_start()
    ended.wait()
    client.disconnect()
    client.loop_stop()


def main() -> None:
    """Do one of both."""
    role, *words = sys.argv[1:]
    if role == "publish":
        publish(Path(words[0]), words[1], int(words[2]), int(words[3]), float(words[4]))
    else:
        store(Path(words[0]), int(words[1]), Path(words[2]))


if __name__ == "__main__":
    main()
