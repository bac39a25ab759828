"""False weights that calibrated scales' drivers let through on a bad line, beside what each protocol lets through.

Every serial protocol with its emulated device, in virtual time, whose load changes every few seconds, over a line that
damages a third of the answers: flipped bits (under parity, where the protocol has it), bytes lost, doubled and cut
off, noise. Damaged and passable: what differs from the answer sent only by other digits in the weight, all checks of
the protocol included: no reader can know. A false weight is one that the platter has not carried lately. Beyond: false
though the answer was no such one. Twice: false ones that agree with the weight before them, within half a division;
the station weighs by two that agree. Rejected: of the whole answers, where the line damages one in a thousand. The
formulas of `docs/DRIVERS.md` say what to expect.

    python -m benchmarks.corruption_scales [--seconds 600] [--seed 1] [--json]
"""

import argparse
import json
import random
import sys
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.corruption_line import SerialLine
from benchmarks.scale_cases import CASES, TEXT, ScaleCase
from drivers.base import Indication, ScaleState, SensorError
from drivers.hx711_text_codec import Layout, LineDecoder
from drivers.sim.live import LiveWorld
from drivers.sim.loopback import DeviceEnd, HostEnd, VirtualClock
from drivers.sim.scale_emulator import Device, ScaleEmulator
from drivers.sim.world import PlacedObject, PlatformSpec, World

STIFF = PlatformSpec(empty_hz=30.0, damping=0.6, creep=(), drift_g_per_sqrt_s=0.0)
DAMAGE, USUAL = 0.33, 0.001  # of the answers: so that damage shows, and as on a poor real line
PERIOD_S = 0.0125
LOAD_S = (2.0, 6.0)
OLD_S = 1.6  # a weight is true if the platter carried it this recently: an answer may take a second
NEAR_G = 3.5
AGREE_G = 2.5
RETRY_S = 0.2
LIMIT_REJECTED = 1e-3


class Told(NamedTuple):
    """A weight that the driver told, whether it was false, and whether its answer could not be known as damaged."""

    grams: float
    false: bool
    twin: bool
    sound: bool  # told of an answer that was whole


class Witness:
    """A device whose load is noted."""

    def __init__(self, device: Device, clock: VirtualClock) -> None:
        self._device = device
        self._clock = clock
        self._loads: list[tuple[float, float]] = []

    def observe(self, load_g: float, t_s: float) -> None:
        """Note the load, and pass it on."""
        self._loads.append((self._clock.s(), load_g))
        del self._loads[:-200]
        self._device.observe(load_g, t_s)

    def receive(self, data: bytes) -> bytes:
        """Pass it on."""
        return self._device.receive(data)

    def stream(self, t_s: float) -> bytes:
        """Pass it on."""
        return self._device.stream(t_s)

    def carried(self, grams: float, t_s: float) -> bool:
        """Tell whether the platter carried that lately, within a division's rounding."""
        return any(abs(grams - load_g) <= NEAR_G for at_s, load_g in self._loads if t_s - OLD_S <= at_s <= t_s)


