"""One action a screen: what, where, how heavy; the platform from above, the live weight, its rest. 80 by 24 will do.

Colour only underlines what is said in words. Where the terminal has no line drawing, plain characters do.
"""

from collections.abc import Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from calibration.captures import Position
from calibration.placing import where_g
from calibration.remarks import Message
from calibration.texts import Language, load, mass, say
from calibration.view import View
from calibration.words import instruction, message, phase, weights

DECK_COLUMNS, DECK_ROWS = 31, 8
GAUGE_COLUMNS = 20
SLOTS: dict[Position, tuple[int, int]] = {"BL": (1, 1), "BR": (1, 3), "C": (3, 2), "FL": (6, 1), "FR": (6, 3)}


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """What a screen must know besides the view."""

    title: str
    language: Language
    capacity_g: float
    places: tuple[Position, ...]  # corner of each cell, in the order of the channels; empty where unknown
    full: str = "█"
    bare: str = "░"
    lines: tuple[str, str, str, str, str, str] = ("┌", "─", "┐", "│", "└", "┘")


def plain(style: Style) -> Style:
    """Return the style for terminals that know ASCII only."""
    return msgspec.structs.replace(style, full="#", bare=".", lines=("+", "-", "+", "|", "+", "+"))


def places_of(positions_mm: Sequence[tuple[float, float]] | None, cells: int) -> tuple[Position, ...]:
    """Return which corner each of four cells is at, from a force on it alone; empty for other platforms."""
    if cells != 4:  # noqa: PLR2004 - corners
        return ()
    given = tuple(positions_mm) if positions_mm else None
    found = [where_g([1.0 if n == cell else 1e-9 for n in range(cells)], given) for cell in range(cells)]
    return tuple(place for place in found if place is not None) if None not in found else ()


def draw(view: View, style: Style) -> RenderableType:
    """Return the whole screen."""
    parts: list[RenderableType] = [_head(view, style), Text("")]
    if view.action is not None:
        parts += [_task(view, style), Text("")]
    parts += [_middle(view, style), Text("")]
    parts += _talk(view, style)
    return Padding(Group(*parts), (0, 1))


def foot(view: View, style: Style) -> Text:
    """Return the line of keys."""
    key = {"type": "keys.type", "skip": "keys.skip"}.get(view.phase, "keys")
    return Text(" " + say(style.language, key), style="reverse", no_wrap=True, overflow="crop")


def _head(view: View, style: Style) -> RenderableType:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    where = say(
        style.language, "step_of", step=view.step_number, steps=view.step_count, number=view.number, count=view.count
    )
    grid.add_row(Text(style.title, style="dim"), Text(where, style="dim"))
    return grid


def _task(view: View, style: Style) -> RenderableType:
    action = view.action
    if action is None:
        return Text("")
    step = say(style.language, f"step.{action.step}").upper()
    lines = [
        Text(step, style="bold cyan"),
        Text(instruction(action, style.language, measuring=view.phase == "measure"), style="bold"),
    ]
    names = action.weights if action.do == "load" else ()
    lines.append(Text(say(style.language, "do.weights", weights=weights(names)) if names else "", style="dim"))
    return Group(*lines)


def _middle(view: View, style: Style) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=DECK_COLUMNS, min_width=DECK_COLUMNS, no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_row(deck(view, style), _gauges(view, style))
    return grid


def deck(view: View, style: Style) -> Text:
    """Return the platform from above, the front below, with the place to load marked."""
    action = view.action
    top_left, flat, top_right, side, low_left, low_right = style.lines
    inner = DECK_COLUMNS - 2
    rows = [[" "] * inner for _ in range(DECK_ROWS)]
    for place, (row, column) in SLOTS.items():
        _write(rows[row], column, _mark(view, place, style))
    text = Text(top_left + flat * inner + top_right + "\n")
    for cells in rows:
        text.append(side + "".join(cells) + side + "\n")
    front = f" {say(style.language, 'front')} "
    text.append(low_left + front.center(inner, flat) + low_right)
    if action is not None and action.do != "empty" and action.position is not None:
        text.highlight_regex(r"\[[^\]]+\]", "bold reverse")
    return text


def _mark(view: View, place: Position, style: Style) -> str:
    action = view.action
    if action is None or action.position != place or action.do == "empty":
        return "+" if place == "C" else place
    return f"[ {load(action.load_g, style.language) if action.load_g else place} ]"


def _write(row: list[str], column: int, mark: str) -> None:
    """Write at the left, in the middle or at the right."""
    start = {1: 1, 2: (len(row) - len(mark)) // 2, 3: len(row) - len(mark) - 1}[column]
    row[start : start + len(mark)] = list(mark)


def _gauges(view: View, style: Style) -> RenderableType:
    if view.live is None or view.gross_g is None:
        return Text(say(style.language, "no_signal"))
    about = "" if view.believed else say(style.language, "about") + " "
    unsure = f"  ({say(style.language, 'provisional')})" if view.provisional else ""
    lines = [
        Text(about + mass(view.gross_g, style.language) + unsure, style="bold"),
        _rest(view, style),
        Text(_swing(view, style), style="dim"),
        Text(""),
        Text(bar(view.live.progress, style)),
        Text(phase(view, style.language)),
    ]
    return Group(*lines, *_cells(view, style))


def _swing(view: View, style: Style) -> str:
    swing_g = view.live.swing_g if view.live is not None else 0.0
    shown = mass(min(swing_g, 999_999.0), style.language, 1)
    return say(style.language, "swing", swing=shown, band=mass(view.band_g, style.language, 1))


def _rest(view: View, style: Style) -> Text:
    """Return the bar of stability: full at rest, shorter the more the weight swings."""
    swing_g = view.live.swing_g if view.live is not None else view.band_g
    rests = view.live is not None and view.live.rests
    part = 1.0 if swing_g <= view.band_g else view.band_g / swing_g
    word = say(style.language, "rests" if rests else "moves")
    return Text(bar(part, style) + "  " + word, style="green" if rests else "yellow")


def bar(part: float, style: Style) -> str:
    """Return a bar of characters; `part` from 0 to 1."""
    filled = round(GAUGE_COLUMNS * min(max(part, 0.0), 1.0))
    return style.full * filled + style.bare * (GAUGE_COLUMNS - filled)


def _cells(view: View, style: Style) -> list[Text]:
    """Return a bar for each cell, up to its even share of the capacity and half as much again."""
    if len(view.cells_g) < 2:  # noqa: PLR2004 - one cell is the weight itself
        return []
    most_g = max(1.5 * style.capacity_g / len(view.cells_g), *(abs(load_g) for load_g in view.cells_g))
    found = []
    for channel, load_g in enumerate(view.cells_g, 1):
        name = f"{channel} {style.places[channel - 1] if style.places else '':2}"
        shown = f"{mass(load_g, style.language, 0):>10}"
        short = bar(abs(load_g) / most_g, style)[:: 2 if len(view.cells_g) > 4 else 1]  # noqa: PLR2004 - rows
        found.append(Text(f"{name} {short} {shown}"))
    return found


def _talk(view: View, style: Style) -> list[RenderableType]:
    said: list[RenderableType] = []
    if view.typed is not None:
        said.append(Text(f"{phase(view, style.language)} {view.typed}_", style="bold yellow"))
    elif view.question is not None:
        said.append(Text(_say(view.question, style), style="bold yellow"))
    said += [Text(_say(note, style), style="green") for note in view.notes]
    return said


def _say(note: Message, style: Style) -> str:
    return message(note, style.language, style.capacity_g, style.places)
