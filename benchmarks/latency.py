"""From the last touch of the platform to the verdict acknowledged by the broker, over the demo's shoppers.

Runs `station demo --fast --json` as a program, and takes the daemon's own account of every verdict. Beside each
verdict, on the same disk and broker, one raw synced write and one raw QoS 1 publication are measured. The software's
own share is what is left of the total without: settling (physics), one raw sync, one raw PUBACK, and the one conversion
that the bridge's driver waits for before it trusts the one before it. Cameras and model work while the load settles;
whatever they are late by is in the own share, although captures and model invocations might be left out of it.
Abstentions are left out: they wait for no load and no camera.

    python -m benchmarks.latency [--shoppers 200] [--seed 1] [--json]
"""

import argparse
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from drivers.sim.bridge_emulator import RATE_HZ

LIMIT_OWN_MS = 20.0  # p95
PERCENTS = (50, 95, 99)
STAGES = ("settle", "capture", "vision", "inference", "fusion", "commit", "publish", "total")
HELD_MS = 1000 / RATE_HZ
FSYNC, PUBACK = "raw fsync", "raw PUBACK"
OWN = "own share"
PAYLOAD = b"x" * 2000  # about a verdict's size
RAW_TIMES = 3  # measurements beside each verdict
CONNACK_TYPE, PUBACK_TYPE = 0x20, 0x40
MS_NS = 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where the limit is not kept."""
    parser = argparse.ArgumentParser(description="latency from the last touch to the broker")
    parser.add_argument("--shoppers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    took, raw = measure(given.shoppers, given.seed)
    less_ms = HELD_MS + sum(statistics.median(column) for column in raw.values())
    own_ms = [row["total"] - row["settle"] - less_ms for row in took]
    columns = {**{stage: [row[stage] for row in took] for stage in STAGES}, **raw, OWN: own_ms}
    figures = {name: percentiles(values) for name, values in columns.items()}
    kept = figures[OWN]["p95"] <= LIMIT_OWN_MS
    if given.json:
        print(
            json.dumps({"verdicts": len(took), "figures_ms": figures, "limit_own_p95_ms": LIMIT_OWN_MS, "kept": kept})
        )
    else:
        Console().print(table(figures, len(took)))
    return 0 if kept else 1


def measure(shoppers: int, seed: int) -> tuple[list[dict[str, float]], dict[str, list[float]]]:
    """Run the demo; return the milliseconds of every judged verdict by stage, and those of the raw measurements."""
    took: list[dict[str, float]] = []
    raw: dict[str, list[float]] = {FSYNC: [], PUBACK: []}
    port = 0
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        kept = Path(folder) / "demo"
        for line in demo(shoppers, seed, kept):
            if line["type"] == "ready":
                port = int(line["port"])
            elif line["type"] == "verdict":
                raw[FSYNC] += [raw_fsync_ms(kept) for _ in range(RAW_TIMES)]
                raw[PUBACK] += [raw_puback_ms(port) for _ in range(RAW_TIMES)]
                if line["latency_ms"] is not None and line["verdict"]["decision"] != "abstain":
                    took.append(line["latency_ms"])
    return took, raw


def demo(shoppers: int, seed: int, kept: Path) -> Iterator[dict[str, Any]]:
    """Run the demo and yield what it prints, line by line."""
    command = [str(Path(sys.executable).with_name("station")), "demo", "--fast", "--json"]
    command += ["--shoppers", str(shoppers), "--seed", str(seed), "--keep", str(kept)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"the demo ended with status {process.returncode}")


def raw_fsync_ms(folder: Path) -> float:
    """Return how long it takes to write a verdict's bytes into a file and sync it."""
    with (folder / "raw").open("ab", buffering=0) as file:
        began_ns = time.monotonic_ns()
        file.write(PAYLOAD)
        os.fsync(file.fileno())
        return (time.monotonic_ns() - began_ns) / MS_NS


def raw_puback_ms(port: int) -> float:
    """Return how long the broker takes to acknowledge a verdict's bytes, over a bare socket."""
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.sendall(_packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + _text(b"latency")))
        _expect(wire, CONNACK_TYPE)
        began_ns = time.monotonic_ns()
        wire.sendall(_packet(0x32, _text(b"raw") + b"\x00\x01\x00" + PAYLOAD))
        _expect(wire, PUBACK_TYPE)
        return (time.monotonic_ns() - began_ns) / MS_NS


def _text(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while left > 0x7F:
        length.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([kind, *length, left]) + body


def _expect(wire: socket.socket, kind: int) -> None:
    head = wire.recv(2)
    assert head[0] & 0xF0 == kind, head
    left = head[1]
    while left:
        left -= len(wire.recv(left))


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99 of values, the nearest rank."""
    ordered = sorted(values)
    return {f"p{percent}": round(ordered[round(percent / 100 * (len(ordered) - 1))], 2) for percent in PERCENTS}


def table(figures: dict[str, dict[str, float]], verdicts: int) -> Table:
    """Return the figures with the limit beside them."""
    made = Table(title=f"Milliseconds from the last touch to the broker, {verdicts} verdicts", title_justify="left")
    made.add_column("stage")
    for percent in PERCENTS:
        made.add_column(f"p{percent}", justify="right")
    made.add_column("limit", justify="right")
    for name, row in figures.items():
        limit = f"p95 <= {LIMIT_OWN_MS:.0f}" if name == OWN else ""
        made.add_row(name, *(f"{value:.1f}" for value in row.values()), limit)
    return made


if __name__ == "__main__":
    sys.exit(main())
