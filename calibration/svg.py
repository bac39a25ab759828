"""Plots as SVG, drawn by a few lines of code: axes with round numbers, points, bars, steps and words."""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

Pair = tuple[float, float]
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 46.0, 10.0, 8.0, 32.0
ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
INK, PALE, ACCENT, SECOND, BAD = "#1c2733", "#d7dde3", "#0b5cad", "#b4530a", "#b3261e"
COLOURS = (ACCENT, SECOND, "#2e7d4f", "#7b3fa0", "#8a6d00", "#00788a", "#a3195b", "#555555")


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values within the range, about so many."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * part for part in ROUND_STEPS if power * part >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step + 0.0 for number in range(first, last + 1)]


def around(values: Iterable[float], *, least: float = 0.0, room: float = 0.08) -> Pair:
    """Return a range that holds all values, with room at both ends, and no narrower than `least`."""
    known = list(values) or [0.0]
    low, high = min(known), max(known)
    lacking = max(least - (high - low), 0.0) / 2
    low, high = low - lacking, high + lacking
    edge = (high - low) * room if high > low else 1.0
    return low - edge, high + edge


class Plot:
    """One drawing with axes; data coordinates in, SVG out."""

    def __init__(
        self, x_range: Pair, y_range: Pair, *, labels: tuple[str, str] = ("", ""), size: Pair = (340.0, 220.0),
        number: Callable[[float], str] = "{:g}".format,
    ) -> None:  # fmt: skip
        self._x, self._y = x_range, y_range
        self._width, self._height = size
        self._labels, self._number = labels, number
        self._parts: list[str] = []

    def at(self, x: float, y: float) -> Pair:
        """Return where a value is, in the drawing's units."""
        left, right = MARGIN_LEFT, self._width - MARGIN_RIGHT
        top, bottom = MARGIN_TOP, self._height - MARGIN_BOTTOM
        return (
            left + (x - self._x[0]) / (self._x[1] - self._x[0]) * (right - left),
            bottom - (y - self._y[0]) / (self._y[1] - self._y[0]) * (bottom - top),
        )

    def axes(self, x_ticks: Sequence[float] | None = None) -> None:
        """Draw grid, numbers and labels."""
        for x in ticks(*self._x) if x_ticks is None else x_ticks:
            (at, low), (_, high) = self.at(x, self._y[0]), self.at(x, self._y[1])
            self._line(at, low, at, high, PALE, 0.6)
            self.word(at, low + 11, self._number(x), anchor="middle")
        for y in ticks(*self._y):
            (left, at), (right, _) = self.at(self._x[0], y), self.at(self._x[1], y)
            self._line(left, at, right, at, PALE, 0.6)
            self.word(left - 4, at + 3, self._number(y), anchor="end")
        (left, low), (right, high) = self.at(self._x[0], self._y[0]), self.at(self._x[1], self._y[1])
        self._line(left, low, right, low, INK, 0.8)
        self._line(left, low, left, high, INK, 0.8)
        self.word((left + right) / 2, self._height - 4, self._labels[0], anchor="middle")
        middle = (low + high) / 2
        turn = f' transform="rotate(-90 9 {middle:.1f})"'
        self.word(9, middle, self._labels[1], anchor="middle", more=turn)

    def path(self, points: Sequence[Pair], colour: str = INK, *, width: float = 1.2, dash: str = "") -> None:
        """Draw a line through the points."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'
        )

    def point(self, x: float, y: float, colour: str = ACCENT, *, shape: str = "dot", size: float = 3.2) -> None:
        """Draw a mark: `dot`, `ring`, `up` or `down` (triangles)."""
        at_x, at_y = self.at(x, y)
        if shape in {"up", "down"}:
            sign = -1 if shape == "up" else 1
            corners = ((0, sign * size), (-size, -sign * size), (size, -sign * size))
            places = " ".join(f"{at_x + dx:.1f},{at_y + dy:.1f}" for dx, dy in corners)
            self._parts.append(f'<polygon points="{places}" fill="{colour}"/>')
            return
        fill = f'fill="#fff" stroke="{colour}" stroke-width="1.4"' if shape == "ring" else f'fill="{colour}"'
        self._parts.append(f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="{size}" {fill}/>')

    def error_bar(self, x: float, y: float, half: float, colour: str = ACCENT) -> None:
        """Draw y plus and minus `half`, with caps."""
        (at, low), (_, high) = self.at(x, y - half), self.at(x, y + half)
        self._line(at, low, at, high, colour, 1.1)
        for end in (low, high):
            self._line(at - 3, end, at + 3, end, colour, 1.1)

    def level(self, y: float, colour: str = BAD, *, dash: str = "4 3") -> None:
        """Draw a horizontal line over the whole width."""
        self.path([(self._x[0], y), (self._x[1], y)], colour, width=1.0, dash=dash)

    def box(self, low: Pair, high: Pair, colour: str, *, opacity: float = 1.0) -> None:
        """Fill the rectangle between two corners."""
        (left, bottom), (right, top) = self.at(*low), self.at(*high)
        self._parts.append(
            f'<rect x="{min(left, right):.1f}" y="{min(top, bottom):.1f}" width="{abs(right - left):.1f}"'
            f' height="{abs(bottom - top):.1f}" fill="{colour}" fill-opacity="{opacity:g}"/>'
        )

    def text(self, x: float, y: float, words: str, *, anchor: str = "middle", colour: str = INK, dy: float = 0) -> None:
        """Write at a value, `dy` lower."""
        at_x, at_y = self.at(x, y)
        self.word(at_x, at_y + dy, words, anchor=anchor, colour=colour)

    def word(self, x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK, more: str = "") -> None:
        """Write at a place of the drawing."""
        if words:
            self._parts.append(
                f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{more}>{escape(words)}</text>'
            )

    def svg(self, title: str) -> str:
        """Return the drawing; `title` is for those who cannot see it."""
        return (
            f'<svg viewBox="0 0 {self._width:g} {self._height:g}" role="img" xmlns="http://www.w3.org/2000/svg">'
            f"<title>{escape(title)}</title>{''.join(self._parts)}</svg>"
        )

    def _line(self, x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> None:
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'
        )
