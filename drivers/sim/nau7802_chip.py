"""The NAU7802 at its registers: power-up, settings, calibration and conversions, as far as a scale uses them."""

import random
from collections.abc import Callable

from drivers import nau7802_registers as reg
from drivers.hx711_pins import signed

_POWER_UP_NS = 200_000
_CALIBRATION_NS = 344_000_000
_SETTLING = 4
_REGISTERS = 0x20
_HZ = {code: rate_hz for rate_hz, code in reg.RATES.items()}
_MAX_COUNT = (1 << 23) - 1


class Nau7802Chip:
    """One chip. `source` gives the true counts at a time. `offset_scatter`: how far its self-calibrations differ."""

    def __init__(self, source: Callable[[int], float], *, offset_scatter: float = 0.0, seed: int = 0) -> None:
        self._source = source
        self._scatter = offset_scatter
        self._random = random.Random(seed)
        self.revision = 0x0F
        self.never_powers_up = self.fails_calibration = self.never_calibrates = self.stops = False
        self.power_cycle()

    def power_cycle(self) -> None:
        """Lose power for a moment: all settings are gone."""
        self._registers = bytearray(_REGISTERS)
        self._pointer = 0
        self._powered_ns = self._calibrated_ns = self._next_ns = 0
        self._since_change = 0

    def write(self, data: bytes, t_ns: int) -> None:
        """Set the pointer, and registers from there on."""
        self._let_pass(t_ns)
        self._pointer = data[0]
        for value in data[1:]:
            self._set(self._pointer, value, t_ns)
            self._pointer += 1

    def read(self, length: int, t_ns: int) -> bytes:
        """Give registers from the pointer on; the result is taken with that."""
        self._let_pass(t_ns)
        found = bytes(self._registers[self._pointer : self._pointer + length])
        if self._pointer == reg.ADC_RESULT:
            self._registers[reg.PU_CTRL] &= ~reg.CYCLE_READY
        self._pointer += length
        return found

    def _set(self, register: int, value: int, t_ns: int) -> None:
        if register == reg.PU_CTRL:
            self._control(value, t_ns)
        elif register == reg.CTRL2 and value & reg.CALIBRATE:
            self._registers[register] = value
            self._calibrated_ns = t_ns + _CALIBRATION_NS
        else:
            self._registers[register] = value
            self._since_change = 0

    def _control(self, value: int, t_ns: int) -> None:
        if value & reg.RESET:
            self.power_cycle()
            return
        ready = self._registers[reg.PU_CTRL] & (reg.POWER_READY | reg.CYCLE_READY)
        if value & reg.DIGITAL_ON and not self._powered_ns:
            self._powered_ns = t_ns + _POWER_UP_NS
        if value & reg.CYCLE_START and not self._registers[reg.PU_CTRL] & reg.CYCLE_START:
            self._next_ns, self._since_change = t_ns + _SETTLING * self._period_ns(), 0
        self._registers[reg.PU_CTRL] = value & ~(reg.POWER_READY | reg.CYCLE_READY) | ready

    def _let_pass(self, t_ns: int) -> None:
        """Do what the chip did by itself until `t_ns`."""
        if self._powered_ns and t_ns >= self._powered_ns and not self.never_powers_up:
            self._registers[reg.PU_CTRL] |= reg.POWER_READY
            self._registers[reg.REVISION] = self.revision
        if self._calibrated_ns and t_ns >= self._calibrated_ns and not self.never_calibrates:
            self._finish_calibration()
        while self._registers[reg.PU_CTRL] & reg.CYCLE_START and self._next_ns <= t_ns:
            self._convert()

    def _finish_calibration(self) -> None:
        self._calibrated_ns = 0
        self._registers[reg.CTRL2] &= ~reg.CALIBRATE
        if self.fails_calibration:
            self._registers[reg.CTRL2] |= reg.CALIBRATION_ERROR
        offset = round(self._random.gauss(0.0, self._scatter)) & 0xFFFFFF
        self._registers[reg.OCAL1 : reg.OCAL1 + 3] = offset.to_bytes(3, "big")
        self._registers[reg.GCAL1 : reg.GCAL1 + 4] = (1 << 23).to_bytes(4, "big")

    def _convert(self) -> None:
        at_ns, self._next_ns = self._next_ns, self._next_ns + self._period_ns()
        if self.stops:
            return
        offset = signed(reg.number(list(self._registers[reg.OCAL1 : reg.OCAL1 + 3])))
        counts = round(self._source(at_ns)) - offset
        self._since_change += 1
        if self._since_change <= _SETTLING:
            counts //= 2
        word = min(max(counts, -_MAX_COUNT - 1), _MAX_COUNT) & 0xFFFFFF
        self._registers[reg.ADC_RESULT : reg.ADC_RESULT + 3] = word.to_bytes(3, "big")
        self._registers[reg.PU_CTRL] |= reg.CYCLE_READY

    def _period_ns(self) -> int:
        rate = self._registers[reg.CTRL2] >> reg.RATE_SHIFT & 7
        return round(1e9 / _HZ.get(rate, 10))
