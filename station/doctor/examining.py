"""`station doctor`: a configured station examined, one part after the other.

An examination takes a `Case` and yields findings; it changes nothing and waits a few seconds at most. A new one is a
function more in `EXAMINATIONS`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from drivers.probing.places import Host
from station import catalogue, signing_keys, wire
from station.calibrations import Bound
from station.clock import Clock, installed_ns
from station.config import Config, Scale
from station.doctor import broker, calibrating
from station.doctor.findings import Finding, Severity
from station.link_values import LinkOptions
from station.wire import Station

_PLUG = "plug the device in, or correct the configuration; `station doctor --probe` shows what is connected"


@dataclass(frozen=True)
class Case:
    """The station to examine: its configuration, which of its scales give counts, its link, the machine it runs on."""

    config: Config
    counts: tuple[bool, ...]
    link: LinkOptions
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
    state_dir, synced = Path(case.config.station.state_dir), Clock().stamp().clock == "synced"
    for number, (scale, counts) in enumerate(zip(case.config.scales, case.counts, strict=True), start=1):
        if not counts:
            continue
        bound = Bound(scale.name, scale.driver, msgspec.to_builtins(scale.options))
        yield calibrating.examine(state_dir, number, bound, case.config.calibration, synced=synced)


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


def _clock(_case: Case) -> Iterator[Finding]:
    """Look whether the clock can be right, and whether it is kept so."""
    stamp, floor_ns = Clock().stamp(), installed_ns()
    told, part = wire.rfc3339(stamp.wall_ns), "clock"
    if stamp.wall_ns < floor_ns:
        evidence = f"says {told}, before this software was installed ({wire.rfc3339(floor_ns)})"
        remedy = "set it, or let it be synchronised: `timedatectl`; until then no TLS connection can stand"
        yield Finding(part=part, severity=Severity.ERROR, evidence=evidence, remedy=remedy)
    elif stamp.clock == "synced":
        yield Finding(part=part, severity=Severity.OK, evidence=f"says {told}, and is synchronised")
    else:
        evidence = f"says {told}, and systemd-timesyncd does not say that it is synchronised"
        remedy = "`timedatectl set-ntp true`, if nothing else keeps it"
        yield Finding(part=part, severity=Severity.INFO, evidence=evidence, remedy=remedy)


def _signing(case: Case) -> Iterator[Finding]:
    """Look for the key that signs verdicts, and for those whose orders are obeyed."""
    station, part = case.config.station, "signing key"
    file = signing_keys.find(station.signing_key, Path(station.state_dir))
    if file.origin == "own" and not file.path.exists():
        yield Finding(part=part, severity=Severity.INFO, evidence="there is none yet; the first start makes one")
    else:
        yield _key(part, lambda: f"{signing_keys.load(file).key_id} in {file.path}")
    part, trusted = "orders", case.config.trust.key
    if trusted is None:
        evidence = "nobody's: catalogues and configurations that come over the wire are refused"
        remedy = "set `key` in [trust] if the backend is to send them"
        yield Finding(part=part, severity=Severity.INFO, evidence=evidence, remedy=remedy)
    else:
        yield _key(part, lambda: f"those signed with {_names(Path(trusted))}")


def _names(path: Path) -> str:
    return ", ".join(key.key_id for key in signing_keys.public_keys(path))


def _key(part: str, evidence: Callable[[], str]) -> Finding:
    try:
        return Finding(part=part, severity=Severity.OK, evidence=evidence())
    except signing_keys.SigningError as error:
        told, _, remedy = str(error).rpartition("; ")
        return Finding(part=part, severity=Severity.ERROR, evidence=told, remedy=remedy)


def _broker(case: Case) -> Iterator[Finding]:
    """Look at certificates, then connect as the station does, or less where it runs."""
    who = case.config.station
    yield from broker.certificates(case.link, broker.now())
    running = case.host.holders(Path(who.state_dir) / "outbox.db")
    yield from broker.sign_in(case.link, Station(who.store, who.id), running)


EXAMINATIONS: tuple[Examination, ...] = (_configuration, _devices, _calibration, _state, _clock, _signing, _broker)
