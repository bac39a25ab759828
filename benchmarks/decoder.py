"""How fast the bridge's frames are decoded: the driver's codec beside a plain loop over the `cobs` package.

The plain loop splits at zeros, undoes COBS (compiled code), compares the CRC and unpacks the counts with struct: no
numbering, no clock, no judgement. Ours is the whole way from bytes to judged samples. Both get the same bytes in the
same portions of 64. Headroom: against eight cells of 320 samples a second, as frames of eight channels.

    python -m benchmarks.decoder [--frames 40000] [--channels 8] [--json]
"""

import argparse
import binascii
import json
import random
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from cobs import cobs
from rich.console import Console
from rich.table import Table

from drivers.bridge_frames import BridgeFlag, SampleFrame, encode, parse
from drivers.bridge_stream import BridgeStream
from drivers.framing import FrameDecoder

RATE_HZ = 320
LIMIT_HEADROOM = 50
PORTION = 64  # what a USB full-speed packet carries
ROUNDS = 5
PERIOD_US = 3_125


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where the headroom is too small."""
    parser = argparse.ArgumentParser(description="frames and bytes decoded a second")
    parser.add_argument("--frames", type=int, default=40_000)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    result = measure(given.frames, given.channels)
    print(json.dumps(result)) if given.json else show(result)
    return 0 if result["kept"] else 1


def measure(frames: int, channels: int) -> dict[str, Any]:
    """Return the best of some rounds of each way."""
    portions = _portions(frames, channels)
    size = sum(map(len, portions))
    ways: dict[str, Callable[[list[bytes]], int]] = {
        "driver: bytes to judged samples": _driver,
        "driver: bytes to frames": _frames_only,
        "plain loop over cobs, crc, struct": _plain,
    }
    rows = {}
    for name, way in ways.items():
        best_s = min(_timed(way, portions, frames) for _ in range(ROUNDS))
        rows[name] = {
            "frames_per_s": round(frames / best_s),
            "mb_per_s": round(size / best_s / 1e6, 3),
            "headroom": round(frames / best_s / RATE_HZ, 1),
        }
    kept = rows["driver: bytes to judged samples"]["headroom"] >= LIMIT_HEADROOM
    return {"frames": frames, "channels": channels, "ways": rows, "limit_headroom": LIMIT_HEADROOM, "kept": kept}


def _portions(frames: int, channels: int) -> list[bytes]:
    chance = random.Random(1)
    wire = bytearray(b"\0")
    for number in range(frames):
        counts = tuple(round(chance.gauss(654_321, 38.7)) for _ in range(channels))
        wire += encode(SampleFrame(number * PERIOD_US & 0xFFFFFFFF, BridgeFlag(0), counts), number)
    return [bytes(wire[at : at + PORTION]) for at in range(0, len(wire), PORTION)]


def _timed(way: Callable[[list[bytes]], int], portions: list[bytes], frames: int) -> float:
    began = time.process_time()
    found = way(portions)
    took_s = time.process_time() - began
    assert found >= frames - 1
    return took_s


def _driver(portions: list[bytes]) -> int:
    stream, found, t_ns = BridgeStream("bridge", None, frozen_after=50), 0, 0
    for portion in portions:
        t_ns += PERIOD_US * 1000
        found += len(stream.feed(portion, t_ns))
    return found


def _frames_only(portions: list[bytes]) -> int:
    decoder, found = FrameDecoder(), 0
    for portion in portions:
        for payload in decoder.feed(portion):
            found += parse(payload) is not None
    return found


def _plain(portions: list[bytes]) -> int:
    """Decode as one would without the driver."""
    rest, found = b"", 0
    for portion in portions:
        *closed, rest = (rest + portion).split(b"\0")
        for coded in closed:
            if not coded:
                continue
            data = cobs.decode(coded)
            if binascii.crc_hqx(data[:-2], 0xFFFF) == int.from_bytes(data[-2:], "little"):
                _, _, _, _, channels, _ = struct.unpack_from("<BBHIBB", data)
                found += len(struct.unpack_from(f"<{channels}i", data, 10)) == channels
    return found


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title=f"{result['frames']:,} frames of {result['channels']} channels")
    for heading in ("", "frames/s", "MB/s", f"headroom over {RATE_HZ}/s"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, row in result["ways"].items():
        table.add_row(name, f"{row['frames_per_s']:,}", f"{row['mb_per_s']}", f"{row['headroom']} x")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
