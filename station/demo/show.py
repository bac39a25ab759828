"""The whole demo: set the stage, let the shoppers come, and sum up."""

import time
from collections.abc import Iterator
from pathlib import Path

from drivers.sim.assortment import ASSORTMENT
from station.demo.acting import CALM, FAST, Visit
from station.demo.backend import Backend
from station.demo.journal import Journal
from station.demo.results import Result, result
from station.demo.setting import STATION, STORE, Setting, setting
from station.demo.shoppers import Shopper, shoppers
from station.demo.summary import Summary, summarise
from station.demo.telling import Teller
from station.outbox import Outbox
from station.wire import Station

ONLINE_S = 30.0
MODEL_S = 180.0  # the older runtime needs a minute for a gallery that it has not seen before
ROOT = Station(STORE, STATION).root


class Show:
    """One demo. `run` may end early by an exception; `summary` tells of what has happened until then."""

    def __init__(self, folder: Path, teller: Teller, seed: int, *, fast: bool) -> None:
        self._folder = folder
        self._teller = teller
        self._seed = seed
        self._pace = FAST if fast else CALM
        self._results: list[Result] = []
        self._backend: Backend | None = None

    def run(self, count: int) -> None:
        """Let so many shoppers come; raise `DemoError` when something in the demo dies."""
        with setting(self._folder, self._seed, self._teller.preparing) as stage:
            self._backend = backend = Backend(stage.port, ROOT, stage.require)
            try:
                self._teller.ready(begin(stage, backend))
                journal = Journal(stage.station.log)
                for shopper in shoppers(count, self._seed):
                    for each in self._visit(shopper, stage, backend, journal):
                        self._results.append(each)
                        self._teller.verdict(each)
            finally:
                backend.close()

    def summary(self) -> Summary | None:
        """Return the sums, None when no verdict was made; only after the end."""
        if not self._results or self._backend is None:
            return None
        summary = summarise(self._results, self._backend.counts, self._backend.acknowledged)
        outbox = Outbox(self._folder / "state" / "outbox.db")
        summary.unconfirmed = outbox.depth().unconfirmed
        outbox.close()
        return summary

    def _visit(self, shopper: Shopper, stage: Setting, backend: Backend, journal: Journal) -> Iterator[Result]:
        visit = Visit(shopper, stage, backend, self._pace, self._seed)
        told = visit.first()
        yield result(shopper, 0, told.event, told.touched_ns, journal.timing(told.event["seq"]))
        if len(shopper.just) > 1:
            told = visit.second()
            yield result(shopper, 1, told.event, told.touched_ns, journal.timing(told.event["seq"]))
        visit.leave(told)


def begin(stage: Setting, backend: Backend) -> dict[str, object]:
    """Wait until the station is online, knows its products and has seen the empty platform; return what to tell."""
    backend.wait(lambda: backend.last("st/conn").get("state") == "online", "the station to come online", ONLINE_S)
    online_ms = (time.monotonic() - stage.started_s) * 1000
    backend.wait(lambda: backend.last("st/info").get("model") is not None, "the station's model", MODEL_S)
    backend.wait(lambda: backend.last("st/health").get("state") == "idle", "the empty platform", ONLINE_S)
    return {
        "online_ms": round(online_ms), "port": stage.port, "root": ROOT, "folder": str(stage.folder),
        "products": len(ASSORTMENT), "pid": stage.station.process.pid,
    }  # fmt: skip
