"""How long verdicts take, stage by stage, from the last movement on the platform to the broker's acknowledgement.

A verdict is followed by its place in the outbox: decided, committed, acknowledged by the broker. Each that arrives
writes one log line with its own figures; the last few hundred make the percentiles of `tel/metrics`.
"""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import structlog

from station.core.verdict import Timing, Verdict
from station.delivery import Batch
from station.outbox import Ref
from station.pump import Outcome

KEPT = 500  # verdicts that the percentiles are of
OPEN_MOST = 200  # verdicts on their way; those that wait for a broker's return tell nothing of this machine's speed
PERCENTS = (50, 95, 99)
MS_NS = 1e6

Key = TypeVar("Key")

log = structlog.get_logger()


class Open(msgspec.Struct):
    """A verdict on its way."""

    transaction_id: str | None
    timing: Timing
    decided_ns: int
    committed_ns: int = 0
    commit_ms: float = 0.0


class Timings:
    """Owned by the consumer."""

    def __init__(self) -> None:
        self._decided: dict[tuple[str, int], Open] = {}
        self._committed: dict[int, Open] = {}
        self._kept: dict[str, deque[float]] = {}

    def decided(self, verdict: Verdict, now_ns: int) -> None:
        """A verdict was made just now."""
        key = verdict.visit_id, verdict.verdict_no
        self._decided[key] = Open(verdict.transaction_id, verdict.timing_ms, now_ns)
        _bound(self._decided)

    def committed(self, batch: Batch, refs: Sequence[Ref], began_ns: int, ended_ns: int) -> None:
        """A batch is on disk, its events under these numbers."""
        for event, ref in zip(batch.events, refs, strict=True):
            if ref.kind != "verdict":
                continue
            found = self._decided.pop((event.data["visit_id"], event.data["verdict_no"]), None)
            if found is not None:
                found.committed_ns, found.commit_ms = ended_ns, (ended_ns - began_ns) / MS_NS
                self._committed[ref.number] = found
                _bound(self._committed)

    def settled(self, outcome: Outcome, now_ns: int) -> None:
        """The broker has answered."""
        judges = isinstance(outcome.item, Ref) and outcome.item.kind == "verdict" and outcome.accepted
        found = self._committed.pop(outcome.item.number, None) if judges else None
        if found is None:
            return
        stages = {
            **msgspec.to_builtins(found.timing),
            "commit": found.commit_ms,
            "publish": (now_ns - found.committed_ns) / MS_NS,
            "total": found.timing.total + (now_ns - found.decided_ns) / MS_NS,
        }
        for stage, took_ms in stages.items():
            self._kept.setdefault(stage, deque(maxlen=KEPT)).append(took_ms)
        log.info(
            "verdict acknowledged by the broker",
            transaction=found.transaction_id,
            seq=outcome.item.number,
            monotonic_ns=now_ns,
            timing_ms={stage: round(took_ms, 2) for stage, took_ms in stages.items()},
        )

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the percentiles of every stage in milliseconds, and how many verdicts they are of."""
        return {stage: _percentiles(sorted(values)) for stage, values in self._kept.items()}


def _bound(waiting: dict[Key, Open]) -> None:
    if len(waiting) > OPEN_MOST:
        del waiting[next(iter(waiting))]


def _percentiles(ordered: Sequence[float]) -> dict[str, float]:
    last = len(ordered) - 1
    return {"n": len(ordered), **{f"p{p}": round(ordered[round(p / 100 * last)], 2) for p in PERCENTS}}
