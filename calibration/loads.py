"""What a technician types for a weight, and which weights to put on together.

A mass always has a unit. "20.000 kg" may be twenty kilograms or twenty thousand, by country: such a number is refused
with both readings rather than guessed. Several weights are joined by "+": "20kg + 2x10kg"; a weight's own name works,
too.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from calibration.captures import TestWeight, WeightClass

UNITS_G = {"kg": 1000.0, "g": 1.0, "mg": 0.001}
GROUPS = " \u00a0\u202f\u2009'\u2019_"  # what people put between thousands
SUMS_MAX = 20_000  # of different loads that are looked at
PIECE_PENALTY = 0.05  # one weight fewer is worth 5 % of the target: less to carry, less to misplace

_MASS = re.compile("(?P<number>[0-9][0-9.,'\u2019_\\s]*?)\\s*(?P<unit>[a-z\u00b5]*)", re.IGNORECASE)
_TIMES = re.compile("(?P<times>[1-9][0-9]?)\\s*[x\u00d7*]\\s*(?P<rest>.+)", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_CLASSES = frozenset(get_args(WeightClass))


class LoadError(ValueError):
    """A weight cannot be understood; the message says what to type instead."""


class Load(NamedTuple):
    """What shall lie on the platform: grams, and the names of the weights, if they are of the set."""

    grams: float
    weights: tuple[str, ...] = ()


def mass_g(text: str) -> float:
    """Return a typed mass in grams; `LoadError` where number or unit can be misread."""
    found = _MASS.fullmatch(text.strip())
    if found is None:
        raise LoadError(f'"{text.strip()}" is no weight: type for example 20kg, 20 000 g or 20,5 kg')
    unit = UNITS_G.get(found["unit"].lower())
    if unit is None:
        named = found["unit"] or "no unit"
        raise LoadError(f'"{text.strip()}" has {named}: type g or kg, for example {found["number"].strip()} kg')
    grams = _number(found["number"]) * unit
    if not grams > 0:
        raise LoadError(f'"{text.strip()}" is nothing: type what lies on the platform')
    return grams


def _number(text: str) -> float:
    bare = text.translate({ord(sign): None for sign in GROUPS})
    if _AMBIGUOUS.fullmatch(bare) and bare == text.strip():
        whole, part = re.split("[.,]", bare)
        raise LoadError(f'"{bare}" can be read as {whole} or as {whole}{part}: type it without the separator')
    decimal = max(bare.rfind("."), bare.rfind(","))
    if decimal < 0:
        return float(bare)
    whole, part = bare[:decimal], bare[decimal + 1 :]
    groups = re.split("[.,]", whole)
    separators = {sign for sign in whole if sign in ".,"} | {bare[decimal]}
    grouped = len(groups) > 1
    if grouped and (any(len(group) != 3 for group in groups[1:]) or len(separators) < 2):  # noqa: PLR2004
        raise LoadError(f'"{text.strip()}" has too many separators: type for example 20000 g or 20,5 kg')
    if not part.isdigit():
        raise LoadError(f'"{text.strip()}" breaks off: type for example 20,5 kg')
    return float("".join(groups) + "." + part)


def value_g(weight: TestWeight) -> float:
    """Return what a weight is taken for: its conventional mass where it is known."""
    return weight.nominal_g if weight.conventional_g is None else weight.conventional_g


def load(text: str, weights: Sequence[TestWeight]) -> Load:
    """Return what a typed sum of weights is; names of the set stand for their weights."""
    named = {weight.weight_id.lower(): weight for weight in weights}
    grams = 0.0
    names: list[str] = []
    for part in text.split("+"):
        weight = named.get(part.strip().lower())
        times = _TIMES.fullmatch(part.strip())
        if weight is not None:
            grams, names = grams + value_g(weight), [*names, weight.weight_id]
        elif times is not None:
            grams += int(times["times"]) * mass_g(times["rest"])
        else:
            grams += mass_g(part)
    if len(names) != len(set(names)):
        raise LoadError(f'"{text.strip()}" names a weight twice')
    return Load(grams, tuple(names))


def weight_set(text: str) -> tuple[TestWeight, ...]:
    """Return the weights of a typed list: "2x20kg M1; 1x10kg M1; 5kg"."""
    found: list[TestWeight] = []
    for part in re.split(r"[;+\n]|,\s", text):
        if part.strip():
            found.extend(_several(part.strip(), found))
    return tuple(found)


def _several(part: str, before: Iterable[TestWeight]) -> list[TestWeight]:
    times = _TIMES.fullmatch(part)
    number, rest = (int(times["times"]), times["rest"]) if times else (1, part)
    words = rest.rsplit(maxsplit=1)
    weight_class = next((known for known in _CLASSES if words[-1].upper() == known), None)
    grams = mass_g(words[0] if weight_class else rest)
    alike = sum(weight.nominal_g == grams for weight in before)
    return [
        TestWeight(weight_id=f"{short(grams)}-{n}".replace(" ", ""), nominal_g=grams, weight_class=weight_class)
        for n in range(alike + 1, alike + number + 1)
    ]


def short(grams: float) -> str:
    """Return a mass as people say it: 20 kg, 500 g."""
    return f"{grams / 1000:.6g} kg" if abs(grams) >= UNITS_G["kg"] else f"{grams:.6g} g"


def choose(
    weights: Sequence[TestWeight], target_g: float, low_g: float, high_g: float, penalty: float = PIECE_PENALTY
) -> Load | None:
    """Return the weights that come nearest to `target_g` within the bounds, few rather than many; None: none do."""
    sums: dict[int, tuple[str, ...]] = {0: ()}  # by milligrams
    for weight in sorted(weights, key=lambda weight: -value_g(weight)):
        step_mg = round(value_g(weight) * 1000)
        for sum_mg, names in list(sums.items()):
            reached_mg = sum_mg + step_mg
            fewer = len(names) + 1 < len(sums.get(reached_mg, (*names, "", "")))
            if reached_mg <= high_g * 1000 and fewer and len(sums) < SUMS_MAX:
                sums[reached_mg] = (*names, weight.weight_id)
    fit = [(sum_mg / 1000, names) for sum_mg, names in sums.items() if names and sum_mg >= low_g * 1000]
    if not fit:
        return None
    grams, names = min(fit, key=lambda found: abs(found[0] - target_g) / target_g + penalty * len(found[1]))
    return Load(grams, names)
