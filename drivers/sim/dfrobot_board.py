"""DFRobot's HX711 board at its I2C bytes: one result, given out again and again until the next."""

from collections.abc import Callable

_GET_RAW, _VALID = 0x66, 0x12
_PREPARES_NS = 22_000_000
_PERIOD_NS = 95_000_000
_NOTHING = bytes(4)


class DfrobotBoard:
    """One board. `source` gives the true counts.

    An answer is ready some time after its request; until then the one before is given, and each read begins it anew.
    `invalid`: its answers say that they are no values; `hangs`: it goes on answering with its last result.
    """

    def __init__(self, source: Callable[[int], float]) -> None:
        self._source = source
        self.invalid = self.hangs = False
        self._due_ns: int | None = None
        self._next_ns = 0
        self._word = 0
        self._answer = _NOTHING

    def write(self, data: bytes, t_ns: int) -> None:
        """Take a request."""
        self._let_pass(t_ns)
        if data[:1] == bytes([_GET_RAW]):
            self._due_ns = t_ns + _PREPARES_NS

    def read(self, length: int, t_ns: int) -> bytes:
        """Give the answer from its beginning."""
        self._let_pass(t_ns)
        return self._answer[:length].ljust(length, b"\xff")

    def _let_pass(self, t_ns: int) -> None:
        """Do what the board did by itself until `t_ns`."""
        while self._next_ns <= t_ns:
            if not self.hangs:
                self._word = round(self._source(self._next_ns)) & 0xFFFFFF
            self._next_ns += _PERIOD_NS
        if self._due_ns is not None and self._due_ns <= t_ns:
            self._due_ns = None
            self._answer = _NOTHING if self.invalid else bytes([_VALID]) + self._word.to_bytes(3, "big")
