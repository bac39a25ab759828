"""The certificate as one HTML page: self-contained, printable on A4, in the language that is asked for."""

from collections.abc import Iterable
from html import escape

from calibration import certificate_plots as plots
from calibration import certificate_tables as tables
from calibration.certificate_facts import DASH, KILOGRAM_G, Facts, Words, digits_of, rule
from calibration.certificate_style import CSS
from calibration.certificate_texts import Language
from calibration.completeness import deviations
from calibration.model import Calibration
from calibration.results import Eccentricity, MinimumWeight, Repeatability
from calibration.svg import ACCENT, BAD, COLOURS, SECOND


def page(facts: Facts, language: Language) -> str:
    """Return the page."""
    words = Words(language)
    title = f"{words('certificate' if facts.certifies else 'report')} {facts.session.session_id}"
    sections = (
        _head(facts, words), _result(facts, words), _identity(facts, words), _means(facts, words),
        _errors(facts, words), _corners(facts, words), _repeatability(facts, words), _slow(facts, words),
        _cells(facts, words), _findings(facts, words), _proof(facts, words), _raw(facts, words),
    )  # fmt: skip
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{CSS}</style></head><body>\n{chr(10).join(filter(None, sections))}\n</body></html>\n"
    )


def _head(facts: Facts, words: Words) -> str:
    name = words("certificate" if facts.certifies else "report")
    why = "" if facts.certifies else f"<p><b>{words('no_certificate', why=words(facts.why_not))}</b></p>"
    subject = f"{words('subject')} {escape(facts.session.station)} · {escape(facts.session.session_id)}"
    return f"<header><h1>{name}</h1><p>{subject}</p>{why}</header>"


def _result(facts: Facts, words: Words) -> str:
    decision = facts.decision
    rows = [] if decision != "none" else [(words("errors"), words("decision_why"))]
    if (worst := facts.greatest) is not None:
        digits = digits_of(worst.budget.expanded_g)
        at = words("at_load", load=words.load(worst.load_g))
        rows.append((words("greatest_error"), f"{words.signed(worst.error_g, digits)} g {at}"))
    if (heaviest := facts.heaviest) is not None:
        expanded = words.grams(heaviest.budget.expanded_g, digits_of(heaviest.budget.expanded_g))
        rows.append((words("uncertainty_max"), f"{expanded} (k = {words.number(heaviest.budget.k, 2)})"))
    if facts.evaluation.minimum_weight is not None:
        rows.append((words("minimum_weight"), _minimum(facts.evaluation.minimum_weight, words)))
    kind = decision.split(maxsplit=1)[0]
    box = f"<strong>{tables.decided(decision, words)}</strong>{tables.pairs(rows)}"
    stability = words("no_stability") + ("" if facts.knows_grams else f" {words('adjusted_here')}")
    return (
        f'<div class="result {kind}">{box}</div>'
        f"<p><b>{words('rule')}.</b> {rule(facts.limits, words)}</p>"
        f'<p class="note">{words("not_legal")} {stability}</p>'
    )


def method(facts: Facts, words: Words) -> str:
    """Return how it was measured, as far as it was."""
    found = facts.evaluation
    said = [words("method_text")]
    said += [words("method_corners", method=found.eccentricity[0].method)] if found.eccentricity else []
    said += [words("method_repeats")] if found.repeatability else []
    said += [words("method_cells")] if found.gains is not None else []
    return " ".join(said)


def _minimum(found: MinimumWeight, words: Words) -> str:
    weight = words("none_reached") if found.weight_g is None else words.grams(found.weight_g, 0)
    how = words(
        "minimum_how", required=words.percent(found.required_rel, 1), factor=words.plain(found.safety_factor),
        alpha=words.grams(found.alpha_g, 1), beta=words.short(found.beta, 2),
    )  # fmt: skip
    return f"{weight} ({how})"


def _identity(facts: Facts, words: Words) -> str:
    return _section(words("identity"), tables.identity(facts, words))


def _means(facts: Facts, words: Words) -> str:
    check = facts.evaluation.weights
    parts = [tables.weights(facts, words)]
    if check is not None and check.tolerance_g is not None and check.part is not None:
        said = words(
            "suitability", load=words.load(check.load_g), tolerance=words.grams(check.tolerance_g, 2),
            part=words.percent(check.part, 0), mpe=words.grams(check.mpe_g, 1),
        )  # fmt: skip
        parts.append(f"<p>{said}</p>")
    measured = facts.temperatures_c
    temperature = words("not_measured")
    if measured is not None:
        low, high = (words.number(value, 1) for value in measured)
        temperature = words("from_to", low=f"{low} °C", high=f"{high} °C")
    departed = "; ".join(map(escape, deviations(facts.session, facts.captures, words.language))) or words("none")
    rows = (
        (words("method"), method(facts, words)),
        (words("zero_device"), words("zero_own" if facts.knows_grams else "zero_off")),
        (words("environment"), temperature),
        (words("deviations"), departed),
    )
    return _section(words("means"), *parts, *(f"<p><b>{name}.</b> {value}</p>" for name, value in rows))


