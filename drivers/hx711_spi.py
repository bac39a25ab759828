"""HX711 on the SPI buses of a Raspberry Pi: the controller makes the clock, so no preemption can stretch a pulse.

Wiring, one bus for each chip: MOSI to PD_SCK, MISO to DOUT; SCLK and CE stay unconnected. MOSI must rest low (a
commissioning check is built in: where it rests high the chip is reset each time, and its rate is then refused). DOUT
may also go to a GPIO, whose falling edge tells the moment of data-ready to the microsecond; without it the bus is
asked every millisecond or five. Chips run freely; their samples are aligned in time (see `aligning`), in the order of
`cells`.

    [[scale]]
    driver = "hx711-spi"
    rate_hz = 80
    cells = [{ device = "/dev/spidev0.0" }, { device = "/dev/spidev1.0", ready_line = 22 }]
    capacity_g = 50000
    division_g = 5
"""

from collections.abc import Mapping
from fcntl import ioctl as host_ioctl
from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.bank import Bank, Conversion
from drivers.gpio_lines import GpioLines
from drivers.hx711_spi_codec import ASK_READY, RESET, decode, is_ready, request
from drivers.integrity import Cause
from drivers.pace import HostPace, Pace
from drivers.raw_keys import PULSES, Hx711Keys, chip_settings, refuse_twins
from drivers.spi_device import Ioctl, SpiDevice

_SPEED_HZ = 1_000_000  # pulses of 1 us, as the data sheet likes them
_POLLS_PER_PERIOD = 16
_POLL_WITH_EDGES_S = 0.05  # for an edge that was missed


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HX711: its SPI device and, where DOUT is also wired to a GPIO, that line."""

    device: Annotated[str, Meta(pattern="^/", extra={"must": "the path of a device, such as /dev/spidev0.0"})]
    ready_line: Annotated[int, Meta(ge=0, le=1023)] | None = None


class Options(Hx711Keys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "hx711-spi"`: HX711 with PD_SCK on MOSI and DOUT on MISO, a bus for each."""

    cells: Annotated[
        tuple[Cell, ...],
        Meta(min_length=1, max_length=8, description="`{ device = …, ready_line = … }` each, in the order of channels"),
    ]
    chip: Annotated[
        str, Meta(min_length=1, description="GPIO chip of the ready lines: path, or start of its label")
    ] = "pinctrl-"

    def __post_init__(self) -> None:
        refuse_twins("cells", [cell.device for cell in self.cells])


class _SpiHx711:
    """Implements `drivers.bank.Converter`."""

    rejects: Mapping[str, int] = {}

    def __init__(self, device: SpiDevice, ready: GpioLines | None, options: Options, pace: Pace) -> None:
        self._device = device
        self._ready = ready
        self._pace = pace
        self._request = request(PULSES[options.gain])
        self._blind_ns = int(0.5e9 / options.rate_hz)  # longer unobserved, and the result may be about to change
        self._seen_busy_ns: int | None = None

    @property
    def name(self) -> str:
        """The SPI device."""
        return f"the HX711 on {self._device.name}"

    def open(self) -> None:
        """Reset the chip and begin to watch it."""
        self._device.open()
        if self._ready is not None:
            self._ready.open()
        self._device.transfer(RESET)
        self._device.transfer(ASK_READY)  # MOSI low: it restarts
        self._seen_busy_ns = None

    def poll(self) -> list[Conversion]:
        """Read the result, if there is one."""
        falls_ns = [] if self._ready is None else self._ready.falls_ns()
        asked_ns = self._pace.now_ns()
        if not is_ready(self._device.transfer(ASK_READY)):
            self._seen_busy_ns = asked_ns
            return []
        if self._ready is not None:
            falls_ns += self._ready.falls_ns()  # it may have become ready while it was asked
        ready_ns, unobserved_ns = self._edge(falls_ns, self._pace.now_ns())
        read = decode(self._device.transfer(self._request))
        causes = read.causes if unobserved_ns <= self._blind_ns else (*read.causes, Cause.LATE_READ)
        if self._ready is not None:
            self._ready.falls_ns()  # those of the bits
        self._seen_busy_ns = self._pace.now_ns()
        return [Conversion(ready_ns, (read.counts,), causes)]

    def fileno(self) -> int | None:
        """Return the descriptor of the ready line, where there is one."""
        return None if self._ready is None else self._ready.fileno()

    def close(self) -> None:
        """Let go of the bus and of the ready line."""
        self._device.close()
        if self._ready is not None:
            self._ready.close()

    def _edge(self, falls_ns: list[int], now_ns: int) -> tuple[int, int]:
        """Return when the result was ready, as far as known, and how old it may be."""
        since_ns = self._seen_busy_ns
        known_ns = [fall_ns for fall_ns in falls_ns if since_ns is None or fall_ns > since_ns]
        if known_ns:
            return known_ns[-1], now_ns - known_ns[-1]
        return now_ns, self._blind_ns + 1 if since_ns is None else now_ns - since_ns


class Driver(Bank):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options, pace: Pace | None = None, ioctl: Ioctl = host_ioctl) -> None:
        pace = pace or HostPace()
        chips = [
            _SpiHx711(
                SpiDevice(cell.device, _SPEED_HZ, ioctl),
                None if cell.ready_line is None else GpioLines(options.chip, cell.ready_line),
                options,
                pace,
            )
            for cell in options.cells
        ]
        edges = all(cell.ready_line is not None for cell in options.cells)
        poll_s = _POLL_WITH_EDGES_S if edges else 1 / (_POLLS_PER_PERIOD * options.rate_hz)
        super().__init__(chips, chip_settings(options.rate_hz, poll_s=poll_s), pace)
