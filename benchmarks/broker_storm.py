"""What mutual TLS costs the shipped mosquitto: many stations that connect at once, processor time and memory each.

Every station has a certificate of its own (P-256) and its last will. The clients are as light as possible and share
this machine with the broker, so the wall time is an upper bound; the broker's processor time is its own. A second
storm resumes nothing: every station makes a full handshake, as after a restart of the broker.
"""

import argparse
import asyncio
import os
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from station.provision import issuing
from tests.broker.lab import STORE, Lab, Shipped, context, terms

AT_ONCE = 50
TICK_HZ = os.sysconf("SC_CLK_TCK")
CONNACK = 0x20


class Load(NamedTuple):
    """What a process has used so far."""

    processor_s: float
    resident_kib: int


class Result(msgspec.Struct, frozen=True):
    """One storm."""

    stations: int
    wall_s: float
    broker_ms_each: float
    broker_kib_each: float


def main() -> int:
    """Print a storm for each size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broker_storm", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("sizes", nargs="*", type=int, default=[200, 900])
    given = parser.parse_args()
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as folder:
            result = storm(Path(folder), size)
        if given.json:
            print(msgspec.json.encode(result).decode())
        else:
            print(
                f"{result.stations:>6} stations online in {result.wall_s:.1f} s; broker: {result.broker_ms_each:.2f} ms"
                f" of one core and {result.broker_kib_each:.0f} KiB for each"
            )
    return 0


def storm(folder: Path, size: int) -> Result:
    """Provision so many stations and let them all connect."""
    lab = Lab(folder / "lab")
    contexts = [_context(lab, folder, number) for number in range(size)]
    with lab.broker() as broker:
        before, began_s = _load(broker.pid), time.monotonic()
        after = asyncio.run(_connect_all(broker, contexts))
        wall_s = time.monotonic() - began_s
    processor_ms = (after.processor_s - before.processor_s) * 1e3
    return Result(size, wall_s, processor_ms / size, (after.resident_kib - before.resident_kib) / size)


def _context(lab: Lab, folder: Path, number: int) -> ssl.SSLContext:
    name, key = f"s{number}", issuing.new_key("p256")
    certificate = lab.authority.backend(f"backend.{name}", key.public_key(), terms().period)
    (folder / f"{name}.key").write_bytes(issuing.key_pem(key))
    (folder / f"{name}.pem").write_bytes(issuing.pem(certificate))
    (folder / "ca.pem").write_bytes(lab.authority.certificate_pem)
    return context(folder, name)


async def _connect_all(broker: Shipped, contexts: list[ssl.SSLContext]) -> Load:
    gate = asyncio.Semaphore(AT_ONCE)
    writers = await asyncio.gather(*(_connect(broker.port, one, n, gate) for n, one in enumerate(contexts)))
    load = _load(broker.pid)
    for writer in writers:
        writer.transport.abort()
    return load


async def _connect(port: int, context: ssl.SSLContext, number: int, gate: asyncio.Semaphore) -> asyncio.StreamWriter:
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        writer.write(_connect_packet(f"s{number}"))
        head = await reader.readexactly(2)
        await reader.readexactly(head[1])
        if head[0] != CONNACK:
            raise RuntimeError(f"no CONNACK but {head.hex()}")
        return writer


def _connect_packet(name: str) -> bytes:
    """Return MQTT 5's CONNECT: session expiry 300 s, a will of a typical size."""
    expiry = b"\x11" + (300).to_bytes(4, "big")
    payload = _text(name) + b"\0" + _text(f"vs/1/{STORE}/{name}/st/conn") + _text("x" * 300)
    body = _text("MQTT") + b"\x05\x2c" + (30).to_bytes(2, "big") + bytes([len(expiry)]) + expiry + payload
    return b"\x10" + bytes([len(body) % 128 | 128, len(body) // 128]) + body  # 128 to 16 383 bytes


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def _load(pid: int) -> Load:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return Load((int(fields[11]) + int(fields[12])) / TICK_HZ, pages * os.sysconf("SC_PAGE_SIZE") // 1024)


if __name__ == "__main__":
    sys.exit(main())
