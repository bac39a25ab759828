"""The tables of the certificate as HTML: identity, weights, errors, budget, corners, repeatability, cells, raw data."""

from collections.abc import Iterable, Sequence
from html import escape

from calibration import finding_words
from calibration.captures import Capture, CellCounts
from calibration.certificate_facts import DASH, DAY_CHARACTERS, Facts, Words, digits_of
from calibration.model import Calibration
from calibration.placements import readings
from calibration.results import Finding, PointError

NOTHING = 1e-4  # a part that is not worth its digits
FREE = 1000.0  # degrees of freedom that are as good as infinite


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str = "") -> str:
    """Return a table; cells are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Return a list of names and values; empty values are left out."""
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows if value)
    return f"<dl>{shown}</dl>"


def identity(facts: Facts, words: Words) -> str:
    """Return what was calibrated, by whom, when and where."""
    session, hardware = facts.session, facts.session.hardware
    begin, end = facts.dates
    converter = [escape(hardware.driver)]
    converter += [] if facts.knows_grams else [words("channels", count=hardware.channels)]
    converter += [words("gain", gain=hardware.gain)] if hardware.gain is not None else []
    converter += [words("rate", rate=words.plain(hardware.rate_hz))] if hardware.rate_hz is not None else []
    places = "; ".join(f"{words.plain(x)}, {words.plain(y)}" for x, y in session.positions_mm or ())
    gravity = session.gravity_m_s2
    due = facts.record.due if facts.record is not None else None
    rows = (
        (words("station"), escape(session.station)),
        (words("scale"), f"{session.scale} ({escape(hardware.part)})"),
        (words("serial"), escape(hardware.serial or words("not_stated"))),
        (words("hardware"), ", ".join(converter)),
        (words("cells_mm"), places),
        (words("capacity"), words.load(session.capacity_g)),
        (words("division"), words.load(session.division_g)),
        (words("interval"), words.load(session.verification_interval_g)),
        (words("place"), escape(session.place or words("not_stated"))),
        (words("gravity"), "" if gravity is None else f"{words.number(gravity, 4)} m/s²"),
        (words("laboratory"), escape(facts.laboratory)),
        (words("operator"), escape(session.operator)),
        (words("performed"), begin if begin == end else words("from_to", low=begin, high=end)),
        (words("issued"), facts.issued[:DAY_CHARACTERS]),
        (words("due"), escape(due or words("not_stated"))),
        (words("session"), f"{escape(session.session_id)}, {words(f'kind.{session.kind}')}"),
        (words("software"), escape(facts.software)),
    )
    return pairs(rows)


def weights(facts: Facts, words: Words) -> str:
    """Return the test weights."""
    if not facts.session.weights:
        return f"<p>{words('typed_loads')}</p>"
    head = [words(key) for key in ("weight", "nominal", "class", "conventional")]
    head += ["U (k)", words("certificate_no"), words("valid_to")]
    rows = []
    for weight in facts.session.weights:
        known = weight.conventional_g
        expanded = weight.expanded_g
        rows.append((
            escape(weight.weight_id),
            words.load(weight.nominal_g),
            weight.weight_class or DASH,
            DASH if known is None else words.grams(known, 3),
            DASH if expanded is None else f"{words.grams(expanded, 3)} ({words.plain(weight.coverage_k)})",
            escape(weight.certificate or DASH),
            escape(weight.due or DASH),
        ))  # fmt: skip
    return table(head, rows)


def errors(points: Sequence[PointError], words: Words) -> str:
    """Return errors with their uncertainty and decision."""
    head = [words("load"), words("direction"), words("indication"), words("error"), "U", "k", "&nu;<sub>eff</sub>"]
    head += [words("mpe"), words("decision")]
    rows = []
    digits = max((digits_of(point.budget.expanded_g) for point in points), default=2)
    for point in points:
        budget = point.budget
        rows.append((
            words.load(point.load_g),
            words(point.direction) if point.direction else DASH,
            words.grams(point.indicated_g, digits),
            f"{words.signed(point.error_g, digits)} g",
            words.grams(budget.expanded_g, digits),
            words.number(budget.k, 2),
            _freedom(budget.nu_eff, words),
            f"±{words.grams(point.mpe_g, 1)}",
            decided(point.decision, words),
        ))  # fmt: skip
    return table(head, rows, kind="numbers")


def _freedom(dof: float | None, words: Words) -> str:
    return "∞" if dof is None or dof > FREE else words.number(dof, 0)


def decided(decision: str, words: Words) -> str:
    """Return a decision with its colour."""
    kind = {"pass": "good", "fail": "bad", "none": "plain"}.get(decision, "fair")
    return f'<span class="{kind}">{words(f"decision.{decision}")}</span>'


