"""I2C buses, looked into: converters at their addresses, on the bus itself and behind multiplexers.

Addresses are only read from; two things are written. A multiplexer is first written what it already holds; only what
then behaves as a TCA9548A does is switched from channel to channel, and set back at the end. Only when asking is
allowed, a NAU7802 is started, calibrates itself and gives some samples, and a DFRobot board is asked for its value. A
bus that another program has open is not touched at all: switching a multiplexer would take its devices away.
"""

import contextlib
import enum
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import smbus2

from drivers import dfrobot_i2c, nau7802
from drivers import nau7802_registers as reg
from drivers.base import Sample, SampleFlag, SensorError
from drivers.i2c import Bus, I2cDevice, OpenBus, Place
from drivers.pace import HostPace, Pace
from drivers.probing.places import Host

_MUXES = range(0x70, 0x78)
_CHANNELS = 8
_BOARDS = range(0x64, 0x68)
_SAMPLES_S = 0.6
_NO_WEIGHT = ~SampleFlag.GAP


class Certainty(enum.StrEnum):
    """Whether what answers is what its address suggests."""

    SURE = "sure"
    POSSIBLE = "possible"
    OTHER = "other"


@dataclass(frozen=True)
class Chip:
    """One device that answers where a converter of this driver would."""

    driver: str
    place: Place
    address: int
    certainty: Certainty
    evidence: str

    @property
    def sure(self) -> bool:
        """Whether it was told apart from others at its address."""
        return self.certainty is Certainty.SURE

    @property
    def where(self) -> str:
        """Address, bus and multiplexer channel."""
        return I2cDevice(self.place, self.address).name


@dataclass(frozen=True)
class BusFind:
    """What one bus has. `problem` and `remedy`: why it could not be looked into."""

    bus: int
    path: str
    chips: tuple[Chip, ...] = ()
    muxes: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())
    problem: str = ""
    remedy: str = ""


def probe_buses(host: Host, *, ask: bool, open_bus: OpenBus = smbus2.SMBus, pace: Pace | None = None) -> list[BusFind]:
    """Look into every /dev/i2c-N."""
    numbers = sorted(
        int(path.name[4:]) for path in host.dev.glob("i2c-*") if path.name[4:].isascii() and path.name[4:].isdigit()
    )
    return [_Prober(host, number, open_bus, pace or HostPace(), ask=ask).find() for number in numbers]


