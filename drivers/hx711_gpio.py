"""HX711 on two GPIO pins, clocked by this program: the last resort, for what is wired that way already.

Wiring: PD_SCK to an output, DOUT to an input, both for each chip. Between two system calls the kernel may stop this
program for longer than the 60 us after which the chip resets itself. So each high phase is measured from before its
beginning to after its end, and every rule of `integrity` applies; nothing false is believed, but what is lost that way
is lost. It becomes rare with `chrt -f`, locked memory and an isolated core; prefer `hx711-spi` or `hx711-bridge`.
Chips run freely; their samples are aligned in time (see `aligning`), in the order of `cells`.

    [[scale]]
    driver = "hx711-gpio"
    rate_hz = 10
    cells = [{ sck_line = 27, dout_line = 17 }]
    capacity_g = 5000
    division_g = 1
"""

import dataclasses
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.bank import Bank, Conversion
from drivers.gpio_lines import GpioLines
from drivers.hx711_pins import Pulse, broken_rules, conversion
from drivers.integrity import Cause
from drivers.pace import HostPace, Pace
from drivers.raw_keys import PULSES, Hx711Keys, chip_settings, refuse_twins

_POLL_S = 0.05  # for an edge that was missed; else the edge wakes
_BLIND_POLLS_PER_PERIOD = 8  # where the GPIO chip gives no interrupts
_RESET_NS = 100_000

Line = Annotated[int, Meta(ge=0, le=1023)]


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HX711: the lines of its two pins."""

    sck_line: Line
    dout_line: Line


class Options(Hx711Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "hx711-gpio"`: HX711 with both pins on GPIO lines."""

    cells: Annotated[
        tuple[Cell, ...],
        Meta(
            min_length=1, max_length=8, description="`{ sck_line = …, dout_line = … }` each, in the order of channels"
        ),
    ]
    chip: Annotated[str, Meta(min_length=1, description="GPIO chip: its path, or the start of its label")] = "pinctrl-"

    def __post_init__(self) -> None:
        refuse_twins("cells", [line for cell in self.cells for line in (cell.sck_line, cell.dout_line)])


class _GpioHx711:
    """Implements `drivers.bank.Converter`."""

    rejects: Mapping[str, int] = {}

    def __init__(self, lines: GpioLines, options: Options, pace: Pace) -> None:
        self._lines = lines
        self._pace = pace
        self._pulses = PULSES[options.gain]
        self._period_ns = int(1e9 / options.rate_hz)
        self._read_end_ns = 0
        self._seen_busy_ns = 0
        self._unequal = False

    @property
    def name(self) -> str:
        """The GPIO chip and the two lines."""
        return f"the HX711 on {self._lines.name}"

    def open(self) -> None:
        """Take the lines and reset the chip."""
        self._lines.open()
        self._lines.set_sck(high=True)
        self._pace.wait(_RESET_NS / 1e9)
        self._lines.set_sck(high=False)
        self._read_end_ns = self._seen_busy_ns = self._pace.now_ns()

    def poll(self) -> list[Conversion]:
        """Clock the result out, if there is one."""
        falls_ns = [fall_ns for fall_ns in self._lines.falls_ns() if fall_ns > self._read_end_ns]
        now_ns = self._pace.now_ns()
        if self._lines.dout():
            self._seen_busy_ns = now_ns
            return []
        ready_ns = falls_ns[-1] if falls_ns else now_ns
        oldest_ns = falls_ns[-1] if falls_ns else self._seen_busy_ns
        self._unequal = False
        read = conversion(ready_ns, [self._pulse() for _ in range(self._pulses)])
        self._read_end_ns = self._seen_busy_ns = self._pace.now_ns()
        if read is None:
            return []
        causes = [*broken_rules(read)]
        causes += [Cause.UNEQUAL_BITS] if self._unequal else []
        causes += [Cause.LATE_READ] if self._read_end_ns - oldest_ns > self._period_ns / 2 else []
        return [Conversion(ready_ns, (read.counts,), tuple(causes))]

    def fileno(self) -> int | None:
        """Return the descriptor of DOUT's edges; None where the GPIO chip has none."""
        return self._lines.fileno()

    def close(self) -> None:
        """Give the lines back."""
        self._lines.close()

    def _pulse(self) -> Pulse:
        """Give one pulse; read the bit after its fall, twice: the chip keeps it until the next rise."""
        before_ns = self._pace.now_ns()
        self._lines.set_sck(high=True)
        self._lines.set_sck(high=False)
        after_ns = self._pace.now_ns()
        bit = self._lines.dout()
        self._unequal |= bit != self._lines.dout()
        return Pulse(bit, after_ns - before_ns)


class Driver(Bank):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options, pace: Pace | None = None) -> None:
        pace = pace or HostPace()
        chips = [
            _GpioHx711(GpioLines(options.chip, cell.dout_line, cell.sck_line), options, pace) for cell in options.cells
        ]
        settings = chip_settings(options.rate_hz, poll_s=_POLL_S)
        blind_poll_s = 1 / (_BLIND_POLLS_PER_PERIOD * options.rate_hz)
        super().__init__(chips, dataclasses.replace(settings, blind_poll_s=blind_poll_s), pace)
