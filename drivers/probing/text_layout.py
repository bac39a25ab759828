"""Boards that print numbers as lines: which columns can be counts, and which is a time.

A column that only grows, by steps of about one size, is the board's clock; its unit follows from how much it grew while
we listened. Whole numbers within 24 bits can be counts. That they are counts of load cells no number says of itself:
the technician must know the board.
"""

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from drivers.hx711_text_codec import Layout, LineDecoder
from drivers.probing.matching import Candidate, Choice, Strength

_LINES_LEAST = 4
_CELLS_MOST = 8
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,9})?")
_COUNTS = re.compile(r"[+-]?\d{1,8}")
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6}
_FACTOR = 4.0  # how far the board's time may seem to run from ours over a second or so of listening
_STEP_SHARE = 0.5  # of the mean step: how much the steps of a clock differ at most
_HOW = "whole numbers in lines: are these columns raw counts of load cells? The board's sketch tells"

Table = Sequence[Sequence[str]]


def text_candidate(data: bytes, baud: int, elapsed_s: float) -> Candidate | None:
    """Return the board that prints `data`, None where these are no lines of numbers."""
    table = _table(data)
    if len(table) < _LINES_LEAST:
        return None
    width = len(table[0])
    clock = next((column for column in range(width) if _is_clock(table, column)), None)
    columns = [column for column in range(width) if column != clock and _may_be_counts(table, column)][:_CELLS_MOST]
    if not columns:
        return None
    decoder = LineDecoder(Layout(tuple(columns), clock, width))
    lines = decoder.feed(data)
    if len(lines) < _LINES_LEAST - 1 or decoder.bad_lines > len(lines) // 2:
        return None
    keys: dict[str, object] = {"baud": baud, "dtr": True, "width": width}  # DTR as it was heard
    choices = [Choice("columns", (columns, *([column] for column in columns if len(columns) > 1)), _HOW)]
    if clock is not None:
        keys["time_column"] = clock
        unit = _unit(float(table[-1][clock]) - float(table[0][clock]), elapsed_s)
        if unit is None:
            choices.append(Choice("time_unit", tuple(_UNITS), "the unit of the board's time"))
        else:
            keys["time_unit"] = unit
    evidence = f"lines of {width} number(s); the last counts: {', '.join(map(str, lines[-1].counts))}"
    return Candidate("hx711-text", keys, evidence, Strength.STATE, tuple(choices))


def _table(data: bytes) -> Table:
    """Return the fields of the whole lines, if nearly all have the same number of fields, all of them numbers."""
    if not data.isascii():
        return []
    whole = data.decode("ascii").split("\n")[1:-1]  # the first and the last may be parts
    rows = [[field.strip(" \t\r") for field in line.split(",")] for line in whole if line.strip()]
    if not rows:
        return []
    [(width, _)] = Counter(map(len, rows)).most_common(1)
    good = [row for row in rows if len(row) == width and all(_NUMBER.fullmatch(field) for field in row)]
    return good if 3 * len(good) > 2 * len(rows) else []


def _may_be_counts(table: Table, column: int) -> bool:
    fields = [row[column] for row in table]
    return all(_COUNTS.fullmatch(field) and -(1 << 23) <= int(field) < 1 << 23 for field in fields)


def _is_clock(table: Table, column: int) -> bool:
    times = [float(row[column]) for row in table]
    steps = [after - before for before, after in itertools.pairwise(times)]
    mean = sum(steps) / len(steps)
    return min(steps) > 0 and all(abs(step - mean) <= _STEP_SHARE * mean for step in steps)


def _unit(grown: float, elapsed_s: float) -> str | None:
    """Return the unit in which the board's time grew by as much as ours did; None where none fits."""
    fits = [unit for unit, per_s in _UNITS.items() if elapsed_s / _FACTOR <= grown / per_s <= elapsed_s * _FACTOR]
    return fits[0] if len(fits) == 1 else None
