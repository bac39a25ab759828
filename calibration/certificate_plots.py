"""The plots of the certificate: errors, corners, repeatability, creep, temperature, shares of the cells, noise."""

import math
from collections.abc import Sequence

from calibration.captures import Position
from calibration.certificate_facts import KILOGRAM_G, Facts, Words
from calibration.limits import mpe_g
from calibration.model import Calibration
from calibration.placements import sort
from calibration.results import Eccentricity
from calibration.svg import ACCENT, BAD, COLOURS, INK, PALE, SECOND, Pair, Plot, around, ticks

PLACES: dict[Position, Pair] = {"C": (0, 0), "FL": (-1, -1), "FR": (1, -1), "BR": (1, 1), "BL": (-1, 1)}
MINUTE_S = 60.0
BINS = 10
LATE_MIN, LONG_MIN = 15.0, 30.0


def errors(facts: Facts, words: Words) -> str:
    """Draw errors with their uncertainty inside the staircase of limits."""
    points = facts.evaluation.as_left
    if not points:
        return ""
    session, limits = facts.session, facts.limits
    top_kg = max(session.capacity_g, *(point.load_g for point in points)) / KILOGRAM_G
    stairs = _stairs(session.capacity_g, session.verification_interval_g, in_service=limits.in_service)
    ends = [point.error_g + sign * point.budget.expanded_g for point in points for sign in (-1, 1)]
    most = max(stairs[-1][1], *(abs(end) for end in ends))
    plot = Plot(
        (0.0, top_kg * 1.04), (-1.15 * most, 1.15 * most), labels=(words("axis_load"), words("axis_error")),
        size=(700.0, 250.0), number=words.plain,
    )  # fmt: skip
    plot.axes(ticks(0.0, top_kg, 10))
    for sign in (-1, 1):
        plot.path([(kg, sign * limit) for kg, limit in stairs], BAD, width=1.3)
    plot.path([(0.0, 0.0), (top_kg * 1.04, 0.0)], INK, width=0.7)
    if facts.evaluation.curve is not None:
        slope = facts.evaluation.curve.slope
        plot.path([(0.0, 0.0), (top_kg, slope * top_kg * KILOGRAM_G)], SECOND, dash="5 3")
    for point in facts.evaluation.as_found:
        plot.point(point.load_g / KILOGRAM_G, _inside(point.error_g, 1.15 * most), SECOND, shape="ring")
    for point in points:
        kg = point.load_g / KILOGRAM_G + _aside(point.direction, top_kg)
        plot.error_bar(kg, point.error_g, point.budget.expanded_g)
        plot.point(kg, point.error_g, ACCENT, shape=point.direction or "dot", size=4.0)
    return plot.svg(words("plot_errors"))


def _aside(direction: str | None, top_kg: float) -> float:
    """Return how far beside its load a mark stands, so that up and down do not cover each other."""
    return {"up": -0.004, "down": 0.004}.get(direction or "", 0.0) * top_kg


def _inside(value: float, most: float) -> float:
    return min(max(value, -most), most)


def _stairs(capacity_g: float, interval_g: float, *, in_service: bool) -> list[Pair]:
    """Return the limits as a staircase: (kg, g)."""
    edges = [edge for edge in (500 * interval_g, 2000 * interval_g) if edge < capacity_g]
    stairs: list[Pair] = []
    begin = 0.0
    for end in (*edges, capacity_g):
        limit = mpe_g(end, interval_g, in_service=in_service)
        stairs += [(begin / KILOGRAM_G, limit), (end / KILOGRAM_G, limit)]
        begin = end
    return stairs


def corners(result: Eccentricity, words: Words) -> str:
    """Draw the platform from above with each position's difference to the centre."""
    plot = Plot((-1.75, 1.75), (-1.75, 1.75), size=(340.0, 240.0))
    plot.box((-1.45, -1.45), (1.45, 1.45), PALE, opacity=0.35)
    for row in result.rows:
        x, y = PLACES[row.position]
        part = min(abs(row.difference_g) / result.mpe_g, 1.0)
        colour = BAD if abs(row.difference_g) > result.mpe_g else ACCENT
        at = (1.05 * x, 1.05 * y)
        plot.point(*at, colour, size=6.0 + 16.0 * part)
        plot.text(*at, words(row.position), dy=30 if y > 0 else -36, colour="#5b6670")
        plot.text(*at, f"{words.signed(row.difference_g)} g", dy=40 if y > 0 else -26)
    plot.point(0, 0, INK, size=3)
    plot.text(0, 0, words.load(result.load_g), dy=-9)
    plot.text(0, -1.75, words("front"), dy=-4)
    return plot.svg(words("plot_corners"))


