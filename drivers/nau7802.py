"""NAU7802 on I2C: the converter of many small load-cell boards.

Wiring: SDA, SCL, 3.3 V, ground; the cell to channel 1. All chips have the address 0x2A, so each further one needs a
bus of its own or a TCA9548A. After power-up the chip calibrates its own offset (AFE); that offset differs each time,
by hundreds of counts, so a chip that restarts while the station runs gets the one it had. To keep one over restarts of
the station, write what registers 03 to 05 and 06 to 09 hold as `offset` and `span`. A chip that lost its settings is
found at the next read. Chips run freely; their samples are aligned in time (see `aligning`), in the order of `cells`.

    [[scale]]
    driver = "nau7802"
    rate_hz = 80
    cells = [{ bus = 1, mux = 0x70, channel = 0 }, { bus = 1, mux = 0x70, channel = 1 }]
    capacity_g = 20000
    division_g = 2
"""

from typing import Annotated, Literal

import smbus2
from msgspec import Meta

from drivers import nau7802_registers as reg
from drivers.bank import Bank, Conversion
from drivers.base import SensorError
from drivers.hx711_pins import signed
from drivers.i2c import Bus, I2cConverter, I2cDevice, OpenBus, Place
from drivers.pace import HostPace, Pace
from drivers.raw_keys import RawKeys, chip_settings, refuse_twins

_RESET_S = 0.001
_POWER_UP_S, _POWER_UP_STEP_S = 0.1, 0.001
_LDO_RAMP_S = 0.25
_CALIBRATION_S, _CALIBRATION_STEP_S = 1.0, 0.01
_POLLS_PER_PERIOD = 4


