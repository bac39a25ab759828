"""How soon and how truly a load is weighed: ours beside a fixed one-second average with a range test.

All in virtual time on the simulated platform, with disturbances added: `settling_world` says which, what is drawn and
what is exact. Settle: from the end of the last disturbance to the first reading. Early: readings given before it ended
that were off by more than 10 g from what lay there (an arm that rests its dead weight on the platform could not be told
from goods). Coverage: readings within two of their
stated standard deviations of the truth. Ratio: mean stated standard deviation over the root mean square error. What is
stated covers noise, creep and the zero's drift; the calibration is exact and stated to be so.
"""

import argparse
import concurrent.futures
import functools
import json
import math
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.settling_world import CELLS, RATE_HZ, SCENES, Scene, samples
from calibration.model import Calibration
from station.core.tracks import ScaleSpec
from station.core.weighing import Settled, Weighing, WeighingSettings

DIVISION_G = 5.0
FALSE_G = 10.0


class Reading(NamedTuple):
    """A settled weight at a time after the load began."""

    t_s: float
    grams: float
    sd_g: float | None


class Result(NamedTuple):
    """One trial of one method."""

    early: int
    settle_s: float | None
    error_g: float | None
    sd_g: float | None


def ours(scene: Scene, seed: int) -> Iterator[tuple[Reading, float, float]]:
    """Yield every reading of the product's weighing."""
    weighing = Weighing((ScaleSpec(counts=True, capacity_g=50_000, division_g=DIVISION_G),), WeighingSettings())
    weighing.calibrate(0, Calibration(cells=CELLS, certified=True))
    for t_s, counts, true_g, over_s in samples(scene, seed):
        for change in weighing.sampled(0, int(t_s * 1e9), counts, usable=True, settling=False):
            weighing.idle = t_s < scene.empty_s
            if isinstance(change, Settled):
                yield Reading(t_s, change.reading.gross_g, change.reading.sd_g), true_g, over_s


def fixed(scene: Scene, seed: int) -> Iterator[tuple[Reading, float, float]]:
    """Yield the readings of a one-second average that is stable when its samples lie within a division."""
    window: deque[float] = deque(maxlen=int(RATE_HZ))
    zero_g, was_stable = 0.0, False
    calibration = Calibration(cells=CELLS)
    for t_s, counts, true_g, over_s in samples(scene, seed):
        window.append(calibration.gross_g(counts))
        mean_g = statistics.fmean(window)
        if t_s < scene.empty_s:
            zero_g = mean_g
            continue
        stable = len(window) == window.maxlen and max(window) - min(window) <= DIVISION_G
        if stable and not was_stable and mean_g - zero_g > 4 * DIVISION_G:
            yield Reading(t_s, mean_g - zero_g, None), true_g, over_s
        was_stable = stable


def trial(method: Callable[[Scene, int], Iterator[tuple[Reading, float, float]]], scene: Scene, seed: int) -> Result:
    """Run one trial to its first reading after the last disturbance."""
    early = 0
    for reading, true_g, over_s in method(scene, seed):
        if reading.t_s < over_s:
            early += abs(reading.grams - true_g) > FALSE_G
            continue
        return Result(early, reading.t_s - over_s, reading.grams - true_g, reading.sd_g)
    return Result(early, None, None, None)


def figures(results: list[Result]) -> dict[str, float | int | None]:
    """Return what the table shows of one scene and method."""
    settled = sorted(r.settle_s for r in results if r.settle_s is not None)
    errors = [r.error_g for r in results if r.error_g is not None]
    pairs = [(r.error_g, r.sd_g) for r in results if r.error_g is not None and r.sd_g is not None]
    rms = math.sqrt(statistics.fmean(e * e for e in errors)) if errors else None
    return {
        "settle_p50_s": settled[len(settled) // 2] if settled else None,
        "settle_p95_s": settled[int(0.95 * (len(settled) - 1))] if settled else None,
        "never": len(results) - len(settled),
        "early": sum(r.early for r in results),
        "rms_error_g": rms,
        "coverage": statistics.fmean(abs(e) <= 2 * s for e, s in pairs) if pairs else None,
        "sd_ratio": statistics.fmean(s for _, s in pairs) / rms if pairs and rms else None,
    }


METHODS = {"ours": ours, "1 s average": fixed}


def figures_of(place: tuple[int, str], trials: int, seed: int) -> dict[str, float | int | None]:
    """Return the figures of one scene and method; runs in a process of its own."""
    number, method = place
    return figures([trial(METHODS[method], SCENES[number], seed + n) for n in range(trials)])


def main() -> None:
    """Run the trials and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--trials", type=int, default=400, help="of each scene; long scenes have half, the other method a tenth"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    places = [(number, method) for number in range(len(SCENES)) for method in METHODS]
    trials = [math.ceil(given.trials * SCENES[n].share * (1 if method == "ours" else 0.1)) for n, method in places]
    with concurrent.futures.ProcessPoolExecutor() as pool:
        found = pool.map(functools.partial(figures_of, seed=given.seed), places, trials)
        rows = {(SCENES[number].name, method): figure for (number, method), figure in zip(places, found, strict=True)}
    if given.json:
        print(json.dumps({f"{scene}/{name}": row for (scene, name), row in rows.items()}))
        return
    table = Table(title=f"Settling, {given.trials} trials of ours (aims: coverage >= 0.94, ratio <= 1.3)")
    for heading in ("scene", "method", "settle p50 s", "p95 s", "never", "early", "rms error g", "coverage", "ratio"):
        table.add_column(heading, justify="left" if heading in {"scene", "method"} else "right")
    for (scene, name), row in rows.items():
        table.add_row(scene, name, *(_shown(value) for value in row.values()))
    Console(width=120).print(table)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value}" if isinstance(value, int) else f"{value:.2f}"


if __name__ == "__main__":
    main()
