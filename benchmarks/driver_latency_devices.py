"""The devices of `driver_latency` on serial lines, each in a process of its own, noting when it writes."""

import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.scale_cases import CASES, EVERY_S, POLL_S
from drivers.sim.bridge_emulator import RATE_HZ, BridgeEmulator
from drivers.sim.emulator import Emulator
from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld
from drivers.sim.scale_emulator import ScaleEmulator
from drivers.sim.text_board import TextBoard
from drivers.sim.virtual_pace import VirtualPace
from drivers.sim.world import PlacedObject, PlatformSpec, World

CRATE = PlacedObject("04006381333931", "a crate", 5_000.0, 0.05, -0.02)
STIFF = PlatformSpec(empty_hz=30.0, damping=0.6)
TEXT_PERIOD_S = 0.0125
LOOK_S = 0.001
LINE = "{ms},{counts}\r\n"
PERIODS_S: dict[str, float] = {
    "hx711-bridge": 1 / RATE_HZ,
    "hx711-text": TEXT_PERIOD_S,
    **{case.name: POLL_S if case.asked else EVERY_S for case in CASES},
}
NAMES = tuple(PERIODS_S)


class NotedPort(PtyPort):
    """A pseudo-terminal that notes when each message went out."""

    def __init__(self, link: Path) -> None:
        super().__init__(link)
        self.sent_ns: list[int] = []

    def send(self, data: bytes) -> None:
        """Send, and note the time just before: it may be read before this returns."""
        self.sent_ns.append(time.monotonic_ns())
        super().send(data)


def serve(name: str, link: Path, connection: Connection) -> None:
    """Be the device `name` at `link` until told to end; then tell when it wrote."""
    port, live = NotedPort(link), LiveWorld(World(STIFF, seed=1))
    with live.now() as world:
        world.place(CRATE)
    if name == "hx711-text":
        _print(port, live, connection)
    else:
        emulator = _emulator(name, port, live)
        emulator.start()
        connection.send("ready")
        connection.recv()
        emulator.stop()
    connection.send(port.sent_ns)


def _emulator(name: str, port: NotedPort, live: LiveWorld) -> Emulator:
    if name == "hx711-bridge":
        return BridgeEmulator(live, port)
    return ScaleEmulator(live, port, next(case for case in CASES if case.name == name).device())


def _print(port: NotedPort, live: LiveWorld, connection: Connection) -> None:
    """Print counts at their pace."""
    pace = VirtualPace()
    pace.t_ns = time.monotonic_ns()
    TextBoard(pace, port, lambda _: live.counts_at(0.0)[0], period_ns=round(TEXT_PERIOD_S * 1e9), form=LINE)
    connection.send("ready")
    while not connection.poll(LOOK_S):
        pace.advance(time.monotonic_ns() - pace.t_ns)
