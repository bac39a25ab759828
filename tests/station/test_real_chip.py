"""From the pins of a real HX711, as a logic analyser saw them, to a settled weight: the whole way on foreign data.

The seventeen conversions of the capture are played over and over, since 0.2 s of one load settle nothing.
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from calibration.model import Calibration, Cell
from drivers.bridge_frames import BridgeFlag, SampleFrame, encode
from drivers.bridge_stream import BridgeStream
from drivers.hx711_pins import Conversion, Levels, decode
from station.core import events
from station.core.effects import Announce
from station.core.engine import Engine
from station.core.setup import Setup
from station.core.tracks import ScaleSpec
from station.core.verdict import Versions

SAMPLE_RATE_HZ = 24_000_000
COUNTS_PER_G = 100.0  # the capture's noise of 105 counts is then a gram
ZERO_COUNTS = -200_000.0
ROUNDS = 6


@pytest.fixture
def conversions(shared_data: Callable[[str], Path]) -> list[Conversion]:
    with zipfile.ZipFile(shared_data("hx711") / "hx711_80sps_nogainchange.sr") as archive:
        pins = np.frombuffer(archive.read("logic-1-1"), np.uint8)
    changes = np.flatnonzero(np.diff(pins)) + 1
    times_ns = (changes * (1e9 / SAMPLE_RATE_HZ)).astype(np.int64)
    levels = zip(times_ns.tolist(), pins[changes].tolist(), strict=True)
    return decode(Levels(t_ns, bool(pin & 1), bool(pin & 2)) for t_ns, pin in levels)


def wire(conversions: list[Conversion]) -> Iterator[tuple[int, bytes]]:
    """Yield (arrival time, bytes) as a bridge with this one chip would send them."""
    period_ns = (conversions[-1].ready_ns - conversions[0].ready_ns) // (len(conversions) - 1)
    span_ns = period_ns * len(conversions)
    for number in range(ROUNDS * len(conversions)):
        which, again = number % len(conversions), number // len(conversions)
        ready_ns = conversions[which].ready_ns + again * span_ns
        frame = SampleFrame(ready_ns // 1000, BridgeFlag(0), (conversions[which].counts,))
        yield ready_ns + 200_000, encode(frame, number)


def test_a_real_chips_counts_settle_at_their_mean_with_an_honest_uncertainty(conversions: list[Conversion]) -> None:
    assert all(conversion.intact for conversion in conversions)
    scale = ScaleSpec(counts=True, capacity_g=20_000, division_g=5)
    engine = Engine(Setup(session="S", scales=(scale,)), Versions(software="test"))
    stream = BridgeStream("capture", 1)
    engine.handle(events.ScaleFound(t_ns=0, scale=0))
    cell = Cell(zero_counts=ZERO_COUNTS, counts_per_g=COUNTS_PER_G)
    engine.handle(events.Calibrated(t_ns=0, scale=0, calibration=Calibration(cells=(cell,))))
    stable: list[Announce] = []
    for arrival_ns, data in wire(conversions):
        for sample in stream.feed(data, arrival_ns):
            event = events.Sampled(t_ns=sample.t_ns, scale=0, counts=sample.counts, flags=int(sample.flags))
            effects = engine.handle(event)
            stable += [e for e in effects if isinstance(e, Announce) and e.phase == "stable"]
    true_g = (np.mean([conversion.counts for conversion in conversions]) - ZERO_COUNTS) / COUNTS_PER_G
    [settled] = stable
    assert settled.gross_g is not None
    assert settled.sd_g is not None
    assert settled.sd_g < 1
    assert abs(settled.gross_g - true_g) < 3 * settled.sd_g
