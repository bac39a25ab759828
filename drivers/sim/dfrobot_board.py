"""DFRobot's HX711 board at its I2C bytes: one result, given out again and again until the next."""

from collections.abc import Callable

_GET_RAW, _VALID = 0x66, 0x12
_PREPARES_NS = 22_000_000
_PERIOD_NS = 95_000_000
_NOTHING = bytes(4)


class DfrobotBoard:
    """One board. `source` gives the true counts.

    `invalid`: its answers say that they are no values; `hangs`: it goes on answering with its last result.
    """

    def __init__(self, source: Callable[[int], float]) -> None:
        self._source = source
        self.invalid = self.hangs = False
        self._asked_ns: int | None = None
        self._next_ns = 0
        self._word = self._sent = 0

    def write(self, data: bytes, t_ns: int) -> None:
        """Take a request."""
        self._sent = 0
        self._asked_ns = t_ns if data[:1] == bytes([_GET_RAW]) else None

    def read(self, length: int, t_ns: int) -> bytes:
        """Give the answer, if it is ready."""
        while self._next_ns <= t_ns and not self._sent:
            if not self.hangs:
                self._word = round(self._source(self._next_ns)) & 0xFFFFFF
            self._next_ns += _PERIOD_NS
        if self._asked_ns is None or t_ns - self._asked_ns < _PREPARES_NS or self.invalid:
            return _NOTHING[:length]
        answer = bytes([_VALID]) + self._word.to_bytes(3, "big")
        self._sent += length
        return answer[self._sent - length : self._sent]
