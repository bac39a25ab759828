"""What tests of the backend client share: a station that says whatever the test wants, and patience."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from station import wire
from station.client import Client, Options, Received
from station.link_values import LinkOptions
from station.wire import Numbering, Stamp, Station

STATION = Station("0815", "vs-03")
EPOCH = "e-1"
DEADLINE_S = 20.0


def verdict_data(number: int) -> dict[str, Any]:
    """Return the data of a verdict that accepts a basket."""
    return {
        "visit_id": f"V-{number}", "transaction_id": f"T-{number}", "revision": 1, "verdict_no": 1,
        "decision": "accept", "action": "release", "p_as_claimed": 0.99, "expected_loss_minor": 1.0, "currency": "EUR",
        "weight": None, "explanations": [{"kind": "as_claimed", "p": 0.99}], "recheck": [], "look_for": [],
        "requirements": [], "smallest_visible": None, "reasons": [], "message": {"en": "Thank you."},
        "evidence": {"sightings": 0, "unknown_objects": 0, "cameras": 0}, "versions": {"software": "0.1.0"},
        "timing_ms": {"settle": 600, "capture": 0, "vision": 0, "fusion": 5, "total": 605},
    }  # fmt: skip


def verdict_payload(seq: int, epoch: str = EPOCH, station: Station = STATION, **changed: Any) -> bytes:
    """Return the bytes of a verdict; the same for the same number."""
    stamp = Stamp(wall_ns=1_700_000_000 * 10**9 + seq, monotonic_ns=seq, boot_id="b", clock="synced")
    event_id = wire.uuid7(seq, seq.to_bytes(10, "big"))
    numbering = Numbering(epoch, seq)
    return wire.encode(station, stamp, event_id, "verdict", verdict_data(seq) | changed, numbering=numbering)


def options(port: int, client_id: str = "backend.1", **more: Any) -> Options:
    """Return options with an impatient backoff and quick gaps."""
    link = LinkOptions(host="127.0.0.1", port=port, client_id=client_id, backoff_min_s=0.02, backoff_max_s=0.2)
    values: dict[str, Any] = {"link": link, "gap_s": 0.2, "repeat_s": 0.5}
    return Options(**(values | more))


async def read(client: Client, count: int) -> list[Received]:
    """Return the next verdicts."""
    found: list[Received] = []
    verdicts: AsyncIterator[Received] = client.verdicts()
    async with asyncio.timeout(DEADLINE_S):
        async for received in verdicts:
            found.append(received)
            if len(found) == count:
                break
    await verdicts.aclose()  # type: ignore[attr-defined] # it is a generator
    return found


async def until(done: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    """Let the loop run until something holds."""
    end_s = time.monotonic() + deadline_s
    while not done():
        assert time.monotonic() < end_s, "it did not happen in time"
        await asyncio.sleep(0.01)
