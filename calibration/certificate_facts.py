"""What a certificate is made of, and how its words and numbers are written."""

import math
from typing import Any

import msgspec

from calibration.captures import Capture, Session
from calibration.certificate_texts import TEXTS, Language
from calibration.placements import is_zero
from calibration.record import Record
from calibration.results import Evaluation, Limits, PointError

DAY_CHARACTERS = 10  # of a time in ISO format
DASH = "\u2013"  # stands where there is nothing
KILOGRAM_G = 1000.0
FIGURES = 2  # significant figures of an uncertainty


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One session with all that belongs to it. `issued` is UTC, RFC 3339; `software` the version that computed it.

    `record` is what was accepted, None where nothing was; `raw_sha256` is of the session's raw captures as stored.
    """

    session: Session
    captures: tuple[Capture, ...]
    evaluation: Evaluation
    issued: str
    software: str
    record: Record | None = None
    raw_sha256: str | None = None
    limits: Limits = Limits()
    laboratory: str = ""
    customer: str = ""
    country: str = "DE"

    @property
    def certifies(self) -> bool:
        """Return whether this is a certificate, not a mere report."""
        return self.evaluation.may_certify and self.session.kind != "single"

    @property
    def why_not(self) -> str:
        """Return the text that says why this is no certificate."""
        if self.session.kind == "single":
            return "why_single"
        failed = any(finding.severity == "fail" for finding in self.evaluation.findings)
        return "why_found" if failed else "why_short"

    @property
    def dates(self) -> tuple[str, str]:
        """Return the first and the last day of measuring."""
        times = sorted([self.session.created, *(capture.time for capture in self.captures)])
        return times[0][:DAY_CHARACTERS], times[-1][:DAY_CHARACTERS]

    @property
    def temperatures_c(self) -> tuple[float, float] | None:
        """Return the lowest and the highest temperature of the load cells; None where nobody measured it."""
        known = [capture.temperature_c for capture in self.captures if capture.temperature_c is not None]
        return (min(known), max(known)) if known else None

    @property
    def knows_grams(self) -> bool:
        """Return whether the instrument indicates grams, and has no cells of ours."""
        return any(capture.indicated_g is not None for capture in self.captures)

    @property
    def heaviest(self) -> PointError | None:
        """Return the error at the heaviest load."""
        return max(self.evaluation.as_left, key=lambda point: point.load_g, default=None)

    @property
    def greatest(self) -> PointError | None:
        """Return the greatest error, in parts of its limit."""
        return max(self.evaluation.as_left, key=lambda point: abs(point.error_g) / point.mpe_g, default=None)

    @property
    def decision(self) -> str:
        """Return the decision, `none` where no error was measured and nothing failed."""
        failed = any(finding.severity == "fail" for finding in self.evaluation.findings)
        return self.evaluation.decision if self.evaluation.as_left or failed else "none"

    def zeros(self) -> list[Capture]:
        """Return the captures of the empty platform."""
        return [capture for capture in self.captures if is_zero(capture) and capture.cells]


class Words:
    """The catalogue in one language, and numbers as its readers write them."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: Any) -> str:
        """Return a text."""
        return TEXTS[key][self.language == "de"].format(**values)

    def known(self, key: str, otherwise: str) -> str:
        """Return a text, or `otherwise` where the catalogue has none."""
        return self(key) if key in TEXTS else otherwise

    def number(self, value: float, digits: int = 2) -> str:
        """Return a number with so many decimals: 1 234.50, in German 1 234,50; thin spaces between thousands."""
        text = f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "\u2212")
        text = "0" + text[2:] if text.startswith("\u22120") and not text.strip("\u22120.") else text
        return text.replace(".", ",") if self.language == "de" else text

    def signed(self, value: float, digits: int = 2) -> str:
        """Return a number with its sign."""
        return ("+" if value > 0 else "") + self.number(value, digits)

    def short(self, value: float, figures: int = 4) -> str:
        """Return a number with so many significant figures."""
        if value == 0 or not math.isfinite(value):
            return "0" if value == 0 else "\u221e"
        digits = figures - 1 - math.floor(math.log10(abs(value)))
        return self.number(value, min(max(digits, 0), 8))

    def plain(self, value: float) -> str:
        """Return a number as short as it goes, for axes and nominal values."""
        text = f"{value:.6g}".replace("-", "\u2212")
        return text.replace(".", ",") if self.language == "de" else text

    def grams(self, value: float, digits: int = 2) -> str:
        """Return grams with their unit."""
        return f"{self.number(value, digits)} g"

    def load(self, grams: float) -> str:
        """Return a load: 20 kg, 500 g."""
        if abs(grams) >= KILOGRAM_G:
            return f"{self.plain(grams / KILOGRAM_G)} kg"
        return f"{self.plain(grams)} g"

    def percent(self, value: float, digits: int = 2) -> str:
        """Return a part of one as per cent."""
        return f"{self.number(100 * value, digits)} %"


def digits_of(uncertainty_g: float) -> int:
    """Return the decimals with which a value of this uncertainty is written: two significant figures of it."""
    if uncertainty_g <= 0:
        return 2
    return min(max(FIGURES - 1 - math.floor(math.log10(uncertainty_g)), 0), 4)


def rule(limits: Limits, words: Words) -> str:
    """Return the decision rule in words."""
    how = words("rule_guarded" if limits.guarded else "rule_simple")
    return words("rule_text", period=words("rule_service" if limits.in_service else "rule_first"), how=how)
