"""How long to wait before the next attempt to connect: exponential with full jitter.

The count of failures starts anew only when a connection has been of use. That a broker said hello is not enough: two
clients with one identity throw each other out after every hello, and would do so once a second for ever.
"""

from collections.abc import Callable

USEFUL_S = 10.0  # a connection that lasted this long was of use ...
PROVEN_S = 2.0  # ... or this long, if the broker acknowledged a message


class Backoff:
    """Counts the failures of one link. `uniform(low, high)` draws the jitter."""

    def __init__(self, minimum_s: float, maximum_s: float, uniform: Callable[[float, float], float]) -> None:
        self._minimum_s = minimum_s
        self._maximum_s = maximum_s
        self._uniform = uniform
        self._failures = 0

    def ceiling_s(self, lasted_s: float, *, proven: bool, taken_over: bool) -> float:
        """Return the longest wait after a connection that lasted `lasted_s` (0: there was none)."""
        enough_s = PROVEN_S if proven else USEFUL_S
        if taken_over:  # the other one is waiting as well: only a long peace counts
            enough_s = 2 * self._maximum_s
        self._failures = 0 if lasted_s >= enough_s else min(self._failures + 1, 30)
        return float(min(self._maximum_s, self._minimum_s * 2**self._failures))

    def delay_s(self, lasted_s: float, *, proven: bool, taken_over: bool) -> float:
        """Return how long to wait now."""
        return self._uniform(0.0, self.ceiling_s(lasted_s, proven=proven, taken_over=taken_over))
