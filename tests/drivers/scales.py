"""Every scale on a serial wire with its emulated device, and the wire between them in a test's hand."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from drivers import ascii_line, cas, dialog_02, dialog_06, magellan, mt_sics, nci, toledo_8217
from drivers.base import Indication, ScaleDriver, ScaleState, SensorError
from drivers.link import Link
from drivers.nci_codec import Dialect as Nci
from drivers.serial_scale import Clock
from drivers.sim.cas_device import CasDevice
from drivers.sim.dialog_device import DialogDevice, DialogSpec
from drivers.sim.line_device import LineDevice, ToledoContinuousDevice
from drivers.sim.live import LiveWorld
from drivers.sim.loopback import DeviceEnd, HostEnd, VirtualClock
from drivers.sim.magellan_device import MagellanDevice
from drivers.sim.nci_device import NciDevice, NciSpec
from drivers.sim.scale_emulator import Device, ScaleEmulator
from drivers.sim.toledo_device import ToledoDevice, ToledoSpec
from drivers.sim.world import PlacedObject, PlatformSpec, World
from drivers.toledo_codec import Dialect as Toledo
from drivers.units import Unit

CRATE = PlacedObject("04006381333931", "a crate", 5_000.0, 0.05, -0.02)
STIFF = PlatformSpec(empty_hz=30.0, damping=0.5)  # settles soon: these tests are not about settling
OLD_S = 1.6  # a weight is true if the platter carried it this recently: the time an answer may take, and half a look

MakeDriver = Callable[[str, Link | None, Clock], ScaleDriver]


@dataclass(frozen=True)
class Case:
    """One protocol: its driver, one set wrongly for the device, and the device."""

    name: str
    driver: MakeDriver
    wrong: MakeDriver
    device: Callable[[], Device]
    checked: bool = False  # a check of its own finds every flipped bit
    asked: bool = True
    under: frozenset[ScaleState] = frozenset({ScaleState.UNDER_ZERO})
    moving: frozenset[ScaleState] = frozenset({ScaleState.MOTION})
    over: frozenset[ScaleState] = frozenset({ScaleState.OVERLOAD})


def set_to(module: ModuleType, **keys: object) -> MakeDriver:
    """Return a maker of the module's driver with these keys."""

    def make(port: str, link: Link | None, clock: Clock) -> ScaleDriver:
        made: ScaleDriver = module.Driver(module.Options(port=port, poll_s=0.05, **keys), link=link, clock=clock)
        return made

    return make


SILENT = frozenset({ScaleState.NOT_READY})  # it sends nothing: that is told

