"""A platform on a workbench and hands that put weights on it, in virtual time: for trying calibration out.

The bridge's own bytes go through the decoder and the rules of trust that a real bridge's go through; only the wire is
missing. Time passes while somebody reads; `speed` says how many of its seconds fit into one of the host's, None: as
fast as the host can. Everything follows from the seed.
"""

import random
import time
from collections.abc import Sequence

from drivers.base import Sample
from drivers.bridge_frames import Action, CommandFrame, encode
from drivers.bridge_stream import BridgeStream
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.cell_faults import CellFault
from drivers.sim.world import CELLS, PlacedObject, PlatformSpec, World

CAPACITY_G, DIVISION_G = 50_000.0, 10.0
PLACES = {"C": (0, 0), "FL": (-1, -1), "FR": (1, -1), "BR": (1, 1), "BL": (-1, 1)}
REACH = 0.8  # how far out a weight is put towards a corner
FAULTS = {
    "dead": CellFault(stuck_counts=81_000),
    "swapped": CellFault(response=-1.0),
    "bound": CellFault(response=0.6, friction_g=150.0),
    "noisy": CellFault(noise=12.0),
}
_QUANTUM_S = 0.02  # the host is not asked to sleep more finely


class Workbench:
    """Implements `drivers.base.ScaleDriver`, with hands: `put`, `clear`, `press`."""

    def __init__(
        self,
        *,
        seed: int = 1,
        speed: float | None = 1.0,
        fault: str | None = None,
        cell: int = 2,
        rate_hz: float = 80.0,
    ) -> None:
        self._random = random.Random(seed)
        spec = PlatformSpec()
        gains = tuple(215.0 * (1 + self._random.gauss(0, 0.01)) for _ in CELLS)
        sound = PlatformSpec(  # good cells: the default's would be refused, by their creep
            zero_counts=spec.zero_counts,
            counts_per_g=gains,
            creep=((1e-5, 20.0), (3e-5, 300.0)),
            drift_g_per_sqrt_s=0.002,
        )
        self.world = World(sound, seed=seed)
        if fault is not None:
            self.world.fail(cell, FAULTS[fault])
        self._speed = speed
        self._rate_hz = rate_hz
        self._start_ns = time.monotonic_ns()
        self._owed_s = 0.0
        self._conversions = 0
        self._handles: list[int] = []

    @property
    def positions_mm(self) -> tuple[tuple[float, float], ...]:
        """Where the cells are, in the order of the channels: x to the right, y to the back."""
        spec = self.world.spec
        return tuple((1000 * spec.half_length_m * x, 1000 * spec.half_width_m * y) for x, y in CELLS)

    @property
    def elapsed_s(self) -> float:
        """How much of the workbench's time has passed."""
        return self._conversions / self._rate_hz

    def open(self) -> None:
        """Boot the bridge and start it."""
        self._device = BridgeDevice()
        self._stream = BridgeStream("the workbench", len(CELLS), frozen_after=None)
        self._feed(self._device.boot() + self._device.receive(encode(CommandFrame(Action.START), 0), self._t_us()))

    def read(self, timeout_s: float) -> list[Sample]:
        """Let time pass until there is a sample."""
        for _ in range(max(1, round(timeout_s * self._rate_hz))):
            self._conversions += 1
            self.world.advance_to(self.elapsed_s)
            samples = self._feed(self._device.convert(self.world.counts(), self._t_us()))
            self._sleep(1 / self._rate_hz)
            if samples:
                return samples
        return []

    def close(self) -> None:
        """Nothing is held."""

    def put(self, pieces_g: Sequence[float], place: str) -> None:
        """Put weights on at the centre or at a corner, in place of what is there, as exactly as hands can."""
        self.clear()
        x, y = PLACES[place]
        spec = self.world.spec
        for grams in pieces_g:
            at_x = REACH * x * spec.half_length_m + self._random.gauss(0, 0.004)
            at_y = REACH * y * spec.half_width_m + self._random.gauss(0, 0.004)
            self._handles.append(
                self.world.place(PlacedObject(gtin="", name="weight", mass_g=grams, x_m=at_x, y_m=at_y))
            )

    def clear(self) -> None:
        """Take everything off."""
        self.world.clear()
        self._handles.clear()

    def press(self, place: str) -> None:
        """Lean on a corner for two seconds."""
        x, y = PLACES[place]
        spec = self.world.spec
        self.world.push(6_000.0, duration_s=2.0, x_m=REACH * x * spec.half_length_m, y_m=REACH * y * spec.half_width_m)

    def _feed(self, data: bytes) -> list[Sample]:
        return self._stream.feed(data, self._start_ns + round(self.elapsed_s * 1e9)) if data else []

    def _t_us(self) -> int:
        return round(self.elapsed_s * 1e6) & 0xFFFFFFFF

    def _sleep(self, seconds: float) -> None:
        if self._speed is None:
            return
        self._owed_s += seconds / self._speed
        if self._owed_s >= _QUANTUM_S:
            time.sleep(self._owed_s)
            self._owed_s = 0.0
