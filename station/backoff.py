"""How long to wait before the next attempt to connect: exponential with full jitter.

The count of failures starts anew only when a connection has been of use: it lasted twice as long as the wait that may
have led to it, and a while at least. That a broker said hello is not enough: two clients with one identity throw each
other out after every hello, each as soon as its own wait is over, and would do so once a second for ever.
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

    @property
    def ceiling_s(self) -> float:
        """The longest possible wait now."""
        return float(min(self._maximum_s, self._minimum_s * 2.0**self._failures))

    def delay_s(self, lasted_s: float, *, proven: bool) -> float:
        """Return how long to wait after a connection that lasted `lasted_s` (0: there was none)."""
        useful = lasted_s >= max(PROVEN_S if proven else USEFUL_S, 2 * self.ceiling_s)
        self._failures = 0 if useful else min(self._failures + 1, 30)
        return self._uniform(0.0, self.ceiling_s)