def _errors(facts: Facts, words: Words) -> str:
    result = facts.evaluation
    if not result.as_left and not result.as_found:
        return ""
    parts = []
    if result.as_left:
        colours = [(ACCENT, f"{words('as_left')} ±U (▲ {words('up')}, ▼ {words('down')})"), (BAD, words("mpe"))]
        colours += [(SECOND, f"○ {words('as_found')}")] if result.as_found else []
        colours += [(SECOND, f"&ndash; &ndash; {words('curve')}")] if result.curve is not None else []
        drawn = _figure(words("plot_errors"), plots.errors(facts, words) + plots.legend(colours), wide=True)
        parts += [f'<div class="plots">{drawn}</div>', f"<h3>{words('as_left')}</h3>", _points(facts, words)]
    found = tables.errors(result.as_found, words) if result.as_found else f"<p>{words('as_found_none')}</p>"
    parts.append(f"<h3>{words('as_found')}</h3>{found}" if result.as_found else found)
    if (heaviest := facts.heaviest) is not None:
        direction = words(heaviest.direction) if heaviest.direction else DASH
        at = words("budget_at", load=words.load(heaviest.load_g), direction=direction).removesuffix(f", {DASH}")
        parts.append(f"<h3>{words('budget')}, {at}</h3>{tables.budget(heaviest, words)}")
    return _section(words("errors"), *parts)


def _points(facts: Facts, words: Words) -> str:
    curve = facts.evaluation.curve
    shown = tables.errors(facts.evaluation.as_left, words)
    if curve is None:
        return shown
    said = words(
        "curve_text", slope=_per_kg(curve.slope, 3, words), sd=_per_kg(curve.slope_sd, 2, words),
        chi2=words.number(curve.chi2, 1), dof=curve.dof, limit=words.number(curve.chi2_limit, 1),
        verdict=words("curve_fits" if curve.accepted else "curve_misfits"),
    )  # fmt: skip
    return f"{shown}<p>{said}</p>"


def _per_kg(slope: float, figures: int, words: Words) -> str:
    return f"{words.short(slope * KILOGRAM_G, figures)} g/kg"


def _corners(facts: Facts, words: Words) -> str:
    parts = [
        f'<div class="plots">{_figure(words("plot_corners"), plots.corners(test, words))}'
        f"<div>{_corner_table(test, words)}</div></div>"
        for test in facts.evaluation.eccentricity
    ]
    return _section(words("eccentricity"), *parts) if parts else ""


def _corner_table(test: Eccentricity, words: Words) -> str:
    rows = [
        (
            words(row.position), f"{words.signed(row.difference_g)} g",
            DASH if row.error_g is None else f"{words.signed(row.error_g)} g", f"±{words.grams(test.mpe_g, 1)}",
        )
        for row in test.rows
    ]  # fmt: skip
    return tables.table([words("position"), words("difference"), words("error"), words("mpe")], rows, kind="numbers")


def _repeatability(facts: Facts, words: Words) -> str:
    tests = facts.evaluation.repeatability
    if not tests:
        return ""
    keys = [
        (COLOURS[number % len(COLOURS)], words("placements", count=len(test.readings_g), load=words.load(test.load_g)))
        for number, test in enumerate(tests)
    ]
    drawn = _figure(words("plot_runs"), plots.runs(facts, words) + plots.legend(keys))
    shown = "".join(_run_table(test, words) for test in tests)
    return _section(words("repeatability"), f'<div class="plots">{drawn}<div>{shown}</div></div>')


def _run_table(test: Repeatability, words: Words) -> str:
    rows = [(str(number), words.grams(reading)) for number, reading in enumerate(test.readings_g, 1)]
    said = (
        f"{words('std')} = {words.grams(test.sd_g, 3)}, {words('range')} {words.grams(test.range_g, 2)}, "
        f"{words('mpe')} {words.grams(test.mpe_g, 1)}"
    )
    title = words("placements", count=len(test.readings_g), load=words.load(test.load_g))
    return f"<p><b>{title}.</b> {said}</p>{tables.table([words('no'), words('reading')], rows, kind='numbers')}"


