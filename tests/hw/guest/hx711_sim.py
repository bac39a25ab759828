"""The simulated HX711 of the test-bed: its value and its faults in debugfs, and a process that keeps its value true."""

import contextlib
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tests.hw.guest.report import companion
from tests.hw.guest.words import STEP_NS, now_ns, word_at

FOLDER = Path("/sys/kernel/debug/hx711_sim")
NO_FAULT, UNPLUGGED, STUCK_LOW, BIT_FLIPPED, NEVER_READY = range(5)


def put(name: str, value: int) -> None:
    (FOLDER / name).write_text(str(value), encoding="ascii")


def get(name: str) -> int:
    return int((FOLDER / name).read_text(encoding="ascii"))


def living() -> AbstractContextManager[object]:
    """Let the value change every 10 ms, set by another process."""
    return companion("tests.hw.guest.hx711_sim")


def main() -> None:
    """Set the word of the time, for ever; the module may go and come back."""
    put("value", word_at(now_ns()))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        t_ns = now_ns()
        with contextlib.suppress(OSError):
            put("value", word_at(t_ns))
        time.sleep((STEP_NS - t_ns % STEP_NS) / 1e9)  # the world's own pace, for a real kernel driver


if __name__ == "__main__":
    main()
