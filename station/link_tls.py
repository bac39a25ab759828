"""TLS on the way to the broker, and in plain words why it failed.

Both sides check the other's certificate, and the usual mistakes are wrong clocks and forgotten renewals. So a refusal
says which certificate, its dates, and what this station's clock says. Nothing here is remembered: the files are read
anew at each attempt, so that a corrected file or clock heals the next one.
"""

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from station import link_words
from station.link_values import LinkOptions, Tls
from station.link_words import CERTIFICATE_EXPIRED, CERTIFICATE_NOT_YET_VALID, Trouble

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME, which the module does not name

# The broker's alerts about our certificate, as OpenSSL names them; with TLS 1.3 they come after the handshake.
ALERTS = {
    "SSLV3_ALERT_BAD_CERTIFICATE": "it cannot be used, or is not valid yet by the broker's clock",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired by the broker's clock, or the broker's list of revocations has",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it is revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the broker does not say why",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it is not one for clients",
    "TLSV1_ALERT_UNKNOWN_CA": "the broker does not know the authority that signed it",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "none was given, and the broker wants one",
}
SECOND_NS = 10**9
RENEW = "renew it (station provision sign --renew), or correct the clock"


class NotLoopbackError(OSError):
    """Plain TCP would leave this machine."""


class FileError(OSError):
    """A file of `mqtt.tls` does not hold what it should."""


class _Socket(ssl.SSLSocket):
    """Keeps the broker's alert, of which the MQTT client only says that the connection is lost, and closes itself."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the base's signature
        try:
            super().do_handshake(block)
        except OSError:  # the MQTT client forgets the socket of a failed handshake
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            if isinstance(self.context, Context):
                self.context.alert = error.reason
            raise


class Context(ssl.SSLContext):
    """What is needed for one connection; `alert` is what the broker said instead of an answer."""

    sslsocket_class = _Socket
    alert: str | None = None


def context(tls: Tls) -> Context:
    """Return a context that checks the broker's certificate and name; raise `OSError` if a file cannot be used."""
    for path in filter(None, (tls.ca, tls.cert, tls.key)):
        path.read_bytes()  # the ssl module does not name a file that it cannot read
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_verify_locations(tls.ca)
    except ssl.SSLError as error:
        raise FileError(f"{tls.ca} holds no certificates in PEM") from error
    if tls.cert is not None:
        try:
            made.load_cert_chain(tls.cert, tls.key)
        except ssl.SSLError as error:
            raise FileError(f"{tls.cert} and {tls.key} are not a certificate and its key, in PEM") from error
    return made


def require_loopback(host: str, port: int) -> None:
    """Raise `NotLoopbackError` if a name such as `localhost` means another machine here."""
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
            raise NotLoopbackError(f"{host} is {address[0]} here, which is not this machine: no plain TCP there")


def explain(options: LinkOptions, error: OSError) -> Trouble:
    """Say why there is no connection."""
    if isinstance(error, NotLoopbackError):
        return Trouble(str(error), "set `mqtt.tls`, or correct /etc/hosts")
    if isinstance(error, FileError):
        return Trouble(str(error), "put the right files there; they are read again at the next attempt")
    if isinstance(error, ssl.SSLCertVerificationError):
        wrong_time = error.verify_code in (CERTIFICATE_NOT_YET_VALID, CERTIFICATE_EXPIRED)
        dated = _outdated(options) if wrong_time else None
        return dated or link_words.unreachable(error)
    if isinstance(error, ssl.SSLError) and options.tls is not None and error.reason in ALERTS:
        return refused(options.tls, error.reason)
    return link_words.unreachable(error)


