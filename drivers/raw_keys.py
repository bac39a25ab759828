"""The configuration keys that all drivers of raw converters share, and the rules that follow from the chip's rate."""

from collections.abc import Hashable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from drivers.bank import BankSettings
from drivers.integrity import STUCK_COUNTS, Rules

_RATE_TOLERANCE = 0.32  # the chips' own oscillators, with room; a chip that is reset each time is 4.4 times slower
_SETTLING = 5  # 4 periods, and one read that sets channel and gain anew: data sheets differ on what a reset keeps
_FROZEN_AFTER = 16  # by chance once in 10^25 samples at the least noise that the HX711's data sheet gives
_SILENCE_S = 1.0  # the longest of all waits: 4 periods at 10 a second, and as much again
_STALE_PERIODS = 3.0


class RawKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of every scale made of load cells and converters."""

    capacity_g: Annotated[float, Meta(ge=100.0, le=1_000_000.0, description="Max of the platform")] = 50_000.0
    division_g: Annotated[float, Meta(ge=0.01, le=1_000.0, description="d of the platform")] = 5.0


class Hx711Keys(RawKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of every scale whose HX711 this host clocks itself."""

    rate_hz: Annotated[Literal[10, 80], Meta(description="as the RATE pin is wired; most boards: 10")] = 10
    gain: Annotated[Literal[128, 64, 32], Meta(description="128 and 64 read channel A, 32 reads channel B")] = 128


def refuse_twins(key: str, places: Sequence[Hashable]) -> None:
    """Raise `ValueError` where two cells are said to be at one place: its counts would be taken for two cells'."""
    if len(set(places)) < len(places):
        raise ValueError(f"`{key}` names one place twice: every load cell has its own")


PULSES = {128: 25, 32: 26, 64: 27}  # pulses of PD_SCK in each read, by the gain they choose


def chip_settings(rate_hz: float, *, poll_s: float, reset_by_edge: bool = True) -> BankSettings:
    """Return how a bank of chips that convert freely at about `rate_hz` is run."""
    band_hz = ((1 - _RATE_TOLERANCE) * rate_hz, (1 + _RATE_TOLERANCE) * rate_hz)
    rules = Rules(
        settling=_SETTLING,
        reset_by_edge=reset_by_edge,
        early_edges=reset_by_edge,
        frozen_after=_FROZEN_AFTER,
        stuck_counts=STUCK_COUNTS,
        rate_hz=band_hz,
    )
    return BankSettings(rules, poll_s=poll_s, silence_s=_SILENCE_S, stale_ns=int(_STALE_PERIODS * 1e9 / rate_hz))
