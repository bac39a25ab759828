"""What a fleet's backend counts: which verdicts came, whether any is lacking, how long they took. Pure."""

import hashlib
import math
from collections.abc import Sequence

from station.wire import Numbering, Station

PERCENTS = (50, 95, 99)


class Tally:
    """The verdicts of a fleet, by station and epoch. In memory: what it says is stored is gone with the process."""

    def __init__(self) -> None:
        self.verdicts = self.duplicates = self.differing = self.late = 0
        self.transactions: set[str] = set()
        self.latencies_ns: list[int] = []
        self._seen: dict[tuple[Station, str], dict[int, bytes]] = {}
        self._upto: dict[tuple[Station, str], int] = {}

    def take(self, station: Station, number: Numbering, payload: bytes, latency_ns: int, *, late: bool) -> int:
        """Count one arrival; return up to which number all verdicts of its epoch are here.

        Only what was not late counts as latency: the backlog's age says how long the broker was away.
        """
        key, digest = (station, number.epoch), hashlib.blake2b(payload, digest_size=16).digest()
        seen = self._seen.setdefault(key, {})
        if (known := seen.get(number.seq)) is not None:
            self.duplicates += 1
            self.differing += known != digest
        else:
            seen[number.seq] = digest
            self.verdicts += 1
            self.late += late
            if not late:
                self.latencies_ns.append(latency_ns)
        upto = self._upto.get(key, 0)
        while upto + 1 in seen:
            upto += 1
        self._upto[key] = upto
        return upto

    def gaps(self) -> int:
        """Return how many numbers are lacking below others that came."""
        return sum(max(seen) - len(seen) for seen in self._seen.values())

    def latency_ms(self) -> dict[str, float]:
        """Return percentiles and the longest."""
        return percentiles([each / 1e6 for each in self.latencies_ns])


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95, p99 and max by nearest rank; empty for no values."""
    if not values:
        return {}
    ordered = sorted(values)
    found = {f"p{p}": ordered[math.ceil(p / 100 * len(ordered)) - 1] for p in PERCENTS}
    return {name: round(value, 2) for name, value in (found | {"max": ordered[-1]}).items()}
