"""What a calibration is bound to, and whether a record's hardware is that of the configuration."""

from collections.abc import Mapping
from typing import Any

from calibration.captures import Hardware
from calibration.model import Calibration

_NAMES = {
    "driver": "the driver",
    "part": "the part",
    "channels": "the number of channels",
    "gain": "the gain",
    "rate_hz": "the rate",
    "serial": "the serial number",
}


def of_options(
    driver: str, part: str, channels: int, options: Mapping[str, Any], serial: str | None = None
) -> Hardware:
    """Return what a `[[scale]]` table is: its driver, its name, its channels, and how its converter is set."""
    gain, rate_hz = options.get("gain"), options.get("rate_hz")
    return Hardware(
        driver=driver,
        part=part,
        channels=channels,
        gain=None if gain is None else int(gain),
        rate_hz=None if rate_hz is None else float(rate_hz),
        serial=serial,
    )


def channels_of(options: Mapping[str, Any]) -> int | None:
    """Return how many channels a driver's options name; None where the first sample decides."""
    if options.get("channels") is not None:
        return int(options["channels"])
    cells = options.get("cells")
    return len(cells) if cells else None


def misfits(made_with: Hardware, found: Hardware) -> list[str]:
    """Return in words how the hardware differs from that of the calibration; what either does not know is no reason."""
    return [
        f"{_NAMES[field]} was {was}, now it is {now}"
        for field in _NAMES
        if (was := getattr(made_with, field)) is not None and (now := getattr(found, field)) is not None and was != now
    ]


def cells_misfit(calibration: Calibration, channels: int | None) -> list[str]:
    """Return in words that there are not as many calibrated cells as channels."""
    cells = len(calibration.cells)
    return [] if channels in {None, cells} else [f"it has {cells} cells, the configuration {channels} channels"]
