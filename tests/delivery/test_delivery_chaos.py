"""Nothing is lost: station and broker are killed (SIGKILL) again and again while verdicts are stored and published.

What is played is seeded; what is real: the outbox on disk, the link, mosquitto without persistence (it forgets what
it took), process kills. A backend stores what it hears and acknowledges the contiguous prefix.
"""

import hashlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station.outbox import Outbox, Ref
from tests.support.backend import Backend, Heard
from tests.support.consumer import STATION
from tests.support.mosquitto import Mosquitto
from tests.support.rig import run_station

ROOT = STATION.root
PUBACKS = 12  # some of them of verdicts
REPOSITORY = Path(__file__).resolve().parents[2]


class Storing(Backend):
    """Keeps every copy of every verdict, and acknowledges what it has without gaps."""

    def __init__(self, port: int) -> None:
        super().__init__(port, ROOT)
        self.copies: dict[int, list[bytes]] = {}
        self.epochs: set[str] = set()
        self.proofs: dict[int, set[tuple[tuple[str, str], ...]]] = {}
        self.prefix = 0

    def on_heard(self, heard: Heard) -> None:
        if heard.topic != ROOT + "evt/verdict":
            return
        event = heard.event
        self.copies.setdefault(event["seq"], []).append(heard.payload)
        self.epochs.add(event["epoch"])
        proof = tuple(pair for pair in heard.user if pair[0] != "late")
        self.proofs.setdefault(event["seq"], set()).add(proof)
        while self.prefix + 1 in self.copies:
            self.prefix += 1
        self.acknowledge(event["epoch"], self.prefix)


class Chaos:
    """Strikes at moments counted in verdicts heard, drawn from the seed."""

    def __init__(self, folder: Path, broker: Mosquitto, backend: Storing, total: int, seed: int) -> None:
        self.outbox, self.journal = folder / "outbox.db", folder / "journal"
        self._command = [sys.executable, "-m", "tests.support.chaos_station"]
        self._command += [str(self.outbox), str(broker.port), str(self.journal), str(total)]
        self._broker, self._backend = broker, backend
        self._random = random.Random(seed)
        self.station = self._start()
        self.strikes: Counter[str] = Counter()

    def strike(self, deadline_s: float) -> None:
        """Wait until a few more verdicts were heard, or the station is done; then strike."""
        goal = len(self._backend.messages) + self._random.randint(3, 25)
        self._wait(lambda: len(self._backend.messages) >= goal, deadline_s)
        what = self._random.choice(["station", "station", "broker", "both", "forgetful broker"])
        self.strikes[what] += 1
        if what == "forgetful broker":
            self._forget(deadline_s)
        elif what != "station":
            self._broker.kill()
        if what in {"station", "both"}:
            self.station.kill()
            self.station.wait(10)
        if what in {"broker", "both"}:
            self._broker.start()
        if what in {"station", "both"}:
            self.station = self._start()

    def _forget(self, deadline_s: float) -> None:
        """Let the broker take verdicts for an absent backend, acknowledge them to the station, and die."""
        self._backend.leave()
        seen = len(self._broker.log)
        self._wait(lambda: sum("rc0" in line for line in self._broker.log[seen:]) >= PUBACKS, deadline_s)
        self._broker.kill()
        self._broker.start()
        self._backend.join()

    def _wait(self, done: Callable[[], bool], deadline_s: float) -> None:
        end_s = time.monotonic() + deadline_s
        while not done() and self.station.poll() is None:
            assert time.monotonic() < end_s, f"nothing goes on: {self.strikes}, prefix {self._backend.prefix}"
            self._backend.pause(0.05)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, cwd=REPOSITORY)


def survive(folder: Path, *, total: int, strikes: int, seed: int, deadline_s: float) -> Chaos:
    with Mosquitto(folder) as broker, Storing(broker.port) as backend:
        chaos = Chaos(folder, broker, backend, total, seed)
        try:
            for _ in range(strikes):
                chaos.strike(deadline_s)
            assert chaos.station.wait(deadline_s) == 0
        finally:
            chaos.station.kill()
            chaos.station.wait(10)
        check(chaos, backend, total)
    return chaos


def announced(journal: Path) -> Iterator[tuple[int, str]]:
    for line in journal.read_text(encoding="ascii").splitlines():
        seq, digest = line.split()
        yield int(seq), digest


def check(chaos: Chaos, backend: Storing, total: int) -> None:
    assert sorted(backend.copies) == list(range(1, total + 1)), "lost, or numbered with gaps"
    assert len(backend.epochs) == 1
    assert all(len(set(copies)) == 1 for copies in backend.copies.values()), "a duplicate differs"
    for seq, digest in announced(chaos.journal):
        assert hashlib.sha256(backend.copies[seq][0]).hexdigest() == digest, "announced, but something else arrived"
    outbox = Outbox(chaos.outbox)
    assert (outbox.last_seq(), outbox.confirmed(), outbox.set_aside) == (total, total, None)
    for seq, copies in backend.copies.items():
        row = outbox.read(Ref("verdict", seq, ROOT + "evt/verdict"))
        assert row is not None
        assert row.payload == copies[0]
        assert row.proof is not None
        assert backend.proofs[seq] == {row.proof.properties()}
    outbox.close()
    audit = run_station("audit", "verify", "--outbox", "--state", str(chaos.outbox.parent))
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert f": 1 to {total}, {total} verdicts" in audit.stdout


@pytest.mark.timeout(120)
def test_no_verdict_is_lost_when_station_and_broker_are_killed(tmp_path: Path) -> None:
    chaos = survive(tmp_path, total=250, strikes=10, seed=20, deadline_s=40)
    assert len(chaos.strikes) == 4, chaos.strikes


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_verdict_is_lost_in_a_longer_storm(tmp_path: Path, seed: int) -> None:
    chaos = survive(tmp_path, total=3000, strikes=80, seed=seed, deadline_s=120)
    assert min(chaos.strikes.values()) >= 5, chaos.strikes
