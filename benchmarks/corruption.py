"""False samples believed and good ones rejected, over a million emulated reads of an HX711 with real fault rates.

Side by side: the integrity layer of the drivers, a median of five, a Hampel filter (eleven samples, three sigma) and
the extra-bit check alone. False: what was believed is not what the converter delivered (for the median: not the median
of what it delivered). Bounds: a lost pulse shows in the extra bit in one of two cases; a converter that repeats itself
is found at the 16th equal result. The conversions that settle after a reset are doubtful, neither good nor false.
Last, the bridge's frames over a line that damages every fifth: a CRC-16 lets one in 65 536 damaged frames through.

    python -m benchmarks.corruption [--samples 1000000] [--frames 200000] [--seed 1] [--json]
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.corruption_world import CAUSES, DOUBTFUL, FALSE, GOOD, PERIOD_NS, Flags, Reads, generate
from drivers.base import Sample, SampleFlag
from drivers.bridge_stream import BridgeStream
from drivers.integrity import Cause, Gate
from drivers.raw_keys import chip_settings
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.faults import FaultRates, FaultyLine

OURS = "integrity layer"
LIMIT_REJECTED = 1e-3
FROZEN_UNSEEN = 15
LINE = FaultRates(drop_byte=0.05, garbage=0.05, truncate=0.05, duplicate=0.05)
CRC_PASSES = 1 / 65_536


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description="false samples believed, good ones rejected")
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    result = measure(given.samples, given.frames, given.seed)
    print(json.dumps(result)) if given.json else show(result)
    return 0 if result["kept"] else 1


def measure(samples: int, frames: int, seed: int) -> dict[str, Any]:
    """Return all figures."""
    reads = generate(samples, seed)
    bound = _bound(reads)
    began = time.process_time()
    believed = {OURS: _layer(reads)}
    took_us = (time.process_time() - began) / len(reads) * 1e6
    believed |= {"Hampel": _hampel(reads.got), "extra bit alone": reads.extra_high.copy()}
    rows = {name: _score(reads, mask, bound) for name, mask in believed.items()}
    rows["median of five"] = _median_score(reads, bound)
    bridge = _bridge(frames, seed)
    kept = (
        rows[OURS]["beyond_bound"] == 0 and rows[OURS]["good_rejected"] < LIMIT_REJECTED and bridge["beyond_bound"] == 0
    )
    return {
        "reads": len(reads),
        "false_reads": int(np.count_nonzero(reads.kind == FALSE)),
        "doubtful_reads": int(np.count_nonzero(reads.kind == DOUBTFUL)),
        "bound": bound,
        "us_per_read": round(took_us, 2),
        "filters": rows,
        "bridge": bridge,
        "limit_good_rejected": LIMIT_REJECTED,
        "kept": kept,
    }


def _bound(reads: Reads) -> int:
    """Return how many false reads the marks themselves let through, in these reads."""
    lost = np.count_nonzero(
        (reads.fault == "lost_pulse") & reads.extra_high & (reads.got != -1) & (reads.kind == FALSE)
    )
    frozen = reads.fault == "frozen"
    episodes = np.count_nonzero(frozen[1:] & ~frozen[:-1]) + int(frozen[0])
    return int(lost + FROZEN_UNSEEN * episodes)


def _layer(reads: Reads) -> Flags:
    """Return which reads the drivers' integrity layer believes."""
    gate, believed, t_ns = Gate(chip_settings(80, poll_s=0.01).rules), np.zeros(len(reads), bool), 0
    rows = zip(reads.got.tolist(), reads.elapsed.tolist(), reads.extra_high.tolist(), reads.cause.tolist(), strict=True)
    for number, (got, elapsed, extra_high, cause) in enumerate(rows):
        elapsed_ns = round(elapsed * PERIOD_NS)
        t_ns += elapsed_ns
        causes = CAUSES[cause] if extra_high else (Cause.EXTRA_BIT, *CAUSES[cause])
        released = gate.offer(Sample(t_ns, (got,)), elapsed_ns if number else None, causes=causes)
        if released is not None:
            believed[number - 1] = not released.flags & ~SampleFlag.GAP
    return believed


def _windows(values: Any, width: int) -> Any:
    """Return a row for each value: itself in the middle of its neighbours."""
    padded = np.pad(values, width // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, width)


def _hampel(got: Any, width: int = 11, sigmas: float = 3.0) -> Flags:
    middle = np.median(_windows(got, width), axis=1)
    spread = np.median(np.abs(_windows(got, width) - middle[:, None]), axis=1)
    believed: Flags = np.abs(got - middle) <= sigmas * 1.4826 * np.maximum(spread, 1.0)
    return believed


def _score(reads: Reads, believed: Flags, bound: int) -> dict[str, Any]:
    false = int(np.count_nonzero(believed & (reads.kind == FALSE)))
    good = reads.kind == GOOD
    rejected = np.count_nonzero(~believed[:-1] & good[:-1]) / np.count_nonzero(good)  # the last one is still held
    by_fault = {str(name): int(np.count_nonzero(believed & (reads.kind == FALSE) & (reads.fault == name)))
                for name in np.unique(reads.fault[reads.kind == FALSE])}  # fmt: skip
    return _row(false, bound, float(rejected), by_fault)


def _median_score(reads: Reads, bound: int) -> dict[str, Any]:
    """Judge the median's output, which stands for every read."""
    wrong = np.median(_windows(reads.got, 5), axis=1) != np.median(_windows(reads.true, 5), axis=1)
    return _row(int(np.count_nonzero(wrong)), bound, 0.0, {})


def _row(false: int, bound: int, rejected: float, by_fault: dict[str, int]) -> dict[str, Any]:
    beyond = max(0, false - bound)
    return {"false_believed": false, "beyond_bound": beyond, "good_rejected": rejected, "by_fault": by_fault}


def _bridge(frames: int, seed: int) -> dict[str, Any]:
    """Send frames of known content over a bad line; what comes out unflagged must be one of them."""
    device, stream, line = BridgeDevice(streams_unasked=True), BridgeStream("bridge", 2), FaultyLine(LINE, seed=seed)
    stream.feed(device.boot(), 0)
    false = believed = 0
    for number in range(frames):
        wire = line.carry(device.convert((number, ~number & 0x3FFFFF), number * 12_192))
        for sample in stream.feed(wire, number * 12_192_000 + 1_000_000):
            if not sample.flags & ~SampleFlag.GAP:
                believed += 1
                false += sample.counts[1] != ~sample.counts[0] & 0x3FFFFF
    bound = int(np.ceil(stream.bad_frames * CRC_PASSES))
    beyond = max(0, false - bound)
    return {"frames": frames, "damaged": stream.bad_frames, "believed": believed, "false_believed": false,
            "bound": bound, "beyond_bound": beyond}  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    title = (
        f"{result['reads']:,} reads, {result['false_reads']:,} of them false; the marks let {result['bound']} through"
    )
    table = Table(title=title)
    for heading in ("", "false believed", "beyond the bound", "good rejected"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, row in result["filters"].items():
        table.add_row(name, f"{row['false_believed']:,}", f"{row['beyond_bound']:,}", f"{row['good_rejected']:.4%}")
    console, bridge = Console(), result["bridge"]
    console.print(table)
    console.print(
        f"bridge: {bridge['frames']:,} frames, {bridge['damaged']:,} damaged, {bridge['false_believed']} false "
        f"believed (bound {bridge['bound']}); the layer takes {result['us_per_read']} us of one core a read"
    )


if __name__ == "__main__":
    sys.exit(main())
