"""`make bench`: every benchmark in turn, each a program of its own; name some to run only those.

python -m benchmarks [NAME ...] [--json]
"""

import argparse
import os
import subprocess
import sys

ALL = {
    "latency": "from goods placed to the verdict at the broker, stage by stage",
    "footprint": "start, memory and processor time of the daemon",
    "card": "what is written to the card at rest and for each visit",
    "baskets": "what is found on baskets of a real supermarket, beside simpler rules",
    "sightings": "what cameras add to the weight, beside each alone and a test that knows the truth",
    "learning": "what is learned from passed baskets, beside an exact learner that knows which were honest",
    "learning_plain": "the same by a plain test on many more baskets, and what the bound on each shopper costs",
    "attack": "how far one shopper's doctored baskets move a weight, beside an exact learner",
    "checker_growth": "the checker's time and memory by size of catalogue and basket",
    "diagnosis": "how soon a biased scale, carrier or product is named, and false alarms, beside a running mean",
    "settling": "how soon and how truly a load is weighed",
    "cells": "how soon a faulty load cell is named, and how often honest loads raise an alarm, beside a fixed limit",
    "calibration_effort": "captures, key presses and minutes of a full and a routine calibration",
    "calibration_platforms": "how truly a platform weighs after calibration, beside simpler ways; stated uncertainty",
    "calibration_faults": "faults met while calibrating: found, named, never accepted",
    "corruption": "false counts believed and good ones rejected, beside simpler filters",
    "corruption_scales": "false weights of calibrated scales on a bad line, protocol by protocol",
    "decoder": "how fast the bridge's frames are decoded, beside a plain loop",
    "pipeline": "processor time of four load cells through the whole weighing",
    "driver_latency": "from a device's last byte to the event, driver by driver",
    "replay": "recorded visits made again: how many come out bit for bit, and what recording costs",
    "delivery": "how fast verdicts are stored, published and received, beside raw SQLite and raw paho",
    "broker_storm": "what mutual TLS costs the broker when many stations connect at once",
    "vision_sim": "what the camera sees of the simulated store",
    "vision_grocery": "what it makes of real photographs of groceries",
}


def main() -> int:
    """Run the chosen benchmarks; return 1 if any of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ALL)}")
    parser.add_argument("--json", action="store_true", help="machine-readable figures")
    given = parser.parse_args()
    unknown = set(given.names) - ALL.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the daemon does
    failed = [name for name in ALL if name in (given.names or ALL) and not run(name, json=given.json)]
    for name in failed:
        print(f"benchmark {name} failed", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, *, json: bool) -> bool:
    """Run one benchmark; return whether it ended well."""
    if not json:
        print(f"\n== {name}: {ALL[name]}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *(["--json"] if json else [])]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
