"""Talking to systemd: readiness, a line on how it goes, signs of life (the protocol of sd_notify(3)).

One datagram to the socket that NOTIFY_SOCKET names; no library, it is a dozen lines. Started by anything else than
systemd there is no socket, and nothing is said.
"""

import os
import socket
from collections.abc import Mapping

SEND_S = 1.0  # systemd reads at once; one that does not must not keep the consumer
MICROSECONDS = 1_000_000


class Notifier:
    """Where to tell, and how often signs of life are wanted (`watchdog_s` None: never)."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environ)

    def tell(self, *assignments: str) -> bool:
        """Send lines such as READY=1 together; say whether somebody took them."""
        if not self._address:
            return False
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(SEND_S)
                sender.sendto("\n".join(assignments).encode(), address)
        except OSError:  # systemd is being replaced, perhaps; the next sign of life tries again
            return False
        return True


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the longest silence allowed; None where this process is not watched."""
    microseconds, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or pid not in {"", str(os.getpid())}:
        return None
    return int(microseconds) / MICROSECONDS
