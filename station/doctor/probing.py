"""`station doctor --probe`: everything that may be a scale, looked for in one go, and told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fcntl import ioctl as host_ioctl

import msgspec
import smbus2

from drivers.i2c import OpenBus
from drivers.pace import Pace
from drivers.probing.i2c_probe import BusFind, Certainty, Chip, probe_buses
from drivers.probing.kernel_probe import GpioFind, IioFind, Ioctl, SpiFind, probe_gpio, probe_iio, probe_spi
from drivers.probing.places import Host, SerialPlace, serial_places
from drivers.probing.serial_probe import Limits, SerialFind, Tell, probe_ports
from station.doctor import suggesting
from station.doctor.findings import Finding, Severity
from station.doctor.suggesting import Suggestion

_NOTHING = Finding(
    part="probe",
    severity=Severity.ERROR,
    evidence="no scale and no load-cell converter was recognised",
    remedy="check cable, power and plugs, then probe again",
)
_I2C_OFF = Finding(
    part="I2C",
    severity=Severity.INFO,
    evidence="there is no bus",
    remedy="enable it (dtparam=i2c_arm=on) and load its module (i2c-dev in /etc/modules-load.d)",
)
_SPI_OFF = Finding(
    part="SPI",
    severity=Severity.INFO,
    evidence="there is no device",
    remedy="enable it (dtparam=spi=on) if an HX711 is wired to it",
)
_NO_IIO = Finding(
    part="IIO",
    severity=Severity.INFO,
    evidence="the kernel drives no HX711",
    remedy="load the hx711 module and an overlay for it, if one is wired for the kernel's driver",
)
_ASK = "probe again with --ask: it puts harmless questions"
_UNANSWERED = "check the scale's power, its cable (TXD and RXD crossed), and the protocol and line settings in its menu"


@dataclass(frozen=True)
class Bench:
    """What is looked into, and how: the machine, the ports (all if None), the buses, and how long it may take."""

    host: Host = field(default_factory=Host)
    ports: Sequence[str] | None = None
    ask: bool = False
    limits: Limits = field(default_factory=Limits)
    open_bus: OpenBus = smbus2.SMBus
    pace: Pace | None = None
    ioctl: Ioctl = host_ioctl


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found, in words for people and in values for programs."""

    findings: tuple[Finding, ...]
    serial: tuple[SerialFind, ...]
    i2c: tuple[BusFind, ...]
    iio: tuple[IioFind, ...]
    spi: tuple[SpiFind, ...]
    gpio: tuple[GpioFind, ...]
    suggestions: tuple[Suggestion, ...]


def probe(bench: Bench, tell: Tell) -> Report:
    """Look into everything, or only into the ports that are named."""
    serial = probe_ports(bench.host, _places(bench), ask=bench.ask, limits=bench.limits, tell=tell)
    if bench.ports is not None:
        return _report(bench, serial, (), (), (), ())
    tell("looking into I2C, IIO, SPI and GPIO")
    buses = probe_buses(bench.host, ask=bench.ask, open_bus=bench.open_bus, pace=bench.pace)
    iio, spi, gpio = probe_iio(bench.host), probe_spi(bench.host), probe_gpio(bench.host, bench.ioctl)
    return _report(bench, serial, buses, iio, spi, gpio)


def _places(bench: Bench) -> list[SerialPlace]:
    """Return the ports to look into; one that is named and not known is taken as it is."""
    there = serial_places(bench.host)
    if bench.ports is None:
        return there
    known = {name: place for place in there for name in (place.port, place.device, *place.names)}
    return [known.get(port) or SerialPlace(port, port, (port,)) for port in bench.ports]


def _report(
    bench: Bench,
    serial: Sequence[SerialFind],
    buses: Sequence[BusFind],
    iio: Sequence[IioFind],
    spi: Sequence[SpiFind],
    gpio: Sequence[GpioFind],
) -> Report:
    chips = [chip for bus in buses for chip in bus.chips]
    suggestions = [
        *(suggestion for find in serial for suggestion in suggesting.of_serial(find)),
        *suggesting.of_chips(chips),
        *suggesting.of_iio(iio),
    ]
    findings = [
        *(_of_port(find, ask=bench.ask) for find in serial),
        *(finding for bus in buses for finding in _of_bus(bus, ask=bench.ask)),
        *(_of_iio(find) for find in iio),
        *(_of_spi(find) for find in spi),
        *(_of_gpio(find) for find in gpio),
    ]
    if not suggestions:
        findings += _nothing(bench, serial, buses, spi)
    return Report(
        findings=tuple(findings),
        serial=tuple(serial),
        i2c=tuple(buses),
        iio=tuple(iio),
        spi=tuple(spi),
        gpio=tuple(gpio),
        suggestions=(*suggestions, *suggesting.of_spi(spi), *suggesting.of_gpio(gpio)),
    )