def _slow(facts: Facts, words: Words) -> str:
    """Return creep, hysteresis and temperature, as far as they were measured."""
    result = facts.evaluation
    parts = []
    if result.creep is not None:
        found = result.creep
        said = words(
            "creep_text", load=words.load(found.load_g), minutes=words.plain(round(found.minutes, 1)),
            change=f"{words.signed(found.change_g)} g", late=_grams(found.late_change_g, words),
            back=_grams(found.zero_return_g, words),
        )  # fmt: skip
        drawn = plots.creep(facts, words)
        parts.append(f"<p>{said}</p>")
        parts += [f'<div class="plots">{_figure(words("plot_creep"), drawn)}</div>'] if drawn else []
    if result.hysteresis is not None:
        rows = [(words.load(load_g), f"{words.signed(off_g)} g") for load_g, off_g in result.hysteresis.rows]
        shown = tables.table([words("load"), words("down_up")], rows, kind="numbers narrow")
        parts.append(f"<h3>{words('hysteresis')}</h3>{shown}")
    calibration = in_force(facts)
    drawn = "" if calibration is None else plots.zero(facts, calibration, words)
    parts += [f'<div class="plots">{_figure(words("plot_zero"), drawn)}</div>'] if drawn else []
    if result.temperature is not None:
        used = words("used" if result.temperature.zero_used else "unused")
        swing = f"{words.number(result.temperature.swing_k, 1)} K"
        said = words("temperature_text", swing=swing, zero=_grams(result.temperature.zero_g_per_k, words), used=used)
        parts.append(f"<p>{said}</p>")
    return _section(words("slow"), *parts) if parts else ""


def in_force(facts: Facts) -> Calibration | None:
    """Return the calibration that the report is of; None for an instrument that knows grams."""
    if facts.knows_grams:
        return None
    return facts.evaluation.calibration or (None if facts.record is None else facts.record.calibration)


def _cells(facts: Facts, words: Words) -> str:
    calibration = in_force(facts)
    if calibration is None:
        return ""
    gains, parts = facts.evaluation.gains, [tables.cells(facts, calibration, words)]
    if gains is not None:
        said = words(
            "rank_text", rank=gains.rank, cells=len(calibration.cells), spread=words.percent(gains.spread, 2),
            parity=_grams(gains.parity_g, words), kappa=DASH if gains.kappa is None else words.number(gains.kappa, 3),
        )  # fmt: skip
        parts.append(f"<p>{said}</p>")
    if calibration.linearity:
        knots = [(words.load(k.load_g), f"{words.signed(k.correction_g)} g") for k in calibration.linearity]
        parts.append(f"<h3>{words('linearity')}</h3>{tables.table([words('load'), 'g'], knots, kind='numbers narrow')}")
    drawn = [
        _figure(words(key), picture)
        for key, picture in (
            ("plot_shares", plots.shares(facts, calibration, words)),
            ("plot_noise", plots.noise(facts, calibration, words)),
        )
        if picture
    ]
    keys = [(COLOURS[n % len(COLOURS)], f"{words('cell')} {n + 1}") for n in range(len(calibration.cells))]
    parts += [f'<div class="plots">{"".join(drawn)}</div><p>{plots.legend(keys)}</p>'] if drawn else []
    return _section(words("cells"), *parts)


def _findings(facts: Facts, words: Words) -> str:
    found = facts.evaluation.findings
    return _section(words("findings"), tables.findings(found, words)) if found else ""


def _proof(facts: Facts, words: Words) -> str:
    record, digest = facts.record, facts.raw_sha256 or (facts.record.captures_sha256 if facts.record else None)
    rows = [(words("raw_hash"), f"<code>{escape(digest)}</code>" if digest else words("not_stated"))]
    if record is None:
        return _section(words("proof"), _listed(rows), f"<p>{words('not_accepted')}</p>")
    rows += [
        (words("version"), f"<code>{escape(record.version)}</code>"),
        (words("key"), f"<code>{escape(record.key_id or DASH)}</code>"),
        (words("signature"), f"<code>{escape(record.signature or DASH)}</code>"),
    ]
    return _section(words("proof"), _listed(rows))


def _raw(facts: Facts, words: Words) -> str:
    if not facts.captures:
        return ""
    said = words("raw_text_g" if facts.knows_grams else "raw_text")
    return _section(words("raw"), f"<p>{said}</p>", tables.raw(facts, words))


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{title}</h2>{''.join(parts)}</section>"


def _figure(caption: str, drawn: str, *, wide: bool = False) -> str:
    return f"<figure{' class=wide' if wide else ''}><figcaption>{caption}</figcaption>{drawn}</figure>"


def _listed(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<p><b>{name}.</b> {value}</p>" for name, value in rows)


def _grams(value: float | None, words: Words) -> str:
    return DASH if value is None else f"{words.signed(value)} g"
