"""One capture without a guide: what lies on the scale now is measured and kept, or refused with its reason."""

import time

from calibration.bench import Scale
from calibration.capturing import Live, Measured, Watch, Weigher
from calibration.record import CalibrationError
from drivers.base import Barcode, Indication, Sample, ScaleDriver, SensorError

READ_S, FOUND_S = 0.25, 10.0
REST_S = 30.0  # of the scale's own time: one that does not rest by then is no place to calibrate


def first_reading(driver: ScaleDriver) -> Sample | Indication:
    """Return the first reading of an open driver; `CalibrationError` where none comes."""
    until_s = time.monotonic() + FOUND_S
    while time.monotonic() < until_s:
        for reading in driver.read(READ_S):
            if isinstance(reading, Sample) or (isinstance(reading, Indication) and reading.spoken):
                return reading
    raise CalibrationError(f"the scale gives no readings within {FOUND_S:g} s: run `station doctor`")


def channels_of(reading: Sample | Indication) -> int:
    """Return how many load cells speak."""
    return len(reading.counts) if isinstance(reading, Sample) else 1


def look(scale: Scale) -> tuple[int, str | None]:
    """Open the scale for a moment; return its number of channels and its electronics' own name, if it has one."""
    driver = scale.make()
    try:
        driver.open()
        reading = first_reading(driver)
        serial = getattr(driver, "device_id", None)
    except SensorError as error:
        raise CalibrationError(f"{error.message}; {error.remedy}") from error
    finally:
        driver.close()
    return channels_of(reading), serial


def measure(driver: ScaleDriver, watch: Watch, seconds: float) -> Measured:
    """Return one capture of rest; `CalibrationError` says why there is none."""
    watch.measure(seconds)
    began_ns: int | None = None
    silent_s = time.monotonic()
    while True:
        for reading in driver.read(READ_S):
            if isinstance(reading, Barcode):
                continue
            silent_s = time.monotonic()
            began_ns = reading.t_ns if began_ns is None else began_ns
            measured = watch.handle(reading)
            if measured is not None:
                return measured
            if reading.t_ns - began_ns > (REST_S + seconds) * 1e9:
                raise CalibrationError(_why(watch, reading.t_ns))
        if time.monotonic() - silent_s > FOUND_S:
            raise CalibrationError(f"the scale has said nothing for {FOUND_S:g} s: run `station doctor`")


def _why(watch: Watch, t_ns: int) -> str:
    troubles = [trouble for trouble in watch.troubles(t_ns) if ":" not in trouble]
    if troubles:
        cells = [trouble.partition(":")[2] for trouble in watch.troubles(t_ns) if ":" in trouble]
        where = f" (cell {', '.join(cells)})" if cells else ""
        return f"readings are not believed: {', '.join(troubles)}{where}; check plugs, wires and supply"
    live: Live | None = watch.live()
    swing = "" if live is None else f", it swings by {live.swing_g:.1f} g"
    return f"the scale does not come to rest within {REST_S:g} s{swing}: draught, vibration, something that touches it?"


def gross_g(weigher: Weigher | None, measured: Measured) -> float | None:
    """Return what was weighed, as far as it is known."""
    if weigher is None or len(weigher.zeros) != len(measured.cells):
        return None
    return weigher.gross_g(measured.means)