class Bench:
    """One driver and one device on a bad line, in virtual time."""

    def __init__(self, case: ScaleCase, seed: int, damage: float) -> None:
        self.clock, self._wire = VirtualClock(), DeviceEnd()
        self.line = SerialLine(case, damage, seed)
        self._live = LiveWorld(World(STIFF, seed=seed), self.clock.s)
        self._witness = Witness(case.device(), self.clock)
        self._scale = ScaleEmulator(self._live, self._wire, self._witness)
        self._scale.line = self.line
        self._driver = case.driver("a loop", HostEnd(self.clock, self._wire, self._scale), self.clock.ns)
        self._chance = random.Random(seed)
        self._open = False
        self._change_s = 0.0

    def run(self, seconds: float) -> list[Told]:
        """Weigh for so long as the station does; return the weights."""
        told: list[Told] = []
        while self.clock.s() < seconds:
            self._load()
            try:
                told += [self._judge(value) for value in self._read() if value.weight_g is not None]
            except SensorError:
                self._driver.close()
                self._open = False
                self.clock.advance(RETRY_S)
                self._scale.tick()
        return told

    def _read(self) -> list[Indication]:
        if not self._open:
            self._driver.open()
            self._open = True
        found = [value for value in self._driver.read(0.25) if isinstance(value, Indication)]
        return [value for value in found if value.state in {ScaleState.STABLE, ScaleState.SAME}]

    def _judge(self, value: Indication) -> Told:
        grams = value.weight_g or 0.0
        false = not self._witness.carried(grams, value.t_ns / 1e9)
        return Told(grams, false, any(self.line.recent), self.line.last_sound)

    def _load(self) -> None:
        """Change the load when it is time."""
        if self.clock.s() < self._change_s:
            return
        self._change_s = self.clock.s() + self._chance.uniform(*LOAD_S)
        with self._live.now() as world:
            world.clear()
            world.place(PlacedObject("", "", 5.0 * self._chance.randint(40, 2_400)), ramp_s=0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a false weight came that its protocol need not have let through."""
    parser = argparse.ArgumentParser(description="false weights on a bad line, protocol by protocol")
    parser.add_argument("--seconds", type=float, default=600.0, help="virtual time of each protocol")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    result = measure(given.seconds, given.seed)
    print(json.dumps(result)) if given.json else show(result)
    return 0 if result["kept"] else 1


def measure(seconds: float, seed: int, cases: Sequence[ScaleCase] = (*CASES, TEXT)) -> dict[str, Any]:
    """Return a row for each protocol."""
    rows = {case.name: _row(case, seconds, seed) for case in cases}
    kept = all(row["beyond"] == 0 and row["rejected"] < LIMIT_REJECTED for row in rows.values())
    return {"scales": rows, "kept": kept}


def _row(case: ScaleCase, seconds: float, seed: int) -> dict[str, Any]:
    told, line = _run(case, seconds, seed, DAMAGE)
    usual, usual_line = _run(case, seconds, seed, USUAL)
    false = [each for each in told if each.false]
    return {
        "check": case.check,
        "sound": line.sound,
        "damaged": line.damaged,
        "passable": line.twins,
        "false": len(false),
        "beyond": sum(not each.twin for each in false),
        "twice": sum(
            one.false and other.false and abs(one.grams - other.grams) <= AGREE_G for one, other in pairwise(told)
        ),
        "rejected": 1 - sum(each.sound for each in usual) / usual_line.sound,
    }


def _run(case: ScaleCase, seconds: float, seed: int, damage: float) -> tuple[list[Told], SerialLine]:
    if case is TEXT:
        return _counts(round(seconds / PERIOD_S), seed, damage)
    bench = Bench(case, seed, damage)
    return bench.run(seconds), bench.line


def _counts(lines: int, seed: int, damage: float) -> tuple[list[Told], SerialLine]:
    """Print counts over the bad line; return what the decoder made of them."""
    line, decoder, chance = SerialLine(TEXT, damage, seed), LineDecoder(Layout()), random.Random(seed)
    told: list[Told] = []
    recent: deque[int] = deque(maxlen=3)
    decoder.feed(b"\r\n")
    for _ in range(lines):
        recent.append(round(chance.gauss(654_321, 38.7)))
        found = decoder.feed(line.carry(b"%d\r\n" % recent[-1]))
        false = [(each.counts[0], each.counts[0] not in recent) for each in found]
        told += [Told(counts, wrong, any(line.recent), line.last_sound and not wrong) for counts, wrong in false]
    return told, line


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title=f"scales on a line that damages {DAMAGE:.0%} of the answers", title_justify="left")
    headings = ("", "its own check", "damaged", "passable", "false", "beyond", "twice", "sound", "of them rejected")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for name, row in result["scales"].items():
        keys = ("damaged", "passable", "false", "beyond", "twice", "sound")
        table.add_row(name, row["check"], *(f"{row[key]:,}" for key in keys), f"{row['rejected']:.2%}")
    Console(width=150).print(table)


if __name__ == "__main__":
    sys.exit(main())
