"""Consumers of one shared subscription are killed at random: every verdict is stored once, none is acknowledged early.

The consumers are examples/consumer.py; the station is a real delivery with its outbox, the broker is mosquitto.
"""

import contextlib
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Backend, Heard
from tests.support.clients import STATION
from tests.support.mosquitto import Mosquitto

REPOSITORY = Path(__file__).resolve().parents[2]
POLL_S = 0.02


class Witness(Backend):
    """Looks into the database at every acknowledgement: is all there that it covers?"""

    def __init__(self, port: int, database: Path) -> None:
        super().__init__(port, STATION.root, client_id="witness")
        self._database = database
        self.early: list[tuple[int, int]] = []
        self.words = 0

    def on_heard(self, heard: Heard) -> None:
        if not heard.topic.endswith("/ack/verdict"):
            return
        self.words += 1
        seq = heard.event["data"]["seq"]
        found = count(self._database, "SELECT count(*) FROM verdict WHERE seq <= ?", seq)
        if found != seq:
            self.early.append((seq, found))


class Consumers:
    """The processes, by their client ids."""

    def __init__(self, port: int, database: Path, log: Path) -> None:
        self._command = [sys.executable, str(REPOSITORY / "examples" / "consumer.py"), "--port", str(port)]
        self._command += ["--group", "ledger", "--database", str(database)]
        self._log = log
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with self._log.open("ab") as log:
            self._running[name] = subprocess.Popen([*self._command, "--client-id", name], stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait(10)

    def stop(self) -> list[int]:
        """End all in an orderly way; return their exit statuses."""
        for process in self._running.values():
            process.terminate()
        return [process.wait(20) for process in self._running.values()]

    def end(self) -> None:
        for name in list(self._running):
            self.kill(name)


def count(database: Path, question: str, *values: object) -> int:
    """Answer a question to the database; 0 while its tables are not there."""
    with contextlib.closing(sqlite3.connect(database, timeout=20)) as connection:
        try:
            return int(connection.execute(question, values).fetchone()[0] or 0)
        except sqlite3.OperationalError:
            return 0


@contextlib.contextmanager
def station(folder: Path, port: int, total: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.support.chaos_station", str(folder / "outbox.db"), str(port)]
    process = subprocess.Popen([*command, str(folder / "journal"), str(total)], cwd=REPOSITORY)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def play(folder: Path, total: int, kills: int, broker_kills: int) -> None:
    """Kill a consumer or the broker whenever so many more verdicts are stored, until the station has all confirmed."""
    database, log, draw = folder / "verdicts.db", folder / "consumers.log", random.Random(total)
    moments = sorted(draw.sample(range(2, total - 2), kills + broker_kills))
    strikes = draw.sample(["consumer"] * kills + ["broker"] * broker_kills, kills + broker_kills)
    with Mosquitto(folder) as broker, Witness(broker.port, database) as witness:
        consumers = Consumers(broker.port, database, log)
        try:
            for name in ("backend.1", "backend.2"):
                consumers.start(name)
            with station(folder, broker.port, total) as process:
                gate = threading.Event()
                while process.poll() is None:
                    gate.wait(POLL_S)
                    if moments and count(database, "SELECT count(*) FROM verdict") >= moments[0]:
                        moments.pop(0)
                        if strikes.pop() == "broker":
                            broker.kill()
                            broker.start()
                        else:
                            name = draw.choice(["backend.1", "backend.2"])
                            consumers.kill(name)
                            consumers.start(name)
                assert process.returncode == 0
            assert consumers.stop() == [0, 0], log.read_text()[-3000:]
        finally:
            consumers.end()
        assert moments == []
        assert witness.early == []
        assert witness.words > 0
    assert count(database, "SELECT count(*) FROM verdict") == total
    assert count(database, "SELECT count(DISTINCT seq) FROM verdict") == total
    assert count(database, "SELECT count(*) FROM ledger") == total
    assert count(database, "SELECT max(verdicts) FROM ledger") == 1, "each had its effect once"
    assert count(database, "SELECT upto FROM prefix") == total


def test_consumers_killed_at_random_store_every_verdict_once(tmp_path: Path) -> None:
    play(tmp_path, total=150, kills=4, broker_kills=0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_kills_of_consumers_and_broker(tmp_path: Path) -> None:
    play(tmp_path, total=5000, kills=60, broker_kills=10)
