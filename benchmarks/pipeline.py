"""What weighing costs: four load cells at 80 samples a second, from the bytes on the wire to the engine's effects.

Live: emulated devices in a process of their own write to pseudo-terminals at their real pace; here the station's own
thread reads them and the consumer hands every event to the engine. Idle: the platform stays empty; busy: goods come
and go. While nothing moves, drivers may hand out samples in portions. Counted is the processor time of this whole
process, kernel included, as a share of one core. Two ways of wiring: one bridge for all four cells, and four boards
that print lines, each with its own clock, judged each by itself and aligned in time. Stages: the bridge's bytes again
in one thread, each stage with those before it; their difference is its own cost. At once: sample after sample. Paced:
a pause of a period between samples, in which the processor's caches forget this program; that is what a station pays.
What live costs beyond it is waking up: threads, polls and system calls.

    python -m benchmarks.pipeline [--seconds 20] [--profile] [--json]
"""

import argparse
import cProfile
import json
import multiprocessing
import pstats
import queue
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.pipeline_devices import Kind, emulate
from calibration.model import Calibration, Cell
from drivers import hx711_bridge, hx711_text
from drivers.base import Sample, ScaleDriver
from drivers.bridge_frames import parse
from drivers.bridge_stream import BridgeStream
from drivers.framing import FrameDecoder
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.world import PlacedObject, PlatformSpec, World
from station.core import events
from station.core.engine import Engine
from station.core.setup import Setup
from station.core.tracks import ScaleSpec
from station.core.verdict import Versions
from station.sensing import ScaleWorker

RATE_HZ = 80
LIMIT_SHARE = 0.02
SPEC = PlatformSpec()
CELLS = tuple(Cell(zero_counts=z, counts_per_g=g) for z, g in zip(SPEC.zero_counts, SPEC.counts_per_g, strict=True))
GOODS = PlacedObject("04006381333931", "a crate", 2_500.0, 0.05, -0.02)
COME_S, GO_S = 4.0, 8.0  # of every ten seconds, goods lie on the platform from the fourth to the eighth
WARM_S = 1.0
PATIENCE_S = 20.0
BUSY = (False, True)
ROUNDS = 5
PROFILE_ROWS = 12
PERIOD_US = 12_500
PACED = 320  # portions of the paced stages: four seconds each

Portions = list[tuple[int, bytes]]  # when it arrived (ns), and what


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a limit is not kept."""
    parser = argparse.ArgumentParser(description="processor time of the weighing, bytes to effects")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--profile", action="store_true", help="which functions of the last stage cost most")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    result = measure(given.seconds)
    print(json.dumps(result)) if given.json else show(result)
    if given.profile:
        _profile(_portions(given.seconds))
    return 0 if result["kept"] else 1


def measure(seconds: float) -> dict[str, Any]:
    """Return all figures."""
    rows = {f"{kind}, {'busy' if busy else 'idle'}": live(kind, seconds, busy=busy) for kind in Kind for busy in BUSY}
    kept = all(row["share"] <= LIMIT_SHARE for row in rows.values())
    return {"live": rows, "stages": stages(_portions(seconds)), "limit_share": LIMIT_SHARE, "kept": kept}


def new_engine() -> Engine:
    """Return an engine with one calibrated platform of four cells."""
    spec = ScaleSpec(counts=True, capacity_g=50_000.0, division_g=5.0)
    engine = Engine(Setup(session="bench", scales=(spec,)), Versions(software="bench", policy="bench"))
    engine.handle(events.Calibrated(t_ns=0, scale=0, calibration=Calibration(cells=CELLS, certified=True)))
    return engine


# live


def live(kind: Kind, seconds: float, *, busy: bool) -> dict[str, Any]:
    """Weigh an emulated platform for so long; return the share of one core and what came."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder, _devices(kind, Path(folder), busy=busy) as ports:
        inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        worker = ScaleWorker(0, _driver(kind, ports), inbox.put)
        engine = new_engine()
        worker.start()
        _consume(inbox, engine, worker, WARM_S)
        began, began_s = time.process_time(), time.monotonic()
        samples = _consume(inbox, engine, worker, seconds)
        used_s, took_s = time.process_time() - began, time.monotonic() - began_s
        worker.stop()
        worker.join()
    return {"share": used_s / took_s, "samples_per_s": samples / took_s, "us_per_sample": used_s / samples * 1e6}


def _consume(inbox: "queue.SimpleQueue[object]", engine: Engine, worker: ScaleWorker, seconds: float) -> int:
    """Be the consumer for a while; return how many samples it took."""
    samples, end_s = 0, time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        try:
            event = inbox.get(timeout=left_s)
        except queue.Empty:
            break
        assert isinstance(event, events.Event)
        engine.handle(event)  # type: ignore[arg-type] # every subclass is one of AnyEvent
        worker.relax(calm=engine.weighing.rests)  # as the daemon does
        samples += isinstance(event, events.Sampled)
    return samples


