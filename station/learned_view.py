"""What a station has learned, for people and for export: read from its lessons, never written."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from station import lessons
from station.core.beliefs import Beliefs
from station.core.learned import Note
from station.core.learned_snapshot import SnapshotError, load
from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.product import Product
from station.lessons import LessonsError, LessonStore

PLOT_WIDTH = 48
HELD_SD = 0.5  # of one unit
FIRST_DAY = 3650.0  # since 1970: before, lessons are only counted
UNITS_MAX = 100_000  # that an exported mean may be said to rest on


class View:
    """The learner of a state directory, as it stands, and the histories of its products."""

    def __init__(self, state_dir: Path, products: Sequence[Product]) -> None:
        path = lessons.path_in(state_dir)
        self.learner = Learner(Beliefs.of(products), LearningSettings())
        self._store = LessonStore(path, read_only=True) if path.exists() else None
        if self._store is not None:
            stored = self._store.load()
            try:
                if stored.state is not None:
                    load(self.learner, stored.state)
            except SnapshotError as error:
                raise LessonsError(str(error), "restart the station; it sets the file aside") from error
            for lesson in stored.lessons:
                self.learner.learn(lesson)

    def learned(self, gtin14: str) -> dict[str, Any] | None:
        """Return what is believed of a product and on what grounds, None if nothing was learned of it."""
        place = self.learner.beliefs.index.get(gtin14)
        state, beliefs = self.learner.state, self.learner.beliefs
        if place is None or state.evidence[place] <= 0:
            return None
        return {
            "mean_g": round(float(beliefs.mean_g[place]), 2), "mean_sd_g": round(float(beliefs.mean_sd_g[place]), 2),
            "unit_sd_g": round(float(beliefs.unit_sd_g[place]), 2), "units": round(float(state.evidence[place]), 1),
            "attended_units": round(float(state.attended[place]), 1), "shoppers": state.shoppers(place),
            "since": _date(float(state.since_day[place])),
            "source": "attendant" if state.attended[place] > 0 else "accepted baskets",
            "status": self._status(place), "said_g": round(float(state.mean_g[place]), 2),
            "catalogue_g": round(float(state.stated_g[place]), 2),
        }  # fmt: skip

    def _status(self, place: int) -> str:
        """Return what is to be thought of a mean: `held back` while one shopper's word, or a few, is not let out."""
        state = self.learner.state
        if state.shifts.changing[place]:
            return "changing"
        held_g, unit_g = abs(float(state.held_g[place])), float(state.sigma_g2[place] ** 0.5)
        return "held back" if held_g > HELD_SD * unit_g else "trusted"

    def history(self, gtin14: str) -> list[Note]:
        """Return the points of a product's history, oldest first."""
        return [] if self._store is None else self._store.history(gtin14)

    def as_catalogue(self, product: Product) -> tuple[Product, dict[str, Any]]:
        """Return the product with its learned weight, and where that comes from.

        The mean is said to rest on as many units as would make it that certain.
        """
        learned = self.learned(product.gtin)
        if learned is None:
            return product, {}
        units = (learned["unit_sd_g"] / max(learned["mean_sd_g"], 1e-3)) ** 2
        changed = msgspec.structs.replace(
            product, weight_g=learned["mean_g"], weight_sd_g=learned["unit_sd_g"],
            weight_n=min(max(int(units), 1), UNITS_MAX),
        )  # fmt: skip
        return changed, {f"learned_{name}": learned[name] for name in PROVENANCE}


PROVENANCE = "units", "attended_units", "shoppers", "since", "source", "status", "catalogue_g"


STATUS = {
    "trusted": "trusted",
    "held back": "held back: baskets say {said_g:.1f} g, but too few shoppers, or they differ",
    "changing": "changing: baskets say that it is another product now; waits for different shoppers, or staff",
}


def told(learned: dict[str, Any], history: Sequence[Note]) -> list[str]:
    """Return the lines that tell a person of a learned product: belief, history, and a small plot."""
    shoppers = f"about {learned['shoppers']} shoppers" if learned["shoppers"] else "shoppers without a pseudonym"
    since = f", since {learned['since']}" if learned["since"] else ""
    lines = [
        (
            f"{'learned':<16} {learned['mean_g']:.1f} ± {learned['mean_sd_g']:.1f} g; units scatter by"
            f" {learned['unit_sd_g']:.1f} g; the catalogue's is {learned['catalogue_g']:.1f} g"
        ),
        (
            f"{'rests on':<16} {learned['units']:.0f} units, {learned['attended_units']:.0f} of them seen by staff;"
            f" {shoppers}{since}"
        ),
        f"{'status':<16} {STATUS[learned['status']].format(**learned)}",
    ]
    return [*lines, "", *_plot(history, learned["catalogue_g"])] if history else lines


def _plot(history: Sequence[Note], catalogue_g: float) -> list[str]:
    """Return a line for each point: the mean as `o` between two standard deviations; `|` is the catalogue's."""
    low = min(catalogue_g, *(point.mean_g - 2 * point.mean_sd_g for point in history))
    high = max(catalogue_g, *(point.mean_g + 2 * point.mean_sd_g for point in history))
    step = max(high - low, 1e-6) / (PLOT_WIDTH - 1)

    def at(weight_g: float) -> int:
        return min(max(round((weight_g - low) / step), 0), PLOT_WIDTH - 1)

    days = any(point.day > FIRST_DAY for point in history)
    when, width = ("day", 10) if days else ("lesson", 8)
    lines = [f"{when:>{width}} {low:<{PLOT_WIDTH // 2}.1f}{high:>{PLOT_WIDTH // 2}.1f} g"]
    for point in history:
        bar = [" "] * PLOT_WIDTH
        first, last = at(point.mean_g - 2 * point.mean_sd_g), at(point.mean_g + 2 * point.mean_sd_g)
        bar[first : last + 1] = "-" * (last + 1 - first)
        bar[at(catalogue_g)] = "|"
        bar[at(point.mean_g)] = "o"
        name = (_date(point.day) or "") if days else str(point.number)
        lines.append(f"{name:>{width}} {''.join(bar)} {point.mean_g:.1f} ± {point.mean_sd_g:.1f}  {point.why}")
    return lines


def _date(day: float) -> str | None:
    if day <= 0:
        return None
    return (dt.date(1970, 1, 1) + dt.timedelta(days=int(day))).isoformat()