def refused(tls: Tls, alert: str | None) -> Trouble:
    """Say why the broker broke off before its CONNACK; without an `alert` most often for the same reasons."""
    now = datetime.now(UTC)
    if tls.cert is not None and (trouble := _own_outdated(tls.cert, now)):
        return trouble
    if alert is None:
        remedy = "look into the broker's log; most often it refuses this station's certificate"
        return Trouble("the broker closed the connection before its CONNACK", remedy)
    if alert not in ALERTS:
        return Trouble(f"TLS: {alert}", "look into the broker's log")
    whose = "this station's certificate" if tls.cert is None else f"this station's certificate {tls.cert}"
    remedy = f"compare clocks and authorities; this station's clock says {_told(now)}; the broker's log says more"
    return Trouble(f"the broker refuses {whose}: {ALERTS[alert]}", remedy)


def _outdated(options: LinkOptions) -> Trouble | None:
    """Return the dates of the broker's certificate or its authority beside the clock; None where they are all right.

    Asked with all checks but that of the time, so that an impostor learns nothing.
    """
    if options.tls is None:
        return None
    try:
        asking = context(options.tls)
        asking.verify_flags |= NO_CHECK_TIME
        with (
            socket.create_connection((options.host, options.port), timeout=options.connect_s) as plain,
            asking.wrap_socket(plain, server_hostname=options.host) as asked,
        ):
            broker = asked.getpeercert() or {}
    except OSError:  # it went, or refuses us for other reasons
        return None
    now = datetime.now(UTC)
    candidates = [("the broker's certificate", broker)]
    candidates += [(f"an authority in {options.tls.ca}", found) for found in asking.get_ca_certs()]
    floor = datetime.fromtimestamp(options.floor_ns // SECOND_NS, UTC)
    return next((trouble for whose, found in candidates if (trouble := _judged(whose, found, now, floor))), None)


def _judged(whose: str, found: Mapping[str, Any], now: datetime, floor: datetime) -> Trouble | None:
    if not {"notBefore", "notAfter"} <= found.keys():
        return None
    start, end = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(found[key]), UTC) for key in ("notBefore", "notAfter")
    )
    clock = f"this station's clock says {_told(now)}"
    if now < start:
        remedy = "check the clock: time synchronisation heals it, and the broker is tried again meanwhile"
        if now < floor:
            remedy = (
                f"the clock is wrong, it has been {_told(floor)} before: {remedy.removeprefix('check the clock: ')}"
            )
        return Trouble(f"{whose} is valid from {_told(start)}, {clock}", remedy)
    if now > end:
        return Trouble(f"{whose} was valid until {_told(end)}, {clock}", "renew it, or correct this station's clock")
    return None


def _own_outdated(path: Path, now: datetime) -> Trouble | None:
    from cryptography import x509  # only where something is wrong

    try:
        own = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):  # the next attempt tells
        return None
    start, end = dates(own)
    clock = f"this station's clock says {_told(now)}"
    if now < start:
        remedy = "check the clocks of station and broker; it is tried again meanwhile"
        return Trouble(f"this station's certificate {path} is valid from {_told(start)}, {clock}", remedy)
    if now > end:
        return Trouble(f"this station's certificate {path} was valid until {_told(end)}, {clock}", RENEW)
    return None


def dates(certificate: Any) -> tuple[datetime, datetime]:
    """Return from when to when a certificate is valid."""
    return _utc(certificate, "not_valid_before"), _utc(certificate, "not_valid_after")


def shake_hands(options: LinkOptions) -> Trouble | None:
    """Reach the broker and check each other's certificates, but do not sign in; return why that failed.

    That the broker refuses ours may show only later, with TLS 1.3: it says so after the handshake.
    """
    try:
        if options.tls is None:
            require_loopback(options.host, options.port)
        with socket.create_connection((options.host, options.port), timeout=options.connect_s) as plain:
            if options.tls is not None:
                context(options.tls).wrap_socket(plain, server_hostname=options.host).close()
    except OSError as error:
        return explain(options, error)
    return None


def _utc(certificate: Any, name: str) -> datetime:
    """Return a date of a certificate; libraries before version 42 say it without the time zone."""
    made: datetime = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name).replace(tzinfo=UTC)
    return made


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
