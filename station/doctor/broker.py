"""The broker as the station will meet it: certificates and their dates, TLS, the sign-in, and what it may publish.

All of it with the link's own code and the configuration's own files. The sign-in is the station's: it takes the place
of a connection that stands, and so is left out while the station runs. Commands that wait for the station are not
acknowledged and come again when it connects. Whether it may read `cmd` and `ack` cannot be seen from here: mosquitto
grants every subscription, and only then withholds.
"""

import select
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.extensions import ExtensionNotFound

from station import link_tls, link_words, wire
from station.clock import Clock
from station.doctor.findings import Finding, Severity
from station.link_session import FAILURES, Session
from station.link_values import LinkEvent, LinkOptions, Publication, Published
from station.link_words import Trouble
from station.wire import Station

GROUPS = ("evt", "st", "tel", "res")
PROBE = "probe"
SOON = timedelta(days=30)
WAIT_S = 10.0
TICK_S = 0.1
NOBODY, FAILURE = 16, 128


def certificates(options: LinkOptions, now: datetime) -> Iterator[Finding]:
    """Look at the dates of the station's certificate and of the authorities that it believes."""
    if options.tls is None:
        return
    for path in filter(None, (options.tls.cert, options.tls.ca)):
        try:
            found = _load(path)
        except (OSError, ValueError) as error:
            told = error.strerror if isinstance(error, OSError) else "holds no certificate in PEM"
            yield _error(f"certificate {path.name}", f"{path}: {told}", "put the file there that `mqtt.tls` names")
            continue
        for each in found:
            yield _dated(path, each, now)


def _load(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def _dated(path: Path, found: x509.Certificate, now: datetime) -> Finding:
    start, end = link_tls.dates(found)
    part = f"certificate {path.name}"
    clock = f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC"
    if now < start:
        remedy = "check the clock: `timedatectl`; the station retries by itself meanwhile"
        return _error(part, f"is valid from {start:%Y-%m-%d %H:%M} UTC only, {clock}", remedy)
    if now > end:
        return _error(part, f"was valid until {end:%Y-%m-%d %H:%M} UTC, {clock}", "renew it, or correct the clock")
    severity, remedy = Severity.OK, ""
    if end - now < SOON and not _is_authority(found):
        severity, remedy = Severity.WARNING, "renew it: station provision station --renew, or sign --renew"
    elif end - now < SOON:
        severity, remedy = Severity.WARNING, "have a new authority made in time (docs/BROKER.md)"
    return Finding(part=part, severity=severity, evidence=f"valid until {end:%Y-%m-%d}", remedy=remedy)


def _is_authority(found: x509.Certificate) -> bool:
    try:
        return bool(found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except ExtensionNotFound:
        return False


def sign_in(options: LinkOptions, station: Station, running: list[str]) -> Iterator[Finding]:
    """Connect as the station does, and publish to a probe topic of each group; while it runs, shake hands only."""
    part = f"broker {options.host}:{options.port}"
    if running:
        remedy = "stop the station to have the sign-in and the access list tried, too"
        if (trouble := link_tls.shake_hands(options)) is not None:
            yield _error(part, trouble.reason, trouble.remedy)
            return
        evidence = f"reachable; {', '.join(running)} uses the sign-in"
        yield Finding(part=part, severity=Severity.INFO, evidence=evidence, remedy=remedy)
        return
    talk = _Talk(options, station)
    trouble = talk.run()
    if trouble is not None and not talk.session.up_since_s:
        yield _error(part, trouble.reason, f"{trouble.remedy}; verdicts are kept until it is back")
        return
    secured = "mutual TLS" if options.tls is not None and options.tls.cert is not None else "TLS"
    secured = "plain TCP" if options.tls is None else secured
    yield Finding(part=part, severity=Severity.OK, evidence=f"lets this station in ({secured})")
    yield from talk.findings(trouble)


class _Talk:
    """One connection that publishes one message to each group and listens to nothing."""

    def __init__(self, options: LinkOptions, station: Station) -> None:
        self._station = station
        self._codes: dict[str, int] = {}
        self._mids: dict[int, str] = {}
        self._clock = Clock()
        topics = [station.topic("cmd", "+"), station.topic("ack", "verdict")]
        self.session = Session(1, options, topics, self._heard)

    def run(self) -> Trouble | None:
        """Talk; return why it broke off, if it did."""
        try:
            self.session.open(None)
            end_s = time.monotonic() + WAIT_S
            while not self.session.finished():
                if len(self._codes) == len(GROUPS) or time.monotonic() > end_s:
                    self.session.end("examined", goodbye=True)
                    continue
                self._publish()
                readable, _, _ = select.select([self.session.sock], [], [], TICK_S)
                self.session.step(readable=bool(readable))
        except FAILURES as error:
            return self.session.explain(error)
        finally:
            self.session.close()
        return None if len(self._codes) == len(GROUPS) else self.session.why()

    def findings(self, trouble: Trouble | None) -> Iterator[Finding]:
        """Say where the station may speak."""
        denied = [f"{group}/ (reason code {code})" for group, code in self._codes.items() if code >= FAILURE]
        part = "access list"
        if denied:
            wanted = ", ".join(f"{self._station.root}{group}/+" for group in GROUPS)
            remedy = f"let this identity write {wanted}, and read {self._station.root}cmd/+ and ack/verdict"
            yield _error(part, f"the broker forbids this station to publish below {', '.join(denied)}", remedy)
        elif len(self._codes) < len(GROUPS):
            told = link_words.Trouble("no answer in time", "look into the broker's log") if trouble is None else trouble
            yield _error(part, f"the broker did not answer all publications: {told.reason}", told.remedy)
        else:
            yield Finding(part=part, severity=Severity.OK, evidence="this station may publish evt, st, tel and res")
        if self._codes.get("evt") == NOBODY:
            remedy = "start the backend; verdicts are kept meanwhile"
            yield Finding(
                part="backend", severity=Severity.WARNING, evidence="nobody subscribes to events", remedy=remedy
            )

    def _heard(self, event: LinkEvent) -> None:
        if isinstance(event, Published) and event.mid in self._mids:
            self._codes[self._mids[event.mid]] = event.reason_code

    def _publish(self) -> None:
        if self._mids or self.session.up_since_s is None:
            return
        for group in GROUPS:
            payload = wire.encode(self._station, self._clock.stamp(), self._clock.new_id(), PROBE, {})
            publication = Publication(topic=self._station.topic(group, PROBE), payload=payload, expiry_s=1)
            self._mids[self.session.publish(publication).mid] = group


def now() -> datetime:
    """Return what this machine's clock says."""
    return datetime.now(UTC)


def _error(part: str, evidence: str, remedy: str) -> Finding:
    return Finding(part=part, severity=Severity.ERROR, evidence=evidence, remedy=remedy)