@contextmanager
def _devices(kind: Kind, folder: Path, *, busy: bool) -> Iterator[list[str]]:
    """Run the emulated electronics in another process; yield its ports."""
    process = multiprocessing.get_context("spawn").Process(target=emulate, args=(kind, folder, busy), daemon=True)
    process.start()
    ports = [folder / f"port{number}" for number in range(kind.ports)]
    end_s = time.monotonic() + PATIENCE_S
    while not all(port.exists() for port in ports):
        assert time.monotonic() < end_s, "the emulated devices did not start"
        time.sleep(0.05)
    try:
        yield [str(port) for port in ports]
    finally:
        process.terminate()
        process.join()


def _driver(kind: Kind, ports: list[str]) -> ScaleDriver:
    if kind is Kind.BRIDGE:
        return hx711_bridge.Driver(hx711_bridge.Options(port=ports[0]))
    options = hx711_text.Options(port=ports[0], more_ports=tuple(ports[1:]), columns=(1,), time_column=0, width=2)
    return hx711_text.Driver(options)


# stages


def stages(portions: Portions) -> dict[str, dict[str, float]]:
    """Return the cost of each stage of the bridge's way, with those before it and alone."""
    ways: dict[str, Callable[[Portions], Iterator[object]]] = {
        "frames (COBS, CRC, fields)": _frames,
        "judged samples (integrity, clock)": _judged,
        "events": _made,
        "engine (weighing, visit)": _engine,
    }
    rows, before_us = {}, 0.0
    for name, way in ways.items():
        at_once_us = min(_timed(way, portions, 0.0) for _ in range(ROUNDS))
        paced_us = _timed(way, portions[:PACED], 1 / RATE_HZ)
        rows[name] = {
            "at_once_us": round(at_once_us, 1),
            "paced_us": round(paced_us, 1),
            "own_us": round(paced_us - before_us, 1),
            "share": paced_us * RATE_HZ / 1e6,
        }
        before_us = paced_us
    return rows


def _portions(seconds: float) -> Portions:
    """Return what a bridge sends while goods come and go, a frame at a time."""
    device, world, made, handle = BridgeDevice(streams_unasked=True), World(SPEC, seed=1), [], None
    made.append((1_000_000, device.boot()))
    for number in range(round(seconds * RATE_HZ)):
        t_s = number / RATE_HZ
        world.advance_to(t_s)
        lies = COME_S <= t_s % 10 < GO_S
        if lies and handle is None:
            handle = world.place(GOODS)
        elif not lies and handle is not None:
            world.remove(handle)
            handle = None
        made.append((round(t_s * 1e9) + 2_000_000, device.convert(world.counts(), number * PERIOD_US)))
    return made


def _timed(way: Callable[[Portions], Iterator[object]], portions: Portions, pause_s: float) -> float:
    """Return the processor time in microseconds that a portion takes, the pauses between them not counted."""
    work, found, used_ns = way(portions), 0, 0
    while True:
        began_ns = time.thread_time_ns()
        ended = next(work, None) is None
        used_ns += time.thread_time_ns() - began_ns
        if ended:
            break
        found += 1
        if pause_s:
            time.sleep(pause_s)
    assert found >= len(portions) - 3
    return used_ns / found / 1000


def _frames(portions: Portions) -> Iterator[object]:
    decoder = FrameDecoder()
    return (parse(payload) for _, data in portions for payload in decoder.feed(data))


def _judged(portions: Portions) -> Iterator[Sample]:
    stream = BridgeStream("bridge", 4, frozen_after=50)
    for t_ns, data in portions:
        yield from stream.feed(data, t_ns)


def _made(portions: Portions) -> Iterator[events.Sampled]:
    for sample in _judged(portions):
        yield events.Sampled(t_ns=sample.t_ns, scale=0, counts=sample.counts, flags=int(sample.flags))


def _engine(portions: Portions) -> Iterator[object]:
    engine = new_engine()
    return (engine.handle(event) for event in _made(portions))


def _profile(portions: Portions) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(lambda: sum(1 for _ in _engine(portions)))
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(PROFILE_ROWS)


def show(result: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console()
    table = Table(title=f"four cells, live, of one core (limit {result['limit_share']:.0%})", title_justify="left")
    for heading in ("", "of one core", "samples/s", "us a sample"):
        table.add_column(heading, justify="right" if heading else "left")
    for kind, row in result["live"].items():
        style = "" if row["share"] <= result["limit_share"] else "bold red"
        cells = (f"{row['share']:.2%}", f"{row['samples_per_s']:.1f}", f"{row['us_per_sample']:.0f}")
        table.add_row(kind, *cells, style=style)
    console.print(table)
    table = Table(title=f"stages of the bridge's way, at {RATE_HZ} samples a second", title_justify="left")
    for heading in ("up to", "us at once", "us paced", "its own", "of one core"):
        table.add_column(heading, justify="left" if heading == "up to" else "right")
    for name, row in result["stages"].items():
        figures = (f"{row[key]:.1f}" for key in ("at_once_us", "paced_us", "own_us"))
        table.add_row(name, *figures, f"{row['share']:.2%}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
