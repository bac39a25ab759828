"""Counts that prove themselves: 24 bits that tell when they were set, and that nobody changed one since.

The lower half numbers the time in steps of 10 ms (and begins anew every 41 s), the upper half is a digest of that
number. So whoever reads a value knows, without asking who set it, whether it is one that was set, and when. A false
value passes for one of these once in 4096 times, one of about that time once in 500 000.
"""

import hashlib
import time

STEP_NS = 10_000_000
_NUMBERS = 1 << 12
_ROUND_NS = _NUMBERS * STEP_NS


def word_of(number: int) -> int:
    """Return the 24-bit word of a number, sign in the highest bit."""
    digest = hashlib.blake2s(number.to_bytes(2, "big"), key=b"scale").digest()
    return (int.from_bytes(digest[:2], "big") >> 4) << 12 | number


def word_at(t_ns: int) -> int:
    """Return the word to set at `t_ns`."""
    return word_of(t_ns // STEP_NS % _NUMBERS)


def age_ns(counts: int, t_ns: int) -> int | None:
    """Return how long before `t_ns` the counts were set, within 20 s around it; None where they never were."""
    word = counts & 0xFFFFFF
    number = word & (_NUMBERS - 1)
    if word != word_of(number):
        return None
    return (t_ns - number * STEP_NS + _ROUND_NS // 2) % _ROUND_NS - _ROUND_NS // 2


def now_ns() -> int:
    """Return the time that all processes of this machine share."""
    return time.monotonic_ns()
