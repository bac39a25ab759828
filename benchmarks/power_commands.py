"""PUBACK after effect, below SQLite: what the daemon acknowledged to the broker has its effect on disk by then.

`station run` itself, on a simulated retail scale, takes claims from a real broker, revision after revision, while a
load lies on it. strace records what it asks of the disk and what it sends. Then, at the very call that sends each
PUBACK, the power is cut in every way that `power_disk` knows, and the claim must be in the outbox. Control: a disk
that ignores syncs must lose some.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks import power_calls
from benchmarks.power_calls import Call
from benchmarks.power_cuts import Record, restored
from benchmarks.power_disk import Disk, Fate
from benchmarks.power_wire import PUBACK, PUBLISH, Packet, Stream
from station.core import visit
from station.outbox import Outbox, OutboxError
from tests.support.rig import CHEESE, ROOT, STATION, Rig, toledo_rig

TRANSACTION = "T-1"
PAUSES_S = (0.0, 0.02)  # between claims
CLAIM = ROOT + "cmd/claim"


class Result(msgspec.Struct):
    """What came of the cuts at PUBACKs."""

    setting: str
    acknowledged: int = 0
    cuts: int = 0
    without_effect: int = 0
    first: str = ""


class Conversation:
    """Follows one process's connections: which claims came, and which call acknowledged them."""

    def __init__(self) -> None:
        self._streams: dict[tuple[int, bool], Stream] = {}
        self._revisions: dict[tuple[int, int], int] = {}

    def take(self, call: Call) -> list[int]:
        """Take a call; return the revisions that it acknowledged."""
        if call.result is None or call.result < 0:
            return []
        if call.name == "socket":
            self._streams[call.result, True], self._streams[call.result, False] = Stream(), Stream()
        out = call.name == "sendto"
        stream = self._streams.get((call.number, out)) if out or call.name == "recvfrom" else None
        if stream is None or not call.result:
            return []
        packets = list(stream.feed(call.texts()[0][: call.result]))
        return [found for packet in packets if (found := self._read(call.number, packet, out=out)) is not None]

    def _read(self, connection: int, packet: Packet, *, out: bool) -> int | None:
        if packet.kind == PUBLISH and not out and packet.topic == CLAIM:
            self._revisions[connection, packet.mid] = msgspec.json.decode(packet.payload)["data"]["revision"]
        elif packet.kind == PUBACK and out:
            return self._revisions.pop((connection, packet.mid), None)
        return None


def record(folder: Path, *, claims: int, lives: int, seed: int) -> Record:
    """Let the daemon take so many claims over so many lives."""
    draw = random.Random(seed)
    logs = [folder / f"calls-{life}" for life in range(lives)]
    with toledo_rig(folder, start=False) as rig:
        rig.put(410)
        for life, log in enumerate(logs):
            revisions = range(1 + claims * life // lives, 1 + claims * (life + 1) // lives)
            _live(rig, log, revisions, draw, kill=life < lives - 1)
    return Record(folder / "state", logs)


def _live(rig: Rig, log: Path, revisions: range, draw: random.Random, *, kill: bool) -> None:
    command = power_calls.command(log, [STATION, "run", "--config", str(rig.station.config)])
    births = len(rig.backend.heard("st/info"))
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as tracer:
        rig.wait(lambda: len(rig.backend.heard("st/info")) > births, 40)
        answered = len(rig.answers("claim"))
        for revision in revisions:
            rig.claim(CHEESE, transaction_id=TRANSACTION, revision=revision)
            rig.backend.pause(draw.uniform(*PAUSES_S))
        wanted = len(revisions) - (4 if kill else 0)  # some are under way when it is killed
        rig.wait(lambda: len(rig.answers("claim")) >= answered + wanted, 60)
        children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text(encoding="ascii").split()
        subprocess.run(["kill", "-KILL" if kill else "-TERM", children[0]], check=True)


def play(recorded: Record, setting: str, seed: int) -> Result:
    """Cut the power at every PUBACK of a claim, in every way."""
    draw, result = random.Random(seed), Result(setting)
    disk, talk = Disk(recorded.root, lies="ignores" in setting), Conversation()
    for call in recorded.calls():
        if call is None:
            disk.end_process()
            talk = Conversation()
            continue
        disk.take(call)
        for revision in talk.take(call):
            result.acknowledged += 1
            for fate in Fate:
                result.cuts += 1
                found = list(_claims(disk.after_cut(fate, draw)))
                if max(found, default=0) < revision:
                    result.without_effect += 1
                    result.first = result.first or f"revision {revision}, {fate.name}: {found[-3:]}"
    return result


def _claims(files: dict[str, bytes | None]) -> Iterator[int]:
    """Yield the revisions of the claim that an outbox knows of: that of the open visit."""
    with restored(files) as folder:
        outbox = Outbox(folder / "outbox.db")
        try:
            kept = outbox.kept("visit")
        except OutboxError:
            kept = None
        finally:
            outbox.close()
        claim = None if kept is None else visit.restore(kept).claim
        if claim is not None and claim.transaction_id == TRANSACTION:
            yield claim.revision


def measure(folder: Path, *, claims: int, lives: int, seed: int) -> tuple[Result, Result]:
    """Return what came of it, and of the control."""
    recorded = record(folder, claims=claims, lives=lives, seed=seed)
    return play(recorded, "station run", seed), play(recorded, "on a disk that ignores syncs", seed)


def main() -> int:
    """Print a table; fail if a command was acknowledged before its effect, or if the control shows nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power_commands", description=__doc__)
    parser.add_argument("--claims", type=int, default=300)
    parser.add_argument("--lives", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = measure(Path(name), claims=given.claims, lives=given.lives, seed=given.seed)
    print(f"{'':32}{'PUBACKs':>8}{'cuts':>8}{'effect missing':>16}")
    for result in results:
        print(f"{result.setting:32}{result.acknowledged:8}{result.cuts:8}{result.without_effect:16}  {result.first}")
    return int(results[0].without_effect > 0 or results[1].without_effect == 0)


if __name__ == "__main__":
    sys.exit(main())
