"""The registers of the NAU7802 that a scale needs, and the values of its settings.

Sources: Nuvoton's data sheet; behaviour at power-up as known from public drivers of several hands.
"""

ADDRESS = 0x2A
PU_CTRL, CTRL1, CTRL2 = 0x00, 0x01, 0x02
OCAL1, GCAL1 = 0x03, 0x06  # 3 and 4 bytes, most significant first
ADC_RESULT = 0x12  # 3 bytes, most significant first
ADC_CONTROL, PGA, PGA_POWER, REVISION = 0x15, 0x1B, 0x1C, 0x1F

# PU_CTRL
RESET, DIGITAL_ON, ANALOG_ON, POWER_READY, CYCLE_START, CYCLE_READY = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
INTERNAL_LDO = 0x80
RUNNING = DIGITAL_ON | ANALOG_ON | POWER_READY | CYCLE_START  # what must still be so at every read

# CTRL2
CALIBRATE, CALIBRATION_ERROR = 0x04, 0x08
RATES = {10: 0, 20: 1, 40: 2, 80: 3, 320: 7}
RATE_SHIFT = 4

# CTRL1
GAINS = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4, 32: 5, 64: 6, 128: 7}
LDO_MV = {4500: 0, 4200: 1, 3900: 2, 3600: 3, 3300: 4, 3000: 5, 2700: 6, 2400: 7}
LDO_SHIFT = 3

CHOPPER_OFF = 0x30
PGA_CAPACITOR = 0x80
LDO_MODE = 0x40
REVISION_NIBBLE = 0x0F


def number(data: list[int]) -> int:
    """Return bytes, most significant first, as an unsigned number."""
    return int.from_bytes(bytes(data), "big")
