"""The client behind the shipped broker configuration: mutual TLS, the access list, two consumers of one group."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from station.client import Claim, Client, Line, Options, SqliteStore, Station
from tests.broker.lab import STATION, STORE, Lab, Shipped, options
from tests.support.clients import until
from tests.support.consumer import Consumer

TOTAL = 40
VS_03 = Station(STORE, STATION)
CLAIM = Claim(transaction_id="T-1", revision=1, lines=(Line(line=1, gtin="4006381333931", quantity=1),))


class Turning(threading.Thread):
    """A station with its outbox, in a thread of its own, until all its verdicts are confirmed and it may end."""

    def __init__(self, folder: Path, lab: Lab, broker: Shipped) -> None:
        super().__init__(daemon=True)
        self.confirmed = 0
        self.may_end = threading.Event()
        self._folder = folder
        self._options = options(lab.folder / STATION, broker.port)

    def run(self) -> None:
        with Consumer(self._folder / "outbox.db", self._options) as station:
            for number in range(1, TOTAL + 1):
                station.verdict(number)
            while not self.may_end.is_set():
                station.turn()
                self.confirmed = station.outbox.confirmed()


@contextlib.asynccontextmanager
async def consumer(lab: Lab, broker: Shipped, name: str, database: Path) -> AsyncIterator[Client]:
    link = options(lab.folder / name, broker.port, name)
    async with Client(Options(link=link, group="ledger", gap_s=0.5), SqliteStore(database)) as client:
        await until(lambda: client.trouble is None)
        yield client


def test_two_consumers_share_what_a_station_says(tmp_path: Path) -> None:
    lab, database = Lab(tmp_path / "lab"), tmp_path / "verdicts.db"
    lab.station()
    for name in ("backend.1", "backend.2"):
        lab.backend(name)

    async def work(broker: Shipped) -> None:
        station = Turning(tmp_path, lab, broker)
        async with (
            consumer(lab, broker, "backend.1", database) as one,
            consumer(lab, broker, "backend.2", database) as two,
        ):
            station.start()
            try:
                await until(lambda: station.confirmed == TOTAL)
                assert one.counts["stored"] + two.counts["stored"] == TOTAL
                assert min(one.counts["stored"], two.counts["stored"]) > 0
                for client in (one, two):
                    answer = await client.send_claim(VS_03, CLAIM)
                    assert answer.status == "ok"
            finally:
                station.may_end.set()
                await asyncio.to_thread(station.join, 10)

    with lab.broker() as broker:
        asyncio.run(work(broker))