def budget(point: PointError, words: Words) -> str:
    """Return the uncertainty budget at one load."""
    most = point.budget.sd_g or 1.0
    rows = [
        (
            escape(words.known(f"part.{part.name}", part.name)),
            words.grams(part.sd_g, 3),
            _freedom(part.dof, words),
            f'<span class="bar" style="width:{100 * min(part.sd_g / most, 1):.0f}%"></span>',
        )
        for part in point.budget.parts
    ]
    rows.append((
        f"<b>{words('combined')}</b>", words.grams(point.budget.sd_g, 3), _freedom(point.budget.nu_eff, words), ""
    ))  # fmt: skip
    expanded = f"<b>{words.grams(point.budget.expanded_g, 3)}</b>"
    rows.append((f"<b>{words('expanded')}</b>", expanded, "", f"k = {words.number(point.budget.k, 3)}"))
    return table([words("part"), words("standard_u"), words("dof"), ""], rows, kind="numbers budget")


def cells(facts: Facts, calibration: Calibration, words: Words) -> str:
    """Return each cell's zero, sensitivity, its uncertainty, and noise."""
    gains, noise = facts.evaluation.gains, facts.evaluation.noise
    rows = []
    for number, cell in enumerate(calibration.cells):
        known = gains is not None and number < len(gains.rel_sd)
        rows.append((
            str(number + 1),
            words.number(cell.zero_counts, 1),
            words.number(cell.counts_per_g, 5),
            words.percent(gains.rel_sd[number], 4) if gains is not None and known else DASH,
            words.grams(noise[number].noise_g, 3) if number < len(noise) else DASH,
        ))  # fmt: skip
    head = [words("cell"), words("zero_counts"), words("per_gram"), words("rel_u"), words("noise")]
    return table(head, rows, kind="numbers")


def findings(found: Sequence[Finding], words: Words) -> str:
    """Return what was found, failures first."""
    rows = []
    for finding in found:
        kind = {"pass": "good", "warn": "fair", "fail": "bad"}[finding.severity]
        rows.append((
            f'<span class="{kind}">{words(f"outcome.{finding.severity}")}</span>',
            escape(finding_words.place(finding.where, words.language)),
            escape(told(finding, words)),
            _measured(finding.value, finding.unit, words),
            _measured(finding.limit, finding.unit, words),
        ))  # fmt: skip
    head = [words("outcome"), words("where"), words("finding"), words("value"), words("limit")]
    return table(head, rows, kind="findings")


def told(finding: Finding, words: Words) -> str:
    """Return what was found, with what helps."""
    helps = finding_words.remedy(finding, words.language)
    return finding_words.title(finding, words.language) + (f": {helps}" if helps else "")


def _measured(value: float | None, unit: str, words: Words) -> str:
    if value is None:
        return DASH
    if unit == "g":
        return words.grams(value, 2)
    if 0 < abs(value) < NOTHING:
        return f"< {words.plain(NOTHING)}"
    return f"{words.short(value, 3)} {'MPE' if unit == 'mpe' else escape(unit)}".strip()


def raw(facts: Facts, words: Words) -> str:
    """Return every capture, as it was taken."""
    wide = max((len(readings(capture)) for capture in facts.captures), default=0)
    channel = [words("indication")] if facts.knows_grams else [f"{words('cell')} {n + 1}" for n in range(wide)]
    head = [words("no"), words("step"), words("series"), words("load"), words("where"), *channel, "n", "°C"]
    rows = [_raw(capture, wide, words) for capture in facts.captures]
    return table([*head, words("remarks")], rows, kind="raw")


def _raw(capture: Capture, wide: int, words: Words) -> list[str]:
    where = [words(capture.position)] if capture.position else []
    where += [words(capture.direction)] if capture.direction else []
    found = readings(capture)
    shown = [_reading(cell, words, in_grams=capture.indicated_g is not None) for cell in found]
    count = str(min(cell.n for cell in found)) if found else DASH
    temperature = DASH if capture.temperature_c is None else words.number(capture.temperature_c, 1)
    return [
        str(capture.number), words(f"step.{capture.step}"), str(capture.series), words.load(capture.load_g),
        ", ".join(where) or DASH, *(shown or [DASH] * wide), count, temperature, escape(_remarks(capture, words)),
    ]  # fmt: skip


def _reading(cell: CellCounts, words: Words, *, in_grams: bool) -> str:
    return f"{words.number(cell.mean, 2 if in_grams else 1)} ±{words.number(cell.sd, 2 if in_grams else 1)}"


def _remarks(capture: Capture, words: Words) -> str:
    said = [] if capture.stable or capture.skipped else [words("stable_not")]
    said += [words("skipped", why=capture.skipped)] if capture.skipped else []
    said += [words("replaces", number=capture.replaces)] if capture.replaces is not None else []
    return "; ".join([*said, *capture.flags, *([capture.note] if capture.note else []), *_names(capture)])


def _names(capture: Capture) -> list[str]:
    """Return the names of the weights, each to be kept on one line."""
    return [name.replace("-", "\u2011").replace(" ", "\u00a0") for name in capture.weights]