class Cell(Place, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chip: its place, and a calibration of its own amplifier to use instead of a new one."""

    offset: Annotated[int, Meta(ge=0, le=0xFFFFFF)] | None = None
    span: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None


class Options(RawKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "nau7802"`: NAU7802 on I2C, channel 1 of each."""

    cells: Annotated[
        tuple[Cell, ...],
        Meta(
            min_length=1,
            max_length=8,
            description="`{ bus = 1, mux = 0x70, channel = 0, offset = …, span = … }` each, in the order of channels",
        ),
    ] = (Cell(),)
    rate_hz: Annotated[Literal[10, 20, 40, 80, 320], Meta(description="conversions a second")] = 80
    gain: Annotated[Literal[1, 2, 4, 8, 16, 32, 64, 128], Meta(description="128 for 2 mV/V cells")] = 128
    ldo_mv: Annotated[
        Literal[0, 2400, 2700, 3000, 3300, 3600, 3900, 4200, 4500],
        Meta(description="the cells' supply, made by the chip; 0: they have another"),
    ] = 3300

    def __post_init__(self) -> None:
        refuse_twins("cells", [cell.where for cell in self.cells])


class _Nau7802(I2cConverter):
    """Implements `drivers.bank.Converter`."""

    kind = "the NAU7802"

    def __init__(self, device: I2cDevice, cell: Cell, options: Options, pace: Pace) -> None:
        super().__init__(device, pace)
        self._options = options
        self._offset, self._span = cell.offset, cell.span
        self._running = reg.RUNNING | (reg.INTERNAL_LDO if options.ldo_mv else 0)

    def open(self) -> None:
        """Reset, power up, set and calibrate the chip: three quarters of a second."""
        self._device.open()
        self._write(reg.PU_CTRL, reg.RESET)
        self._pace.wait(_RESET_S)
        self._write(reg.PU_CTRL, reg.DIGITAL_ON | reg.ANALOG_ON)
        self._await(reg.PU_CTRL, reg.POWER_READY, reg.POWER_READY, _POWER_UP_S, _POWER_UP_STEP_S)
        self._check_revision()
        self._configure()
        self._pace.wait(_LDO_RAMP_S)
        self._calibrate()

    def poll(self) -> list[Conversion]:
        """Read the result, if there is one."""
        control = self._device.may(lambda bus: bus.read_byte_data(reg.ADDRESS, reg.PU_CTRL))
        if control is None:
            return []
        if control & self._running != self._running:
            raise SensorError(f"{self.name} restarted and lost its settings", "check its supply")
        if not control & reg.CYCLE_READY:
            return []
        ready_ns = self._pace.now_ns()
        result = self._device.may(lambda bus: bus.read_i2c_block_data(reg.ADDRESS, reg.ADC_RESULT, 3))
        return [] if result is None else [Conversion(ready_ns, (signed(reg.number(result)),))]

    def _configure(self) -> None:
        options = self._options
        ldo = reg.LDO_MV.get(options.ldo_mv, 0) << reg.LDO_SHIFT
        self._write(reg.CTRL1, ldo | reg.GAINS[options.gain])
        self._write(reg.CTRL2, reg.RATES[options.rate_hz] << reg.RATE_SHIFT)
        self._write(reg.ADC_CONTROL, reg.CHOPPER_OFF)
        self._write(reg.PGA_POWER, reg.PGA_CAPACITOR)
        self._write(reg.PGA, self._read(reg.PGA) & ~reg.LDO_MODE)
        self._write(reg.PU_CTRL, self._running & ~reg.POWER_READY)

    def _calibrate(self) -> None:
        """Give the amplifier the calibration it had, or let it find one and remember that."""
        if self._offset is None or self._span is None:
            self._write(reg.CTRL2, self._read(reg.CTRL2) & ~3 | reg.CALIBRATE)
            self._await(reg.CTRL2, reg.CALIBRATE, 0, _CALIBRATION_S, _CALIBRATION_STEP_S)
            if self._read(reg.CTRL2) & reg.CALIBRATION_ERROR:
                raise SensorError(f"{self.name} cannot calibrate itself", "check the cell's wiring and supply")
            self._offset = reg.number(self._read_block(reg.OCAL1, 3))
            self._span = reg.number(self._read_block(reg.GCAL1, 4))
            return
        self._write_block(reg.OCAL1, self._offset.to_bytes(3, "big"))
        self._write_block(reg.GCAL1, self._span.to_bytes(4, "big"))

    def _check_revision(self) -> None:
        """Refuse another chip at the same address; the register is readable only once the power is up."""
        revision = self._read(reg.REVISION)
        if revision & 0x0F != reg.REVISION_NIBBLE:
            raise SensorError(
                f"{self._device.name} is no NAU7802 (revision 0x{revision:02x})", "check what is connected there"
            )

    def _await(self, register: int, mask: int, wanted: int, limit_s: float, step_s: float) -> None:
        """Wait until the masked bits are as wanted; they must be within `limit_s`."""
        deadline_ns = self._pace.now_ns() + int(limit_s * 1e9)
        while self._read(register) & mask != wanted:
            if self._pace.now_ns() > deadline_ns:
                what = "power up" if register == reg.PU_CTRL else "finish its calibration"
                raise SensorError(f"{self.name} does not {what}", "check its supply and the cell's wiring")
            self._pace.wait(step_s)

    def _read(self, register: int) -> int:
        return self._device.must(lambda bus: bus.read_byte_data(reg.ADDRESS, register))

    def _read_block(self, register: int, length: int) -> list[int]:
        return self._device.must(lambda bus: bus.read_i2c_block_data(reg.ADDRESS, register, length))

    def _write(self, register: int, value: int) -> None:
        self._device.must(lambda bus: bus.write_byte_data(reg.ADDRESS, register, value))

    def _write_block(self, register: int, data: bytes) -> None:
        def write(bus: Bus) -> None:
            bus.write_i2c_block_data(reg.ADDRESS, register, list(data))

        self._device.must(write)


class Driver(Bank):
    """Implements `drivers.base.ScaleDriver`; yields `Sample`s."""

    def __init__(self, options: Options, pace: Pace | None = None, open_bus: OpenBus = smbus2.SMBus) -> None:
        pace = pace or HostPace()
        chips = [_Nau7802(I2cDevice(cell, reg.ADDRESS, open_bus), cell, options, pace) for cell in options.cells]
        poll_s = 1 / (_POLLS_PER_PERIOD * options.rate_hz)
        super().__init__(chips, chip_settings(options.rate_hz, poll_s=poll_s, reset_by_edge=False), pace)
