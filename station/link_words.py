"""Why there is no connection, and what to do: one clear sentence each."""

import socket
import ssl
from typing import NamedTuple

# MQTT 5.0, section 2.4: reason codes that a broker gives when it refuses or ends a connection.
REMEDIES = {
    129: "the broker could not read our packet; is there a proxy between?",
    130: "the broker saw a protocol error; report it together with the broker's name and version",
    132: "the broker must speak MQTT 5; enable it, or use another broker",
    133: "the broker does not accept this client id; it must be the station's id",
    134: "check user name and password",
    135: "check user name and password or certificate, and the broker's access list for this station",
    136: "the broker is unavailable; it is tried again",
    137: "the broker is busy; it is tried again",
    138: "the broker has banned this station; ask its administrator",
    139: "the broker is shutting down; it is tried again",
    141: "the broker heard nothing from us in time; check the network",
    142: "another client uses this station's id; ids are unique over the whole fleet: find and rename the other",
    147: "the broker's Receive Maximum was exceeded; report it together with the broker's name and version",
    149: "raise the broker's maximum packet size",
    151: "raise the broker's quota for this station",
}
CERTIFICATE_NOT_YET_VALID, CERTIFICATE_EXPIRED, HOSTNAME_MISMATCH, ADDRESS_MISMATCH = 9, 10, 62, 64  # X509_V_ERR_*


class Trouble(NamedTuple):
    """What happened, and what the technician can do."""

    reason: str
    remedy: str


def refused(reason_code: int, name: str) -> Trouble:
    """Put a reason code of a CONNACK or DISCONNECT into words; `name` is the standard's."""
    return Trouble(f"{name} (reason code {reason_code})", REMEDIES.get(reason_code, "look into the broker's log"))


def subscription_refused(topics: list[str]) -> Trouble:
    """Put a refused SUBSCRIBE into words."""
    return Trouble(
        f"the broker refuses to let this station read {', '.join(topics)}",
        "allow it in the broker's access list: without them no command or acknowledgement arrives",
    )


def unreachable(error: OSError) -> Trouble:
    """Put a failed connect into words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    if isinstance(error, ssl.SSLError):
        return Trouble(f"TLS: {error.reason or error}", "check that the port speaks TLS, and certificate and key")
    for kind, reason, remedy in FAILURES:
        if isinstance(error, kind):
            return Trouble(reason.format(file=error.filename, error=error.strerror), remedy)
    return Trouble(error.strerror or str(error) or type(error).__name__, "check network, `mqtt.host` and `mqtt.port`")


FAILURES: list[tuple[type[OSError], str, str]] = [
    (socket.gaierror, "the name is not known ({error})", "check `mqtt.host` and the name server"),
    (FileNotFoundError, "file {file}: {error}", "check the files named in `mqtt.tls`"),
    (PermissionError, "file {file}: {error}", "check the owner of the files named in `mqtt.tls`"),
    (ConnectionRefusedError, "connection refused", "start the broker, or correct `mqtt.host` and `mqtt.port`"),
    (TimeoutError, "no answer", "check network and firewall, `mqtt.host` and `mqtt.port`"),
]


def _certificate(error: ssl.SSLCertVerificationError) -> Trouble:
    remedy = {
        CERTIFICATE_NOT_YET_VALID: "this machine's clock may be wrong; time synchronisation heals it",
        CERTIFICATE_EXPIRED: "renew the broker's certificate, or correct this machine's clock",
        HOSTNAME_MISMATCH: "the certificate must carry the name in `mqtt.host`",
        ADDRESS_MISMATCH: "the certificate must carry the address in `mqtt.host`; better name the broker there",
    }.get(error.verify_code, "`mqtt.tls.ca` must be the authority that signed the broker's certificate")
    return Trouble(f"the broker's certificate: {error.verify_message}", remedy)
