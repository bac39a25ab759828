"""The results of a Digital Calibration Certificate: errors, corners, repeatability, creep, cells, findings."""

from collections.abc import Sequence

from calibration.captures import Position
from calibration.certificate_facts import Facts
from calibration.certificate_html import in_force
from calibration.certificate_tables import told
from calibration.dcc_xml import BOTH, GRAM, ONE, Element, Uncertain, bilingual, dcc, listed, quantity, real, reals, said
from calibration.finding_words import place
from calibration.model import Calibration
from calibration.results import Eccentricity, PointError, Repeatability

CONFORMITIES = {
    "pass": "pass", "fail": "fail", "conditional pass": "conditionalPass", "conditional fail": "conditionalFail",
}  # fmt: skip
PLACES: dict[Position, str] = {"C": "C", "FL": "FL", "FR": "FR", "BR": "BR", "BL": "BL"}


def results(parent: Element, facts: Facts) -> None:
    """Add all results; a session that measured nothing says so."""
    found = facts.evaluation
    for key, points in (("as_found", found.as_found), ("as_left", found.as_left)):
        if points:
            _errors(parent, key, points)
    for placed in found.eccentricity:
        _corners(parent, placed)
    for repeated in found.repeatability:
        _repeated(parent, repeated)
    _singles(parent, facts)
    calibration = in_force(facts)
    if calibration is not None:
        _cells(parent, calibration)
    _findings(parent, facts)


def _result(parent: Element, key: str, **values: object) -> Element:
    made = dcc(parent, "result")
    said(made, "name", key, **values)
    return dcc(made, "data")


def _errors(parent: Element, key: str, points: Sequence[PointError]) -> None:
    made = dcc(_result(parent, key), "list", refType="basic_measurementResult")
    said(made, "name", "errors")
    reals(quantity(made, "load", "basic_referenceValue"), [point.load_g for point in points], GRAM)
    reals(quantity(made, "indication", "basic_measuredValue"), [point.indicated_g for point in points], GRAM)
    error = quantity(made, "error", "basic_measurementError")
    uncertain = Uncertain([point.budget.expanded_g for point in points], [point.budget.k for point in points])
    reals(error, [point.error_g for point in points], GRAM, uncertain)
    _judged(error, points)
    for sign, ref_type in ((-1, "basic_acceptanceLimitLower"), (1, "basic_acceptanceLimitUpper")):
        reals(quantity(made, "mpe", ref_type), [sign * point.mpe_g for point in points], GRAM)
    if all(point.direction for point in points):
        _words(made, "direction", [point.direction or "" for point in points])


def _judged(parent: Element, points: Sequence[PointError]) -> None:
    """Add how each error stands to its limit."""
    data = dcc(dcc(parent, "measurementMetaData"), "metaData", refType="basic_conformity")
    said(data, "name", "decision")
    dcc(data, "conformityXMLList", " ".join(CONFORMITIES[point.decision] for point in points))


def _words(parent: Element, key: str, texts: Sequence[str]) -> None:
    made = dcc(parent, "quantity", refType="basic_label")
    said(made, "name", key)
    dcc(made, "charsXMLList", listed(texts))


def _corners(parent: Element, test: Eccentricity) -> None:
    made = dcc(_result(parent, "eccentricity"), "list")
    said(made, "name", "eccentricity")
    _words(made, "position", [PLACES[row.position] for row in test.rows])
    differences = quantity(made, "difference", "basic_measuredValue")
    expanded = [2 * test.sd_g] * len(test.rows)
    reals(differences, [row.difference_g for row in test.rows], GRAM, Uncertain(expanded, [2.0] * len(test.rows)))
    real(quantity(made, "load", "basic_nominalValue"), test.load_g, GRAM)
    real(quantity(made, "mpe", "basic_acceptanceLimitUpper"), test.mpe_g, GRAM)


def _repeated(parent: Element, test: Repeatability) -> None:
    made = dcc(_result(parent, "repeatability"), "list")
    said(made, "name", "repeatability")
    reals(quantity(made, "reading", "basic_measuredValue"), test.readings_g, GRAM)
    real(quantity(made, "load", "basic_nominalValue"), test.load_g, GRAM)
    real(quantity(made, "std", "basic_standardDeviation"), test.sd_g, GRAM)
    real(quantity(made, "range", "basic_range"), test.range_g, GRAM)
    real(quantity(made, "mpe", "basic_acceptanceLimitUpper"), test.mpe_g, GRAM)


def _singles(parent: Element, facts: Facts) -> None:
    """Add what is one value or one series: creep, hysteresis, the curve, the minimum weight."""
    found = facts.evaluation
    if found.creep is not None:
        made = dcc(_result(parent, "creep"), "list")
        said(made, "name", "creep")
        real(quantity(made, "load", "basic_nominalValue"), found.creep.load_g, GRAM)
        real(quantity(made, "plot_creep", "basic_measuredValue"), found.creep.change_g, GRAM)
        reals(quantity(made, "axis_minutes", "basic_time"), [s for s, _ in found.creep.series] or [0.0], r"\second")
        reals(quantity(made, "axis_change", "basic_measuredValue"), [g for _, g in found.creep.series] or [0.0], GRAM)
    if found.hysteresis is not None and found.hysteresis.rows:
        made = dcc(_result(parent, "hysteresis"), "list")
        said(made, "name", "hysteresis")
        reals(quantity(made, "load", "basic_nominalValue"), [load for load, _ in found.hysteresis.rows], GRAM)
        reals(quantity(made, "down_up", "basic_measuredValue"), [off for _, off in found.hysteresis.rows], GRAM)
    if found.curve is not None:
        real(quantity(_result(parent, "curve"), "curve", "basic_slope"), found.curve.slope, ONE)
    minimum = found.minimum_weight
    if minimum is not None and minimum.weight_g is not None:
        data = _result(parent, "minimum_weight")
        real(quantity(data, "minimum_weight", "basic_minimumWeight"), minimum.weight_g, GRAM)


def _cells(parent: Element, calibration: Calibration) -> None:
    made = dcc(_result(parent, "cells"), "list")
    said(made, "name", "cells")
    reals(quantity(made, "zero_counts", "basic_zero"), [cell.zero_counts for cell in calibration.cells], ONE)
    per_gram = [cell.counts_per_g for cell in calibration.cells]
    reals(quantity(made, "per_gram", "basic_sensitivity"), per_gram, r"\gram\tothe{-1}")


def _findings(parent: Element, facts: Facts) -> None:
    """Add what was found in words, and that nothing was."""
    data = _result(parent, "findings")
    bad = [finding for finding in facts.evaluation.findings if finding.severity != "pass"]
    if not bad:
        said(data, "text", "none")
    for finding in bad:
        texts = [f"{place(finding.where, words.language)}: {told(finding, words)}" for words in BOTH]
        bilingual(data, "text", *texts)
