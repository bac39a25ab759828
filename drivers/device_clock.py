"""The device's microsecond clock, translated to the host's monotonic clock.

Theory: the device stamps each conversion exactly, but the stamp reaches us late, by a latency that is never negative
and often comes in bursts (a USB adapter holds bytes back for up to 16 ms). So of every short window only the message
that waited least is an observation; through those a straight line, host = a + b * device, is fitted with weights that
decay. An observation that is much later than the line is a delayed one and is left out; one that is much earlier
proves the line wrong. The result carries a constant offset, the smallest latency, a millisecond or so.
Assumes an oscillator within 2 % of nominal and a wrap of the device clock at 2^32 us.
"""

_WRAP_US = 1 << 32
_NOMINAL_NS_PER_US = 1000.0
_WINDOW_US = 100_000  # several messages: one of them hardly waited
_DECAY = 1 / 20  # a memory of 2 s: faster than temperature moves an oscillator, slower than latency
_RATE_TOLERANCE = 0.02
_LATE_NS = 5_000_000  # later than this against the line: the whole window was held back
_LATE_WINDOWS_MAX = 10  # but not for a second: then it is the line that is wrong
_STEP_NS = 500_000_000  # no latency is this long: the device restarted its clock
_PRIOR_SPREAD_US2 = 500_000.0**2  # until the observations span this, the nominal rate dominates


class DeviceClock:
    """Turns device stamps (in order of sending) into host times that never go back and never lie in the future."""

    def __init__(self) -> None:
        self._newest_ns = -1
        self.reset()

    def reset(self) -> None:
        """Forget the device's clock: it restarted. Host times still never go back."""
        self._last_us: int | None = None
        self._window_start_us = 0
        self._best: tuple[int, int] | None = None
        self._late_windows = 0
        self._fitted = False
        self._mean_us = self._mean_ns = 0.0
        self._var_us2 = self._cov = 0.0
        self._rate = _NOMINAL_NS_PER_US

    def host_ns(self, stamp_us: int, arrival_ns: int) -> int:
        """Return the host time of the event stamped `stamp_us` whose message was read at `arrival_ns`."""
        at_us = self._unwrap(stamp_us)
        self._collect(at_us, arrival_ns)
        fitted_ns = round(self._predict(at_us)) if self._fitted else self._first_guess(at_us, arrival_ns)
        self._newest_ns = max(min(fitted_ns, arrival_ns), self._newest_ns + 1)
        return self._newest_ns

    def elapsed_us(self, earlier_stamp_us: int, later_stamp_us: int) -> int:
        """Return the device time between two stamps less than 35 minutes apart; negative when it ran backwards."""
        return (later_stamp_us - earlier_stamp_us + _WRAP_US // 2) % _WRAP_US - _WRAP_US // 2

    def _unwrap(self, stamp_us: int) -> int:
        step_us = 0 if self._last_us is None else self.elapsed_us(self._last_us, stamp_us)
        if step_us < 0:  # it ran backwards: it restarted
            self.reset()
        self._last_us = stamp_us if self._last_us is None else self._last_us + step_us
        return self._last_us

    def _collect(self, at_us: int, arrival_ns: int) -> None:
        """Keep the least delayed message of each window and learn from it when the window closes."""
        if self._best is None:
            self._window_start_us, self._best = at_us, (at_us, arrival_ns)
            return
        if at_us - self._window_start_us >= _WINDOW_US:
            self._learn(*self._best)
            self._window_start_us, self._best = at_us, (at_us, arrival_ns)
        elif arrival_ns - at_us * self._rate < self._best[1] - self._best[0] * self._rate:
            self._best = (at_us, arrival_ns)

    def _learn(self, at_us: int, arrival_ns: int) -> None:
        """Add one observation to the decaying regression, unless it was delayed."""
        if not self._fitted:
            self._start_line(at_us, arrival_ns)
            return
        residual_ns = arrival_ns - self._predict(at_us)
        if residual_ns > _LATE_NS and self._late_windows < _LATE_WINDOWS_MAX:
            self._late_windows += 1
        elif abs(residual_ns) > _STEP_NS:
            self._start_line(at_us, arrival_ns)
        else:
            self._late_windows = 0
            self._update(at_us, arrival_ns)

    def _update(self, at_us: int, arrival_ns: int) -> None:
        step_us, step_ns = at_us - self._mean_us, arrival_ns - self._mean_ns
        self._mean_us += _DECAY * step_us
        self._mean_ns += _DECAY * step_ns
        self._var_us2 = (1 - _DECAY) * (self._var_us2 + _DECAY * step_us**2)
        self._cov = (1 - _DECAY) * (self._cov + _DECAY * step_us * step_ns)
        low, high = _NOMINAL_NS_PER_US * (1 - _RATE_TOLERANCE), _NOMINAL_NS_PER_US * (1 + _RATE_TOLERANCE)
        self._rate = min(max(self._cov / self._var_us2, low), high)

    def _start_line(self, at_us: int, arrival_ns: int) -> None:
        self._fitted, self._late_windows = True, 0
        self._mean_us, self._mean_ns = float(at_us), float(arrival_ns)
        self._var_us2, self._cov = _PRIOR_SPREAD_US2, self._rate * _PRIOR_SPREAD_US2

    def _predict(self, at_us: int) -> float:
        return self._mean_ns + self._rate * (at_us - self._mean_us)

    def _first_guess(self, at_us: int, arrival_ns: int) -> int:
        """Before the first window closes: the least delayed message so far, at the nominal rate."""
        best_us, best_ns = self._best or (at_us, arrival_ns)
        return round(best_ns + _NOMINAL_NS_PER_US * (at_us - best_us))
