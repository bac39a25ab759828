"""How long from a device's last byte to the event on the consumer's queue, driver by driver.

Serial drivers: each emulated device runs in a process of its own on a real pseudo-terminal, in real time, and notes
when it writes; here the station's own thread reads, and the consumer notes when it takes the event. An event belongs to
the message at its own time. Converters on SPI, GPIO, I2C and IIO: on the emulated benches, in virtual time: from the
conversion that the driver waited for to the return of `read`; the time of polling and of the bus is in it, that of
Python is not. Limit: one period of the samples, or of the questions, at p95.

Held: drivers of raw converters give a sample out when its successor's edge has come in time (what follows a reset comes
late), so its own age is one period more. That is by design, and no part of the latency.

    python -m benchmarks.driver_latency [--seconds 4] [--json]
"""

import argparse
import bisect
import json
import multiprocessing
import queue
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.driver_latency_benches import BENCHES, Bench
from benchmarks.driver_latency_devices import NAMES, PERIODS_S, serve
from benchmarks.scale_cases import CASES
from drivers import hx711_bridge, hx711_text
from drivers.base import ScaleDriver
from station.core import events
from station.sensing import ScaleWorker

PERCENTS = (50, 95, 99)
READY_S = 20.0
WARM = 10  # first events: the regression of the clock, the medians of the periods

Taken = tuple[int, int]  # when the consumer took an event, and the event's own time
Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a driver takes longer than a period."""
    parser = argparse.ArgumentParser(description="from a device's last byte to the event")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    result = measure(given.seconds)
    print(json.dumps(result)) if given.json else show(result)
    return 0 if result["kept"] else 1


def measure(seconds: float, names: Sequence[str] = (*NAMES, *BENCHES)) -> dict[str, Any]:
    """Return a row for each driver."""
    rows = {name: _bench(name, seconds) if name in BENCHES else _serial(name, seconds) for name in names}
    return {"drivers": rows, "kept": all(row["p95"] <= row["limit_ms"] for row in rows.values())}


def _serial(name: str, seconds: float) -> Row:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        port = Path(folder) / "port"
        process = context.Process(target=serve, args=(name, port, theirs), daemon=True)
        process.start()
        assert ours.poll(READY_S), f"the emulated {name} did not start"
        ours.recv()
        taken = _weigh(_driver(name, str(port)), seconds)
        sent_ns = _finish(ours)
        process.join()
    held = name.startswith("hx711")
    return _row(sent_ns, taken, PERIODS_S[name], held=held, slack_s=PERIODS_S[name] / 2 if held else 0.0)


def _finish(connection: Connection) -> list[int]:
    connection.send("end")
    assert connection.poll(READY_S)
    sent_ns: list[int] = connection.recv()
    return sent_ns


def _driver(name: str, port: str) -> ScaleDriver:
    if name == "hx711-bridge":
        return hx711_bridge.Driver(hx711_bridge.Options(port=port))
    if name == "hx711-text":
        return hx711_text.Driver(hx711_text.Options(port=port, columns=(1,), time_column=0, width=2))
    return next(case for case in CASES if case.name == name).driver(port, None, time.monotonic_ns)


def _weigh(driver: ScaleDriver, seconds: float) -> list[Taken]:
    """Read as the station does; return when its consumer took each event, and the event's own time."""
    inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
    worker = ScaleWorker(0, driver, inbox.put)
    worker.start()
    taken: list[Taken] = []
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        try:
            event = inbox.get(timeout=left_s)
        except queue.Empty:
            break
        if isinstance(event, events.Sampled | events.Indicated):
            taken.append((time.monotonic_ns(), event.t_ns))
    worker.stop()
    worker.join()
    return taken


def _bench(name: str, seconds: float) -> Row:
    bench: Bench
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        bench = BENCHES[name](Path(folder))
        bench.driver.open()
        taken: list[Taken] = []
        end_ns = bench.pace.t_ns + round(seconds * 1e9)
        while bench.pace.t_ns < end_ns:
            found = bench.driver.read(0.25)
            taken += [(bench.pace.t_ns, sample.t_ns) for sample in found]
        bench.driver.close()
    return _row(bench.done_ns, taken, bench.period_s, held=bench.held) | {"virtual": True}


def _row(sent_ns: Sequence[int], taken: Sequence[Taken], period_s: float, *, held: bool, slack_s: float = 0.0) -> Row:
    """Return the percentiles in ms. An event's own message is the last one sent until its time and `slack_s` more."""
    took_ms, ages_ms = [], []
    for at_ns, t_ns in taken[WARM:]:
        own = bisect.bisect_right(sent_ns, t_ns + round(slack_s * 1e9)) - 1
        awaited = min(own + held, len(sent_ns) - 1)
        took_ms.append((at_ns - sent_ns[awaited]) / 1e6)
        ages_ms.append((at_ns - sent_ns[own]) / 1e6)
    assert took_ms, "nothing was read"
    cuts = statistics.quantiles(took_ms, n=100, method="inclusive")
    row: Row = {f"p{percent}": round(cuts[percent - 1], 3) for percent in PERCENTS}
    return row | {
        "events": len(took_ms),
        "limit_ms": round(period_s * 1000, 1),
        "age_ms": round(statistics.median(ages_ms), 2),
    }


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    title = "from the last byte to the event, ms; * on an emulated bench, in virtual time"
    table = Table(title=title, title_justify="left")
    for heading in ("", *(f"p{percent}" for percent in PERCENTS), "limit", "median age, held included", "events"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, row in result["drivers"].items():
        style = "" if row["p95"] <= row["limit_ms"] else "bold red"
        figures = [f"{row[f'p{percent}']:.2f}" for percent in PERCENTS]
        figures += [f"{row['limit_ms']:g}", f"{row['age_ms']:.2f}", f"{row['events']}"]
        table.add_row(f"{name}{' *' if 'virtual' in row else ''}", *figures, style=style)
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
