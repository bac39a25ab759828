"""How experiments tell what they saw: a line of JSON each, its first key the experiment's name."""

import contextlib
import json
import statistics
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Facts = dict[str, Any]


def run(experiments: Sequence[tuple[str, Callable[[], Facts]]]) -> None:
    """Do all experiments in turn; one that fails is told, and the next is done."""
    for name, experiment in experiments:
        try:
            facts = experiment()
        except Exception:  # noqa: BLE001 - whatever it is, the host's side shows it
            facts = {"failed": traceback.format_exc()}
        sys.stdout.write(json.dumps({"experiment": name, **facts}) + "\n")
        sys.stdout.flush()


def command(*words: str) -> bool:
    """Run a command; tell whether it succeeded."""
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@contextlib.contextmanager
def companion(module: str) -> Iterator[subprocess.Popen[str]]:
    """Run a module of this folder beside, from its first line of output on."""
    process = subprocess.Popen([sys.executable, "-m", module], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError(f"{module} ended at once")
            yield process
        finally:
            process.kill()


def spread(values: Sequence[float]) -> Facts:
    """Return how values are distributed."""
    if not values:
        return {"n": 0}
    ordered = sorted(values)
    at = {f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 3) for share in (1, 50, 99)}
    return {"n": len(ordered), "mean": round(statistics.fmean(ordered), 3), **at, "most": round(ordered[-1], 3)}