def _of_port(find: SerialFind, *, ask: bool) -> Finding:
    part = f"serial port {find.place.port}"
    about = _about(find)
    if find.problem:
        return Finding(part=part, severity=Severity.WARNING, evidence=f"{find.problem}{about}", remedy=find.remedy)
    if find.candidates:
        open_keys = sorted({choice.key for candidate in find.candidates for choice in candidate.choices})
        names = " or ".join(_named(find))
        evidence = f"{names}: {find.candidates[0].evidence}{about}"
        remedy = f"decide {', '.join(open_keys)} (below)" if open_keys else ""
        return Finding(part=part, severity=Severity.OK, evidence=evidence, remedy=remedy)
    heard = f"says {find.heard}, in no language known here" if find.heard else "says nothing"
    if find.asked:
        heard += f", and answers none of {find.asked} questions"
    if not find.complete:
        heard += "; time ran out (--seconds gives more)"
    remedy = _UNANSWERED if ask else _ASK
    return Finding(part=part, severity=Severity.INFO, evidence=f"{heard}{about}", remedy=remedy)


def _named(find: SerialFind) -> list[str]:
    return [f"{candidate.driver} {candidate.keys.get('profile', '')}".strip() for candidate in find.candidates]


def _about(find: SerialFind) -> str:
    """Return what the port is made of: its USB device, its other names, remarks."""
    place, told = find.place, []
    if place.usb is not None:
        serial = f", serial number {place.usb.serial}" if place.usb.serial else ", no serial number"
        told.append(f"{place.usb.name or 'USB device'} {place.usb.vendor}:{place.usb.product}{serial}")
    told += [place.device] if place.device != place.port else []
    told += place.notes
    return f" ({'; '.join(told)})" if told else ""


def _of_bus(bus: BusFind, *, ask: bool) -> list[Finding]:
    part = f"I2C bus {bus.path}"
    if bus.problem:
        return [Finding(part=part, severity=Severity.WARNING, evidence=bus.problem, remedy=bus.remedy)]
    found = [_of_chip(chip, ask=ask) for chip in bus.chips]
    muxes = ", ".join(f"0x{mux:02x}" for mux in bus.muxes)
    told = [*bus.notes, *([f"multiplexer at {muxes}"] if muxes else []), *([] if found else ["no converter answers"])]
    return [
        *found,
        *([Finding(part=part, severity=Severity.INFO, evidence="; ".join(told))] if told else []),
    ]


def _of_chip(chip: Chip, *, ask: bool) -> Finding:
    part = f"I2C {chip.where}"
    if chip.sure:
        return Finding(part=part, severity=Severity.OK, evidence=f"{chip.driver}: {chip.evidence}")
    if chip.certainty is Certainty.OTHER:
        return Finding(part=part, severity=Severity.INFO, evidence=chip.evidence)
    evidence = f"perhaps {chip.driver}: {chip.evidence}"
    remedy = "check what is connected there, its wiring and supply" if ask else _ASK
    return Finding(part=part, severity=Severity.WARNING, evidence=evidence, remedy=remedy)


def _of_iio(find: IioFind) -> Finding:
    remedy = "" if find.readable else "add a udev rule that lets the station's user read its attributes"
    severity = Severity.OK if find.readable else Severity.WARNING
    return Finding(part=f"IIO {find.folder}", severity=severity, evidence=f"hx711: {find.evidence}", remedy=remedy)


def _of_spi(find: SpiFind) -> Finding:
    if find.usable:
        evidence = "may carry an HX711 (MOSI to PD_SCK, MISO to DOUT); it cannot be told without driving the bus"
        return Finding(part=f"SPI {find.path}", severity=Severity.INFO, evidence=evidence)
    return Finding(
        part=f"SPI {find.path}", severity=Severity.WARNING, evidence="this user may not open it", remedy=find.remedy
    )


def _of_gpio(find: GpioFind) -> Finding:
    if find.problem:
        remedy = "join the group gpio: usermod -aG gpio USER, then log in again"
        return Finding(part=f"GPIO {find.path}", severity=Severity.INFO, evidence=find.problem, remedy=remedy)
    evidence = f"{find.label}, {find.lines} lines" + (" (the header's pins)" if find.has_header else "")
    return Finding(part=f"GPIO {find.path}", severity=Severity.INFO, evidence=evidence)


def _nothing(
    bench: Bench, serial: Sequence[SerialFind], buses: Sequence[BusFind], spi: Sequence[SpiFind]
) -> Iterable[Finding]:
    """Yield what was looked at in vain, and what to check."""
    if not serial:
        looked = ", ".join(str(bench.host.dev / name) for name in ("serial/by-id", "serial/by-path", "ttyUSB*"))
        yield Finding(
            part="serial ports",
            severity=Severity.INFO,
            evidence=f"there is none (looked at {looked}, ttyACM*, ttyAMA*, serial0)",
            remedy="plug the adapter in; `dmesg` tells whether the kernel sees it",
        )
    if bench.ports is None:
        yield from [] if buses else [_I2C_OFF]
        yield from [] if spi else [_SPI_OFF]
        yield _NO_IIO
    yield _NOTHING