def runs(facts: Facts, words: Words) -> str:
    """Draw readings of one load in the order of placing, off their mean; the limit is of their range."""
    tests = facts.evaluation.repeatability
    if not tests:
        return ""
    off = [[reading - sum(t.readings_g) / len(t.readings_g) for reading in t.readings_g] for t in tests]
    count = max(len(row) for row in off)
    low, high = around([value for row in off for value in row], least=facts.session.division_g / 10)
    plot = Plot(
        (0.5, count + 0.5), (low, high), labels=(words("axis_placing"), words("axis_off_mean")), number=words.plain
    )
    plot.axes([float(number) for number in range(1, count + 1)])
    plot.path([(0.5, 0.0), (count + 0.5, 0.0)], INK, width=0.7)
    for number, (test, row) in enumerate(zip(tests, off, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        for level in (-test.sd_g, test.sd_g):
            plot.level(level, colour, dash="2 3")
        plot.path([(place, value) for place, value in enumerate(row, 1)], colour)
        for place, value in enumerate(row, 1):
            plot.point(place, value, colour)
    return plot.svg(words("plot_runs"))


def creep(facts: Facts, words: Words) -> str:
    """Draw the change under a load that stays, and what it may be."""
    found = facts.evaluation.creep
    if found is None or len(found.series) < 2:  # noqa: PLR2004 - a line
        return ""
    interval_g, limits = facts.session.verification_interval_g, facts.limits
    is_long = found.minutes >= LONG_MIN * 0.99
    most_g = (limits.creep_30_e if is_long else limits.creep_short_e) * interval_g
    values = [change for _, change in found.series]
    low, high = around([*values, -most_g, most_g])
    end_min = max(found.minutes, found.series[-1][0] / MINUTE_S)
    plot = Plot(
        (0.0, end_min * 1.03), (low, high), labels=(words("axis_minutes"), words("axis_change")), number=words.plain
    )
    plot.axes()
    for level in (-most_g, most_g):
        plot.level(level)
    if is_long:
        middle = min(found.series, key=lambda point: abs(point[0] - LATE_MIN * MINUTE_S))[1]
        late_g = limits.creep_15_30_e * interval_g
        plot.box((LATE_MIN, middle - late_g), (LONG_MIN, middle + late_g), SECOND, opacity=0.14)
    plot.path([(0.0, 0.0), (end_min * 1.03, 0.0)], INK, width=0.7)
    plot.path([(seconds / MINUTE_S, change) for seconds, change in found.series], ACCENT, width=1.6)
    return plot.svg(words("plot_creep"))


def zero(facts: Facts, calibration: Calibration, words: Words) -> str:
    """Draw the empty platform's weight against temperature."""
    pairs = [
        (capture.temperature_c, calibration.gross_g([cell.mean for cell in capture.cells]))
        for capture in facts.zeros()
        if capture.temperature_c is not None and len(capture.cells) == len(calibration.cells)
    ]
    if len(pairs) < 2:  # noqa: PLR2004 - one point is no relation
        return ""
    plot = Plot(
        around([x for x, _ in pairs], least=0.5), around([y for _, y in pairs], least=facts.session.division_g / 5),
        labels=(words("axis_temperature"), words("axis_zero")), number=words.plain,
    )  # fmt: skip
    plot.axes()
    for x, y in pairs:
        plot.point(x, y, size=2.6)
    return plot.svg(words("plot_zero"))


def shares(facts: Facts, calibration: Calibration, words: Words) -> str:
    """Draw what part of the load each cell bears, a stack for each position; a deck that tips lifts off a cell."""
    found = _shares(facts, calibration)
    if not found:
        return ""
    lowest = min(sum(part for part in parts if part < 0) for parts in found.values())
    low, high = around([lowest, 1.0 - lowest], room=0.02 if lowest < 0 else 0.0)
    plot = Plot((-0.6, len(found) - 0.4), (low, high), size=(340.0, 220.0), number=lambda y: words.percent(y, 0))
    plot.axes([])
    for number, (position, parts) in enumerate(found.items()):
        ends = {True: 0.0, False: 0.0}  # of what bears, and of what is lifted
        for cell, part in enumerate(parts):
            begin, ends[part > 0] = ends[part > 0], ends[part > 0] + part
            plot.box((number - 0.3, begin), (number + 0.3, begin + part), COLOURS[cell % len(COLOURS)], opacity=0.85)
            if abs(part) > 0.06:  # noqa: PLR2004 - else there is no room for words
                plot.text(number, begin + part / 2, f"{cell + 1}: {words.percent(part, 0)}", colour="#fff", dy=3)
        plot.text(number, low, words(position), dy=13)
    plot.path([(-0.6, 0.0), (len(found) - 0.4, 0.0)], INK, width=0.7)
    return plot.svg(words("plot_shares"))


def _shares(facts: Facts, calibration: Calibration) -> dict[Position, list[float]]:
    found: dict[Position, list[float]] = {}
    placed = sort(facts.captures)
    for row in placed.of("corners") or placed.of("eccentricity"):
        position = row.capture.position
        if position is None or position in found or len(row.net) != len(calibration.cells):
            continue
        forces = [net / cell.counts_per_g for net, cell in zip(row.net, calibration.cells, strict=True)]
        total = sum(forces)
        if total > 0:
            found[position] = [force / total for force in forces]
    return found


def noise(facts: Facts, calibration: Calibration, words: Words) -> str:
    """Draw how often each noise was seen, in grams, cell by cell."""
    rows = [capture for capture in facts.captures if len(capture.cells) == len(calibration.cells)]
    if not rows:
        return ""
    sds = [
        [capture.cells[number].sd / abs(cell.counts_per_g) for capture in rows]
        for number, cell in enumerate(calibration.cells)
    ]
    low, high = around([sd for row in sds for sd in row], room=0.02)
    width = (high - low) / BINS
    counts = [[sum(_bin(sd, low, width) == place for sd in row) for place in range(BINS)] for row in sds]
    most = max(max(row) for row in counts)
    plot = Plot((low, high), (0.0, most * 1.1), labels=(words("axis_sd"), words("axis_count")), number=words.plain)
    plot.axes()
    bar = 0.8 * width / len(sds)
    for cell, row in enumerate(counts):
        for place, count in enumerate(row):
            left = low + place * width + 0.1 * width + cell * bar
            plot.box((left, 0.0), (left + bar, count), COLOURS[cell % len(COLOURS)])
    return plot.svg(words("plot_noise"))


def _bin(value: float, low: float, width: float) -> int:
    return min(max(math.floor((value - low) / width), 0), BINS - 1)


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Return a line of coloured words."""
    return " ".join(f'<span class="key"><i style="background:{colour}"></i>{text}</span>' for colour, text in entries)