class _Prober:
    """Looks into one bus."""

    def __init__(self, host: Host, number: int, open_bus: OpenBus, pace: Pace, *, ask: bool) -> None:
        self._host = host
        self._number = number
        self._open_bus = open_bus
        self._pace = pace
        self._ask = ask
        self._notes: list[str] = []

    def find(self) -> BusFind:
        path = self._host.dev / f"i2c-{self._number}"
        holders = self._host.holders(path)
        if holders:
            remedy = "stop that program to have the bus looked into"
            problem = f"in use by {', '.join(holders)}; not touched"
            return BusFind(self._number, str(path), problem=problem, remedy=remedy)
        try:
            bus = self._open_bus(self._number)
        except OSError as error:
            remedy = self._host.admission(path, "i2c")
            return BusFind(self._number, str(path), problem=f"cannot be opened: {error.strerror}", remedy=remedy)
        with contextlib.closing(bus):
            muxes, chips = self._all(bus)
        return BusFind(self._number, str(path), tuple(chips), tuple(muxes), tuple(self._notes))

    def _all(self, bus: Bus) -> tuple[list[int], list[Chip]]:
        """Look at the bus with all multiplexers shut, then at each of their channels; set them back."""
        before = {address: held for address in _MUXES if (held := _mux_state(bus, address)) is not None}
        try:
            muxes = [address for address in before if self._is_mux(bus, address)]
            chips = list(self._chips(bus, Place(bus=self._number)))
            for mux in muxes:
                for channel in range(_CHANNELS):
                    bus.write_byte(mux, 1 << channel)
                    chips += self._chips(bus, Place(bus=self._number, mux=mux, channel=channel), chips)
                bus.write_byte(mux, 0)
        except OSError as error:
            self._notes.append(f"the search broke off: {error.strerror or error}")
            return list(before), []
        finally:
            for address, held in before.items():
                with contextlib.suppress(OSError):
                    bus.write_byte(address, held)
        return muxes, chips

    def _is_mux(self, bus: Bus, address: int) -> bool:
        """Tell whether what is written comes back, as it does from a TCA9548A; leave it with all channels shut."""
        for value in (0x01, 0x80, 0x00):
            bus.write_byte(address, value)
            if bus.read_byte(address) != value:
                self._notes.append(f"0x{address:02x} answers, but is no TCA9548A")
                return False
        return True

    def _chips(self, bus: Bus, place: Place, seen: Sequence[Chip] = ()) -> Iterator[Chip]:
        """Yield the converters at one place; what stands on the bus itself shows behind every channel, too."""
        direct = {chip.address for chip in seen if chip.place.mux is None}
        if reg.ADDRESS not in direct and _answers(bus, reg.ADDRESS):
            yield self._nau7802(bus, place)
        for address in _BOARDS:
            if address not in direct and _answers(bus, address):
                yield self._board(place, address)

    def _nau7802(self, bus: Bus, place: Place) -> Chip:
        """Tell a NAU7802 by its revision register, which can be read only while the chip is on."""
        control = bus.read_byte_data(reg.ADDRESS, reg.PU_CTRL)
        certainty, said = Certainty.POSSIBLE, "switched off, so its revision cannot be read"
        if control & reg.POWER_READY:
            revision = bus.read_byte_data(reg.ADDRESS, reg.REVISION)
            certainty, said = Certainty.SURE, f"revision 0x{revision:02x}, switched on"
            if revision & 0x0F != reg.REVISION_NIBBLE:
                certainty, said = Certainty.OTHER, f"is no NAU7802 (revision 0x{revision:02x})"
        if self._ask and certainty is not Certainty.OTHER:
            certainty, said = self._started(place, control)
        return Chip("nau7802", place, reg.ADDRESS, certainty, said)

    def _started(self, place: Place, control: int) -> tuple[Certainty, str]:
        """Start the chip as its driver does, and tell its calibration and its first samples; switch it off again."""
        cell = nau7802.Cell(bus=place.bus, mux=place.mux, channel=place.channel)
        scale = nau7802.Driver(nau7802.Options(cells=(cell,)), self._pace, self._open_bus)
        device = I2cDevice(place, reg.ADDRESS, self._open_bus)
        try:
            scale.open()
            samples = [sample for sample in self._samples(scale) if not sample.flags & _NO_WEIGHT]
            device.open()
            revision = device.must(lambda bus: bus.read_byte_data(reg.ADDRESS, reg.REVISION))
            offset = reg.number(device.must(lambda bus: bus.read_i2c_block_data(reg.ADDRESS, reg.OCAL1, 3)))
            span = reg.number(device.must(lambda bus: bus.read_i2c_block_data(reg.ADDRESS, reg.GCAL1, 4)))
            if not control & reg.POWER_READY:
                device.must(lambda bus: bus.write_byte_data(reg.ADDRESS, reg.PU_CTRL, control & ~reg.RESET))
        except SensorError as error:
            other = " is no NAU7802" in error.message
            return Certainty.OTHER if other else Certainty.POSSIBLE, error.message
        finally:
            scale.close()
            device.close()
        told = f"revision 0x{revision:02x}, gain 128, self-calibrated: offset = {offset}, span = {span}"
        return Certainty.SURE, f"{told}; {_counts(samples)}"

    def _samples(self, scale: nau7802.Driver) -> list[Sample]:
        end_ns = self._pace.now_ns() + round(_SAMPLES_S * 1e9)
        found: list[Sample] = []
        while self._pace.now_ns() < end_ns:
            found += scale.read(_SAMPLES_S / 4)
        return found

    def _board(self, place: Place, address: int) -> Chip:
        certainty, said = self._valued(place, address) if self._ask else (Certainty.POSSIBLE, "something answers")
        return Chip("dfrobot-i2c", place, address, certainty, said)

    def _valued(self, place: Place, address: int) -> tuple[Certainty, str]:
        """Ask for a value as the board's driver does."""
        cell = dfrobot_i2c.Cell(bus=place.bus, mux=place.mux, channel=place.channel, address=address)
        scale = dfrobot_i2c.Driver(dfrobot_i2c.Options(cells=(cell,)), self._pace, self._open_bus)
        try:
            scale.open()
            samples = scale.read(_SAMPLES_S)
        except SensorError as error:
            return Certainty.POSSIBLE, error.message
        finally:
            scale.close()
        if not samples:
            return Certainty.POSSIBLE, "answers, but not as a DFRobot board does"
        return Certainty.SURE, _counts(samples)


def _counts(samples: Sequence[Sample]) -> str:
    """Return the first counts, and how much they scatter."""
    if not samples:
        return "no sample that can be believed: check the cell's wiring (red E+, black E-, green A+, white A-)"
    counts = [sample.counts[0] for sample in samples]
    spread = f", mean {statistics.fmean(counts):.0f}, sd {statistics.stdev(counts):.0f}" if len(counts) > 1 else ""
    return f"first sample {counts[0]} counts ({len(counts)} samples{spread})"


def _answers(bus: Bus, address: int) -> bool:
    with contextlib.suppress(OSError):
        bus.read_byte(address)
        return True
    return False


def _mux_state(bus: Bus, address: int) -> int | None:
    """Return what a device holds that may be a multiplexer: it reads the same again and again, and takes that back."""
    with contextlib.suppress(OSError):
        held = bus.read_byte(address)
        if bus.read_byte(address) == held:
            bus.write_byte(address, held)
            if bus.read_byte(address) == held:
                return held
    return None
