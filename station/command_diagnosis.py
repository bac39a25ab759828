"""What a running station finds out about itself, for `cmd/diagnose`: only what is known, nothing is tried."""

from collections.abc import Mapping, Sequence

from station.core.alarms import Notice
from station.messages import Finding, Health

DISK_LOW_BYTES = 200_000_000
BACKLOG = 1000  # verdicts without the backend's acknowledgement
CLOCK = {
    "unsynced": "the clock is not synchronised: times in messages may be wrong",
    "stepped": "the clock has jumped within the last minutes",
}


def findings(notices: Sequence[Notice], health: Health, threads: Mapping[str, bool]) -> tuple[Finding, ...]:
    """Return the alarms that are raised now, and what is no alarm yet; errors first."""
    found = [
        Finding(severity=n.severity, code=n.code, part=n.part, message=n.message, remedy=n.remedy) for n in notices
    ]
    found += [
        _warning("THREAD_ENDED", name, f"the thread {name} has ended", "restart the station; report this defect")
        for name, alive in threads.items()
        if not alive
    ]
    if (said := CLOCK.get(health.clock)) is not None:
        found.append(_warning("CLOCK", "clock", said, "check systemd-timesyncd and the way to its server"))
    if health.disk_free_bytes is not None and health.disk_free_bytes < DISK_LOW_BYTES:
        said = f"{health.disk_free_bytes // 1_000_000} MB are free where the state is kept"
        found.append(_warning("DISK_LOW", "disk", said, "make room"))
    if (health.outbox.unconfirmed or 0) > BACKLOG:
        said = f"{health.outbox.unconfirmed} verdicts are not acknowledged by the backend"
        found.append(
            _warning("BACKLOG", "outbox", said, "check that the backend stores verdicts and sends ack/verdict")
        )
    return tuple(sorted(found, key=lambda finding: finding.severity != "error"))


def _warning(code: str, part: str, message: str, remedy: str) -> Finding:
    return Finding(severity="warning", code=code, part=part, message=message, remedy=remedy)
