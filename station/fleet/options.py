"""What a fleet is told, and what it tells: plain values that pass between its processes."""

from pathlib import Path

import msgspec

from station.link_values import LinkOptions, Tls
from station.wire import Station


class FleetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `certificates` is a folder with `NAME.pem`, `NAME.key` and `ca.pem`; None is plain TCP on loopback."""

    host: str = "127.0.0.1"
    port: int = 1883
    certificates: Path | None = None
    backend: str = "backend.1"  # the shipped access list knows it
    store: str = "fleet"
    prefix: str = "fleet-"
    stations: int = 100
    processes: int = 1
    rate_per_s: float = 20.0  # claims, over all stations
    duration_s: float = 30.0
    storms: int = 1
    seed: int = 1
    lean: bool = False  # no `evt/transaction`
    patience_s: float = 120.0
    backoff_min_s: float = 1.0
    backoff_max_s: float = 60.0

    def station(self, number: int) -> Station:
        """Return one of the stations, from 0 on."""
        return Station(self.store, f"{self.prefix}{number:05}")

    def link(self, client_id: str) -> LinkOptions:
        """Return how one client connects."""
        folder, tls = self.certificates, None
        if folder is not None:
            tls = Tls(ca=folder / "ca.pem", cert=folder / f"{client_id}.pem", key=folder / f"{client_id}.key")
        return LinkOptions(
            host=self.host, port=self.port, client_id=client_id, tls=tls,
            backoff_min_s=self.backoff_min_s, backoff_max_s=self.backoff_max_s,
        )  # fmt: skip


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What a process tells of its stations. `last_up_ns` (monotonic) is when the latest one came online."""

    online: int
    last_up_ns: int
    counts: dict[str, int] = {}
    troubles: dict[str, int] = {}
    unconfirmed: int = 0
    processor_s: float = 0.0


class Storm(msgspec.Struct, frozen=True, kw_only=True):
    """All connect at once: why, how many had no connection, how long until all were online (None: not in time)."""

    cause: str
    stations: int
    seconds: float | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has shown. Latency is from the making of a verdict, before its commit, until the backend has it."""

    stations: int
    processes: int
    tls: bool
    seconds: float
    claims: int
    answers: dict[str, int]  # by code, `ok` among them
    verdicts: int
    verdicts_per_s: float
    late: int
    duplicates: int
    differing: int
    gaps: int
    missing: int  # claims without a verdict
    latency_ms: dict[str, float]
    storms: tuple[Storm, ...]
    published: int
    refused: int
    unconfirmed: int
    troubles: dict[str, int]
    processor_s: float

    @property
    def well(self) -> bool:
        """Whether nothing was lost, doubled with other bytes, or left offline."""
        lost = self.missing or self.gaps or self.differing or self.unconfirmed
        return not lost and all(storm.seconds is not None for storm in self.storms)
