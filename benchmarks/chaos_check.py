"""What came through, beside what was said to have been made."""

import contextlib
import hashlib
import itertools
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.chaos_parts import Part
from benchmarks.chaos_world import World
from benchmarks.delivering import STORE
from station.wire import Station

STATION = [sys.executable, "-c", "import sys; from station.cli import main; sys.exit(main())"]


class Count(msgspec.Struct):
    """One side of the table; `made` is what stations said they had stored or published."""

    made: int = 0
    stored: int = 0
    lost: int = 0
    gaps: int = 0
    corrupt: int = 0  # other bytes than those that were made; signatures and chain that do not hold
    misordered: int = 0  # numbers that do not rise in the order in which they were made
    duplicates: int = 0
    differing: int = 0  # duplicates that are not byte for byte the same
    epochs: int = 0
    crashes: int = 0
    notes: list[str] = []

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        broken = self.lost or self.gaps or self.corrupt or self.misordered or self.differing or self.crashes
        return not broken and self.made == self.stored


def product(world: World) -> Count:
    """Compare what the product's stations said with what its backend stored, and what was heard on the way."""
    count = Count()
    with contextlib.closing(sqlite3.connect(world.database)) as database:
        for lane in world.lanes:
            query = "SELECT epoch, seq, payload, properties FROM verdict WHERE station = ? ORDER BY epoch, seq"
            rows = database.execute(query, (lane.id,)).fetchall()
            _compare(count, lane.station, [(f"{epoch} {seq}", payload) for epoch, seq, payload, _ in rows])
            _number(count, [(epoch, seq, payload) for epoch, seq, payload, _ in rows])
            _audit(count, world, lane.id, rows)
            _own(count, world, lane.state)
    copies = world.tap.copies.values()
    told = [json.loads(words[0]) for words in world.backend.lines("counts")]
    conflicts = sum(counts.get("conflicts", 0) + counts.get("refused", 0) for counts in told)
    count.differing = sum(len(kinds) - 1 for kinds in copies) + conflicts
    count.duplicates = world.tap.heard - len(world.tap.copies)
    crashes = [line for part in (world.backend, *(lane.station for lane in world.lanes)) for line in part.crashes]
    count.crashes = len(crashes)
    count.notes += crashes
    count.notes.append(f"the listener heard {world.tap.heard} copies, {world.tap.backwards} behind a later verdict")
    return count


def plain(world: World) -> Count:
    """The same of the plain publishers; a duplicate is what the subscriber stored again."""
    count = Count()
    with contextlib.closing(sqlite3.connect(world.plain_database)) as database:
        for number, lane in enumerate(world.lanes, 1):
            query = "SELECT number, payload FROM verdict WHERE station = ? ORDER BY row"
            rows = database.execute(query, (f"plain-{number}",)).fetchall()
            first = dict(reversed(rows))
            _compare(count, lane.plain, [(f"- {number}", payload) for number, payload in first.items()])
            came = list(dict.fromkeys(number for number, _ in rows))
            count.misordered += sum(one > two for one, two in itertools.pairwise(came))
            count.gaps += _gaps(sorted(came))
            count.duplicates += len(rows) - len(first)
            count.differing += len(set(rows)) - len(first)
            count.crashes += len(lane.plain.crashes)
    return count


def _compare(count: Count, part: Part, stored: Sequence[tuple[str, bytes]]) -> None:
    """Compare by place and by bytes; what was said again after a kill counts once."""
    made = {f"{epoch} {seq}": digest for epoch, seq, _, digest in part.lines("verdict")}
    found = {place: hashlib.sha256(payload).hexdigest() for place, payload in stored}
    count.made += len(made)
    count.stored += len(found)
    count.lost += len(made.keys() - found.keys())
    count.corrupt += sum(found[place] != digest for place, digest in made.items() if place in found)


def _number(count: Count, rows: Sequence[tuple[str, int, bytes]]) -> None:
    """Check the numbers: without gaps in each epoch, and rising as the verdicts were made."""
    epochs = Counter(epoch for epoch, _, _ in rows)
    count.epochs += len(epochs)
    for one in epochs:
        of_it = [
            (seq, msgspec.json.decode(payload)["data"]["verdict_no"]) for epoch, seq, payload in rows if epoch == one
        ]
        count.gaps += _gaps([seq for seq, _ in of_it])
        count.misordered += sum(a[1] >= b[1] for a, b in itertools.pairwise(of_it))


def _gaps(seqs: Sequence[int]) -> int:
    return (seqs[-1] if seqs else 0) - len(seqs)


def _audit(count: Count, world: World, name: str, rows: Sequence[tuple[str, int, bytes, str]]) -> None:
    """Have `station audit verify` look at what the backend stored."""
    topic, file = Station(STORE, name).topic("evt", "verdict"), world.folder / f"{name}.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for _, _, payload, properties in rows:
            line = {"topic": topic, "payload": payload.decode(), "properties": json.loads(properties)}
            lines.write(json.dumps(line) + "\n")
    _count_findings(count, f"stored of {name}", ["audit", "verify", str(file), "--key", str(world.keys)])


def _own(count: Count, world: World, state: Path) -> None:
    """Have it look at the station's own outbox, too."""
    command = ["audit", "verify", "--outbox", "--state", str(state), "--key", str(world.keys)]
    _count_findings(count, f"outbox of {state.name}", command)


def _count_findings(count: Count, what: str, command: list[str]) -> None:
    done = subprocess.run([*STATION, *command, "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        found = json.loads(done.stdout) if done.stdout else {"findings": [{"kind": done.stderr.strip()}]}
        kinds = Counter(finding["kind"] for finding in found["findings"])
        count.corrupt += sum(number for kind, number in kinds.items() if kind != "gap")  # gaps are counted themselves
        count.notes.append(f"{what}: {dict(kinds)}")
