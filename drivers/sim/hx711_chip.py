"""The HX711 at its pins: PD_SCK edges with times in, DOUT out. For drivers that clock the chip themselves.

State: a conversion ends every period (DOUT falls); 24 rising edges of PD_SCK shift it out, the 25th to 27th choose
the next gain and leave DOUT high; PD_SCK high for more than 60 us powers the chip down, and its fall restarts it with
four periods of settling. A result nobody reads is replaced at the end of the next conversion, DOUT being high for a
moment before. Sources: HX711 data sheet V2.0; behaviour of unread results as logged by users.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

_POWER_DOWN_NS = 60_000
_BITS = 24
_MIN_COUNT, _MAX_COUNT = -(1 << 23), (1 << 23) - 1
_REFRESH_NS = 300_000  # DOUT is high this long before an unread result is replaced
_SETTLING_PERIODS = 4
_GAIN_OF_PULSES = {25: 128, 26: 32, 27: 64}
_GAIN_A = 128
_SHARE_OF_FULL_GAIN = {128: 1.0, 64: 0.5, 32: 0.25}


@dataclass(frozen=True, slots=True)
class ChipSpec:
    """One chip: its true period, jitter and noise, what a reset does to its gain, and a pin that is stuck."""

    period_ns: int = 12_192_000
    jitter_ns: int = 700
    noise_counts: float = 38.7
    reset_keeps_gain: bool = False  # the two data sheets contradict each other
    stuck_dout: bool | None = None


class Hx711Chip:
    """One chip. `source` gives the true counts at gain 128 and a time. Times must not go back."""

    def __init__(self, source: Callable[[int], float], spec: ChipSpec | None = None, *, seed: int = 0) -> None:
        self._source = source
        self._spec = spec or ChipSpec()
        self._random = random.Random(seed)
        self._sck = False
        self._rose_ns = 0
        self._powered = True
        self._gain = _GAIN_A
        self._pulses = 0
        self._word = 0
        self._have_result = False
        self._converted_ns = 0
        self._ready_ns = self._next_ready(0, _SETTLING_PERIODS)

    @property
    def converted_ns(self) -> int:
        """When the last conversion ended; 0 before the first."""
        return self._converted_ns

    @property
    def next_ready_ns(self) -> int:
        """When the next conversion will end, if nothing happens before."""
        return self._ready_ns

    def brown_out(self, t_ns: int) -> None:
        """Lose power for a moment: the chip restarts."""
        self._let_pass(t_ns)
        self._restart(t_ns)

    def set_sck(self, level: bool, t_ns: int) -> None:  # noqa: FBT001 - a pin has one level
        """Drive PD_SCK."""
        self._let_pass(t_ns)
        if level == self._sck:
            return
        self._sck = level
        if level:
            self._rose_ns = t_ns
            if self._powered and self._have_result:
                self._pulses += 1
        elif not self._powered:
            self._restart(t_ns)

    def dout(self, t_ns: int) -> bool:
        """Return the level of DOUT."""
        self._let_pass(t_ns)
        if self._spec.stuck_dout is not None:
            return self._spec.stuck_dout
        if not self._powered or not self._have_result:
            return True
        if self._pulses == 0:
            return self._ready_ns - t_ns <= _REFRESH_NS  # low: ready; high again while the next result is due
        if self._pulses <= _BITS:
            return bool(self._word >> (_BITS - self._pulses) & 1)
        return True

    def _let_pass(self, t_ns: int) -> None:
        """Do what the chip did by itself until `t_ns`."""
        if self._sck and self._powered and t_ns - self._rose_ns > _POWER_DOWN_NS:
            self._powered = self._have_result = False
        while self._powered and self._ready_ns <= t_ns:
            self._finish_conversion()

    def _finish_conversion(self) -> None:
        if self._pulses in _GAIN_OF_PULSES:
            self._gain = _GAIN_OF_PULSES[self._pulses]
        true_counts = self._source(self._ready_ns) * _SHARE_OF_FULL_GAIN[self._gain]
        counts = round(true_counts + self._random.gauss(0.0, self._spec.noise_counts))
        self._word = min(max(counts, _MIN_COUNT), _MAX_COUNT) & 0xFFFFFF
        self._pulses, self._have_result, self._converted_ns = 0, True, self._ready_ns
        self._ready_ns = self._next_ready(self._ready_ns, 1)

    def _restart(self, t_ns: int) -> None:
        self._powered, self._have_result, self._pulses = True, False, 0
        if not self._spec.reset_keeps_gain:
            self._gain = _GAIN_A
        self._ready_ns = self._next_ready(t_ns, _SETTLING_PERIODS)

    def _next_ready(self, from_ns: int, periods: int) -> int:
        return from_ns + periods * self._spec.period_ns + round(self._random.gauss(0.0, self._spec.jitter_ns))
