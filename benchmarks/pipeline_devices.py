"""The electronics of a platform of four cells for `pipeline`, in a process of their own, at their real pace."""

import enum
import time
from pathlib import Path

from drivers.sim.bridge_emulator import pty_bridge
from drivers.sim.host_port import PtyPort
from drivers.sim.live import LiveWorld
from drivers.sim.text_board import TextBoard
from drivers.sim.virtual_pace import VirtualPace
from drivers.sim.world import PlacedObject, World

GOODS = PlacedObject("04006381333931", "a crate", 2_500.0, 0.05, -0.02)
CYCLE_S, COME_S, GO_S = 10.0, 4.0, 8.0
LINE = "{ms},{counts}\r\n"
PERIODS_NS = (12_192_000, 12_310_000, 12_440_000, 12_050_000)  # every converter has a rate of its own
LOOK_S = 0.002


class Kind(enum.StrEnum):
    """How the four cells are wired."""

    BRIDGE = "one bridge"
    BOARDS = "four boards of text"

    @property
    def ports(self) -> int:
        """How many serial ports that takes."""
        return 1 if self is Kind.BRIDGE else len(PERIODS_NS)


def emulate(kind: Kind, folder: Path, busy: bool) -> None:  # noqa: FBT001 - arguments of a process
    """Run for ever, when `busy` with goods that come and go; the ports appear in `folder`."""
    world = LiveWorld(World(seed=1))
    pace = VirtualPace()
    if kind is Kind.BRIDGE:
        pty_bridge(world, folder / "port0").start()
    else:
        pace.t_ns = time.monotonic_ns()
        for number, period_ns in enumerate(PERIODS_NS):
            _board(world, pace, folder / f"port{number}", number, period_ns)
    handle = None
    while True:
        lies = busy and COME_S <= world.elapsed_s() % CYCLE_S < GO_S
        if lies != (handle is not None):
            handle = _toggle(world, handle)
        if kind is Kind.BOARDS:
            pace.advance(time.monotonic_ns() - pace.t_ns)
        time.sleep(LOOK_S)


def _board(world: LiveWorld, pace: VirtualPace, port: Path, cell: int, period_ns: int) -> None:
    TextBoard(pace, PtyPort(port), lambda _: world.counts_at(0.0)[cell], period_ns=period_ns, form=LINE)


def _toggle(live: LiveWorld, handle: int | None) -> int | None:
    with live.now() as world:
        if handle is None:
            return world.place(GOODS)
        world.remove(handle)
        return None
