"""`station doctor`: a configured station examined, one part after the other.

An examination takes a `Case` and yields findings; it changes nothing and waits a few seconds at most. A new one is a
function more in `EXAMINATIONS`.
"""

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from calibration import store
from drivers.probing.places import Host
from station import catalogue
from station.config import Config, Scale
from station.doctor.findings import Finding, Severity

_CONNECT_S = 5.0
_PLUG = "plug the device in, or correct the configuration; `station doctor --probe` shows what is connected"


@dataclass(frozen=True)
class Case:
    """The station to examine: its configuration, the machine it runs on, which of its scales give counts."""

    config: Config
    counts: tuple[bool, ...]
    host: Host = field(default_factory=Host)


Examination = Callable[[Case], Iterable[Finding]]


def examine(case: Case) -> list[Finding]:
    """Return what all examinations find."""
    return [finding for examination in EXAMINATIONS for finding in examination(case)]


def _configuration(case: Case) -> Iterator[Finding]:
    config = case.config
    evidence = f"{config.source} is in order, {len(config.scales)} scale(s), {len(config.cameras)} camera(s)"
    yield Finding(part="configuration", severity=Severity.OK, evidence=evidence)


def _devices(case: Case) -> Iterator[Finding]:
    """Look for every device that a scale needs, and whether this user may open it."""
    for scale in case.config.scales:
        for path in paths_of(scale):
            yield _device(case.host, scale.name, path)


def paths_of(scale: Scale) -> list[Path]:
    """Return the devices that a scale's options name."""
    keys = msgspec.to_builtins(scale.options)
    named = [keys.get("port"), keys.get("world"), *keys.get("more_ports", ())]
    named += [keys["chip"]] if str(keys.get("chip", "")).startswith("/") else []
    for cell in keys.get("cells", ()):
        named += [cell.get("device"), f"/dev/i2c-{cell['bus']}" if "bus" in cell else None]
    return [Path(name) for name in dict.fromkeys(named) if name]


def _device(host: Host, scale: str, path: Path) -> Finding:
    part = f"scale {scale}"
    if not path.exists():
        return Finding(part=part, severity=Severity.ERROR, evidence=f"{path} does not exist", remedy=_PLUG)
    if not path.is_dir() and not host.may_open(path):
        remedy = host.admission(path, "dialout")
        return Finding(part=part, severity=Severity.ERROR, evidence=f"no permission to open {path}", remedy=remedy)
    holders = host.holders(path)
    used = f", in use by {', '.join(holders)}" if holders else ""
    return Finding(part=part, severity=Severity.OK, evidence=f"{path} is there{used}")


def _calibration(case: Case) -> Iterator[Finding]:
    """Look for the calibration of every scale that gives counts."""
    state_dir = Path(case.config.station.state_dir)
    for number, (scale, counts) in enumerate(zip(case.config.scales, case.counts, strict=True), start=1):
        if not counts:
            continue
        part = f"calibration of {scale.name}"
        try:
            record = store.load(state_dir, number)
        except store.CalibrationError as error:
            yield Finding(part=part, severity=Severity.ERROR, evidence=str(error), remedy="calibrate again")
            continue
        if record is None:
            remedy = "calibrate, or import factory values: calibrate import FILE"
            yield Finding(part=part, severity=Severity.ERROR, evidence="there is none", remedy=remedy)
        else:
            yield Finding(part=part, severity=Severity.OK, evidence=f"{record.source}, made {record.created}")


def _state(case: Case) -> Iterator[Finding]:
    """Look whether the station can keep what it must keep, and whether it has a catalogue."""
    state_dir = Path(case.config.station.state_dir)
    nearest = next(path for path in (state_dir, *state_dir.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        evidence, remedy = (
            f"{state_dir} cannot be written by this user",
            "run as the station's user, or give it to that",
        )
        yield Finding(part="state directory", severity=Severity.ERROR, evidence=evidence, remedy=remedy)
        return
    yield Finding(part="state directory", severity=Severity.OK, evidence=f"{state_dir} can be written")
    if catalogue.path_in(state_dir).exists():
        yield Finding(part="catalogue", severity=Severity.OK, evidence=f"{catalogue.path_in(state_dir)} is there")
    else:
        remedy = "import the store's products: station catalogue import FILE"
        yield Finding(part="catalogue", severity=Severity.WARNING, evidence="there is none", remedy=remedy)


def _broker(case: Case) -> Iterator[Finding]:
    """Try whether the broker's port takes a connection; nothing is said on it."""
    mqtt = case.config.mqtt
    part = f"broker {mqtt.host}:{mqtt.port}"
    try:
        with socket.create_connection((mqtt.host, mqtt.port), timeout=min(_CONNECT_S, mqtt.connect_timeout_s)):
            yield Finding(part=part, severity=Severity.OK, evidence="takes connections")
    except OSError as error:  # gaierror, too: a name that nobody knows
        evidence = f"cannot be reached: {error.strerror or error}"
        remedy = "check the broker, the network and `mqtt.host`; verdicts are kept until it is back"
        yield Finding(part=part, severity=Severity.ERROR, evidence=evidence, remedy=remedy)


EXAMINATIONS: tuple[Examination, ...] = (_configuration, _devices, _calibration, _state, _broker)