CASES = [
    Case("toledo-8217", set_to(toledo_8217), set_to(toledo_8217, unit=Unit.LB), ToledoDevice),
    Case(
        "toledo-sasi",
        set_to(toledo_8217, dialect=Toledo.SASI),
        set_to(toledo_8217, unit=Unit.LB),
        lambda: ToledoDevice(ToledoSpec(Toledo.SASI)),
    ),
    Case("nci-ecr", set_to(nci), set_to(nci, dialect=Nci.BENCH), NciDevice),
    Case(
        "nci-bench",
        set_to(nci, dialect=Nci.BENCH, status_bytes=4),
        set_to(nci, dialect=Nci.BENCH, status_bytes=2),
        lambda: NciDevice(NciSpec(Nci.BENCH, status_bytes=4)),
    ),
    Case("cas", set_to(cas), set_to(cas, unit=Unit.LB), CasDevice, checked=True),
    Case(
        "dialog-06",
        set_to(dialog_06, polynomial="11021"),
        set_to(dialog_06, polynomial="18005"),
        DialogDevice,
    ),
    Case("dialog-06 with a price", set_to(dialog_06, polynomial="11021", price=1000), set_to(dialog_06), DialogDevice),
    Case("dialog-02", set_to(dialog_02), set_to(toledo_8217), lambda: DialogDevice(DialogSpec(polynomial=None))),
    Case("magellan", set_to(magellan), set_to(magellan, unit=Unit.LB), MagellanDevice),
    Case("mt-sics", set_to(mt_sics), set_to(mt_sics, unit="g"), lambda: LineDevice("mt-sics")),
    *(
        Case(
            f"ascii-line {make}",
            set_to(ascii_line, profile=make),
            set_to(ascii_line, profile=make, unit="g"),
            partial(LineDevice, make),
            moving=SILENT if make == "kern" else frozenset({ScaleState.MOTION}),
            over=SILENT if make == "kern" else frozenset({ScaleState.OVERLOAD}),
        )
        for make in ("a-and-d", "dini-argeo", "ohaus", "radwag", "sartorius-sbi", "kern")
    ),
    Case(
        "ascii-line dini-argeo continuous",
        set_to(ascii_line, profile="dini-argeo", continuous=True),
        set_to(ascii_line, profile="a-and-d", continuous=True),
        partial(LineDevice, "dini-argeo", every_s=0.1),
        asked=False,
    ),
    Case(
        "ascii-line adam continuous",
        set_to(ascii_line, profile="adam", continuous=True),
        set_to(ascii_line, profile="adam", continuous=True, width=6),
        partial(LineDevice, "adam", every_s=0.1),
        asked=False,
        moving=SILENT,
        over=SILENT,
        under=SILENT,
    ),
    Case(
        "ascii-line toledo-continuous",
        set_to(ascii_line, profile="toledo-continuous"),
        set_to(ascii_line, profile="toledo-continuous", unit="lb"),
        ToledoContinuousDevice,
        checked=True,
        asked=False,
    ),
]


class Witness:
    """A device whose load is noted, so that every weight it tells can be compared with what was there."""

    def __init__(self, device: Device, clock: VirtualClock) -> None:
        self.device = device
        self.loads: list[tuple[float, float]] = []
        self._clock = clock

    def observe(self, load_g: float, t_s: float) -> None:
        self.loads.append((self._clock.s(), load_g))
        self.device.observe(load_g, t_s)

    def receive(self, data: bytes) -> bytes:
        return self.device.receive(data)

    def stream(self, t_s: float) -> bytes:
        return self.device.stream(t_s)

    def confirms(self, grams: float, t_s: float) -> bool:
        """Tell whether the platter carried `grams` lately, within the rounding of a division."""
        recent = [load_g for seen_s, load_g in self.loads if t_s - OLD_S <= seen_s <= t_s]
        return any(abs(grams - load_g) <= 3.5 for load_g in recent)


class Loop:
    """A driver and a device in virtual time."""

    def __init__(self, case: Case, *, wrong: bool = False) -> None:
        self.clock = VirtualClock()
        self.wire = DeviceEnd()
        self.witness = Witness(case.device(), self.clock)
        self.live = LiveWorld(World(STIFF, seed=4), self.clock.s)
        self.scale = ScaleEmulator(self.live, self.wire, self.witness)
        make = case.wrong if wrong else case.driver
        self.driver = make("a loop", HostEnd(self.clock, self.wire, self.scale), self.clock.ns)
        self.errors: list[SensorError] = []
        self._open = False

    def weigh(self, seconds: float) -> list[Indication]:
        """Read for a while as the station does, opening again what was lost; every weight must be true."""
        seen: list[Indication] = []
        end_s = self.clock.s() + seconds
        while self.clock.s() < end_s:
            try:
                seen += self._read()
            except SensorError as error:
                self.errors.append(error)
                self.driver.close()
                self._open = False
                self.clock.advance(0.2)
                self.scale.tick()
        for value in seen:
            assert (value.weight_g is not None) == (value.state in {ScaleState.STABLE, ScaleState.SAME})
            assert value.weight_g is None or self.witness.confirms(value.weight_g, value.t_ns / 1e9), value
        return seen

    def _read(self) -> list[Indication]:
        if not self._open:
            self.driver.open()
            self._open = True
        return [value for value in self.driver.read(0.25) if isinstance(value, Indication)]
