"""The daemon itself, on `hx711-iio`, the kernel's driver and a simulated chip, with a real broker.

The platform's zero is where a dead line reads: for a driver that believes it, a stuck DOUT is an empty platform.
"""

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.hw.guest import hx711_sim as sim
from tests.hw.guest import report
from tests.hw.guest.report import Facts, command
from tests.support.backend import Backend
from tests.support.mosquitto import Mosquitto

ROOT = "vs/1/0815/vs-03/"
GTIN, GRAMS = "04006381333931", 411.0
PRODUCTS = f"gtin,name,department,unit_price_minor,weight_g,weight_sd_g,weight_n\n{GTIN},Cheese,dairy,399,410,3,40\n"
ZERO_COUNTS, COUNTS_PER_G, NOISE_COUNTS = 300, 100.0, 25.0
PAUSE_S, LIMIT_S = 0.005, 30.0


class Load(threading.Thread):
    """What lies on the cell: the chip's value, with noise."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.grams = 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        """Set the value again and again."""
        chance = random.Random(0)
        while not self.ended.wait(PAUSE_S):
            counts = round(ZERO_COUNTS + self.grams * COUNTS_PER_G + chance.gauss(0.0, NOISE_COUNTS))
            sim.put("value", counts & 0xFFFFFF)


def configure(folder: Path, port: int) -> Path:
    """Write the configuration, and give the station its products and the cell's factory values."""
    config = folder / "station.toml"
    config.write_text(
        f"""[station]
store = "0815"
id = "vs-03"
state_dir = "{folder}/state"
[mqtt]
host = "127.0.0.1"
port = {port}
[[scale]]
driver = "hx711-iio"
cells = [{{ device = "/sys/bus/iio/devices/iio:device0" }}]
capacity_g = 15000
division_g = 5
"""
    )
    (folder / "products.csv").write_text(PRODUCTS)
    (folder / "cells.json").write_text(
        json.dumps({"cells": [{"zero_counts": ZERO_COUNTS, "counts_per_g": COUNTS_PER_G}]})
    )
    program("station.cli", "catalogue", "import", str(folder / "products.csv"), "--config", str(config))
    program("calibration.cli", "import", str(folder / "cells.json"), "--config", str(config))
    return config


def arguments(module: str, *words: str) -> list[str]:
    """Return the command that runs one of the project's programs from its source."""
    return [sys.executable, "-c", f"import sys; from {module} import main; sys.exit(main())", *words]


def program(module: str, *words: str) -> None:
    done = subprocess.run(arguments(module, *words), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Lane:
    """One running station and what a backend hears of it."""

    def __init__(self, backend: Backend, load: Load) -> None:
        self.backend = backend
        self.load = load

    def claim(self, number: int) -> None:
        lines = [{"line": 1, "gtin": GTIN, "quantity": 1}]
        data = {"transaction_id": f"T-{number}", "revision": 1, "lines": lines}
        self.backend.command("claim", data, event_id=f"c-{number}")

    def heard(self, topic: str) -> list[dict[str, Any]]:
        return [heard.event["data"] for heard in self.backend.heard(topic)]

    def phases(self) -> list[str]:
        return [data["phase"] for data in self.heard("evt/transaction")]

    def alarms(self) -> list[str]:
        return [data["state"] for data in self.heard("evt/alarm") if data["code"] == "SCALE_FAULT"]

    def verdicts(self) -> list[dict[str, Any]]:
        """Return what matters of each verdict, each once: what is not acknowledged in time is sent again."""
        found = {(h.event["epoch"], h.event["seq"]): h.event["data"] for h in self.backend.heard("evt/verdict")}
        return [{key: found[at].get(key) for key in ("decision", "reasons", "weight")} for at in sorted(found)]

    def until(self, done: Callable[[], bool]) -> float:
        """Wait until something was heard; return how many seconds it took."""
        begin_s = time.monotonic()
        self.backend.wait(done, LIMIT_S)
        return round(time.monotonic() - begin_s, 2)


@contextlib.contextmanager
def lane() -> Iterator[Lane]:
    """Run broker, chip and daemon."""
    folder, load = Path(tempfile.mkdtemp()), Load()
    load.start()
    with Mosquitto(folder) as broker:
        config = configure(folder, broker.port)
        log = (folder / "log").open("w")
        with log, subprocess.Popen(arguments("station.cli", "run", "--config", str(config)), stderr=log) as daemon:
            try:
                with Backend(broker.port, ROOT) as backend:
                    yield Lane(backend, load)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{(folder / 'log').read_text()[-3000:]}") from None
            finally:
                daemon.kill()
                load.ended.set()


def stuck() -> Facts:
    """Weigh a basket, let DOUT stick low under it, let it go again, take the basket away."""
    with lane() as here:
        idle_s = here.until(lambda: any(data.get("state") == "idle" for data in here.heard("st/health")))
        here.claim(1)
        here.load.grams = GRAMS
        weighed_s = here.until(lambda: len(here.verdicts()) >= 1)
        sim.put("fault", sim.STUCK_LOW)
        raised_s = here.until(lambda: here.alarms() == ["raised"])
        phases = here.phases()
        sim.put("fault", sim.NO_FAULT)
        cleared_s = here.until(lambda: here.alarms() == ["raised", "cleared"])
        here.load.grams = 0.0
        here.until(lambda: "closed" in here.phases())
        return {
            "idle_s": idle_s,
            "weighed_s": weighed_s,
            "raised_s": raised_s,
            "cleared_s": cleared_s,
            "phases_when_raised": phases,
            "phases": here.phases(),
            "verdicts": here.verdicts(),
        }


def stuck_before_the_claim() -> Facts:
    """Claim while DOUT is stuck and something lies on the platform."""
    with lane() as here:
        here.until(lambda: any(data.get("state") == "idle" for data in here.heard("st/health")))
        sim.put("fault", sim.STUCK_LOW)
        raised_s = here.until(lambda: here.alarms() == ["raised"])
        here.load.grams = GRAMS
        here.claim(2)
        here.until(lambda: len(here.verdicts()) >= 1)
        sim.put("fault", sim.NO_FAULT)
        recovered_s = here.until(lambda: here.verdicts()[-1]["decision"] == "accept")
        return {"raised_s": raised_s, "recovered_s": recovered_s, "verdicts": here.verdicts()}


def start() -> Facts:
    return {"loaded": command("modprobe", "hx711") and command("modprobe", "hx711_sim")}


def main() -> None:
    report.run([("start", start), ("stuck", stuck), ("stuck before the claim", stuck_before_the_claim)])


if __name__ == "__main__":
    main()
