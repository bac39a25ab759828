"""From finds to `[[scale]]` tables that pass the configuration's check, with what is left to decide said beside it."""

from collections.abc import Iterable, Sequence

import msgspec

from drivers.probing.i2c_probe import Certainty, Chip
from drivers.probing.kernel_probe import GpioFind, IioFind, SpiFind
from drivers.probing.matching import Candidate
from drivers.probing.serial_probe import SerialFind
from station import toml_write

_PLATE = "from the type plate"
_SCALE_G, _PLATFORM_G = (15_000, 5), (50_000, 5)  # Max and d, to be replaced
_RAW = ("hx711-bridge", "hx711-text")
_CELLS_MOST = 8


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[scale]]`: its keys, and for some of them what the technician has to decide or look up.

    `sure`: the device was recognised; otherwise it is a place where one may be. `instead` lists other readings of the
    same find, of which only one can be right.
    """

    where: str
    table: dict[str, object]
    decide: dict[str, str]
    sure: bool = True
    instead: tuple["Suggestion", ...] = ()

    @property
    def toml(self) -> str:
        """The table, ready to be pasted; other readings of the find follow as comments."""
        others = (_block(other).splitlines() for other in self.instead)
        return _block(self) + "".join(f"# {text}\n" for lines in others for text in ("or:", *lines))


def of_serial(find: SerialFind) -> list[Suggestion]:
    """Return what to configure for a port: the likeliest candidate, with the others as alternatives."""
    made = [_of_candidate(find.place.port, candidate) for candidate in find.candidates]
    return [msgspec.structs.replace(made[0], instead=tuple(made[1:]))] if made else []


def of_chips(chips: Iterable[Chip]) -> list[Suggestion]:
    """Return one platform for all NAU7802, one for all DFRobot boards."""
    found = []
    for driver in ("nau7802", "dfrobot-i2c"):
        group = [chip for chip in chips if chip.driver == driver and chip.certainty is not Certainty.OTHER]
        for start in range(0, len(group), _CELLS_MOST):
            part = group[start : start + _CELLS_MOST]
            table: dict[str, object] = {"driver": driver, "cells": [_cell(chip) for chip in part]}
            where = "; ".join(chip.where for chip in part)
            found.append(_raw(where, table, {}, sure=all(chip.sure for chip in part)))
    return found


def of_iio(finds: Sequence[IioFind]) -> list[Suggestion]:
    """Return one platform for all HX711 of the kernel's."""
    usable = [find for find in finds if find.channels][:_CELLS_MOST]
    if not usable:
        return []
    cells = [{"device": find.folder, "channel": find.channels[0]} for find in usable]
    decide = {"cells": "in the order of the platform's corners; channel 0 is input A"}
    return [_raw(usable[0].folder, {"driver": "hx711-iio", "cells": cells}, decide)]


def of_spi(finds: Sequence[SpiFind]) -> list[Suggestion]:
    """Return a table for HX711 on the SPI buses, one for each bus: whether they are there only the wiring knows."""
    buses = {find.path.rpartition("spidev")[2].partition(".")[0]: find for find in reversed(finds)}
    if not buses:
        return []
    cells = [{"device": find.path} for _, find in sorted(buses.items())][:_CELLS_MOST]
    decide = {
        "cells": "only the buses that an HX711 is wired to: MOSI to PD_SCK, MISO to DOUT",
        "rate_hz": "10 or 80, as its RATE pin is wired",
    }
    return [_raw("SPI", {"driver": "hx711-spi", "rate_hz": 10, "cells": cells}, decide, sure=False)]


def of_gpio(finds: Sequence[GpioFind]) -> list[Suggestion]:
    """Return a table for an HX711 on the header's pins; which ones only the wiring knows."""
    header = next((find for find in finds if find.has_header), None)
    if header is None:
        return []
    cells = [{"sck_line": 27, "dout_line": 17}]
    table: dict[str, object] = {"driver": "hx711-gpio", "chip": header.label, "rate_hz": 10, "cells": cells}
    decide = {
        "cells": "the lines that PD_SCK and DOUT are wired to; 27 and 17 stand for them",
        "rate_hz": "10 or 80, as its RATE pin is wired",
    }
    return [_raw(header.path, table, decide, sure=False)]


def _of_candidate(port: str, candidate: Candidate) -> Suggestion:
    capacity_g, division_g = _PLATFORM_G if candidate.driver in _RAW else _SCALE_G
    table: dict[str, object] = {"driver": candidate.driver}
    table |= {"profile": candidate.keys["profile"]} if "profile" in candidate.keys else {}
    table |= {"port": port, **candidate.keys}
    table |= {choice.key: choice.values[0] for choice in candidate.choices}
    decide = {choice.key: _told(choice.values, choice.how) for choice in candidate.choices}
    table |= {"capacity_g": capacity_g, "division_g": division_g}
    return Suggestion(where=port, table=table, decide=decide | {"capacity_g": _PLATE, "division_g": _PLATE})


def _told(values: Sequence[object], how: str) -> str:
    """Return what a key may be, and how to decide."""
    options = ", ".join(toml_write.value(value) for value in values)
    return f"one of {options}: {how}" if len(values) > 1 else how


def _raw(where: str, table: dict[str, object], decide: dict[str, str], *, sure: bool = True) -> Suggestion:
    capacity_g, division_g = _PLATFORM_G
    table = {**table, "capacity_g": capacity_g, "division_g": division_g}
    return Suggestion(where=where, table=table, decide=decide | {"capacity_g": _PLATE, "division_g": _PLATE}, sure=sure)


def _cell(chip: Chip) -> dict[str, object]:
    place: dict[str, object] = {"bus": chip.place.bus}
    if chip.place.mux is not None:
        place |= {"mux": chip.place.mux, "channel": chip.place.channel}
    return place | ({"address": chip.address} if chip.driver == "dfrobot-i2c" else {})


def _block(suggestion: Suggestion) -> str:
    lines = ["[[scale]]"]
    for key, value in suggestion.table.items():
        remark = suggestion.decide.get(key)
        mark = "" if remark is None else f"  # {remark}" if remark == _PLATE else f"  # DECIDE: {remark}"
        lines.append(f"{key} = {toml_write.value(value)}{mark}")
    return "\n".join(lines) + "\n"
