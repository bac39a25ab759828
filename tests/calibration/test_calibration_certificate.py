"""Certificates of real sessions: the page, the JSON and the digital certificate say the same, in both languages."""

import json
import re
import string
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from dcclib.validation.schematron import SchematronValidator

from calibration import certificate, certificate_pdf, dcc_xml, svg
from calibration import certificate_plots as plots
from calibration.certificate_dcc import encode as dcc
from calibration.certificate_dcc import release
from calibration.certificate_facts import Words, digits_of
from calibration.certificate_html import page
from calibration.certificate_json import document
from calibration.certificate_texts import LANGUAGES, TEXTS, Language
from calibration.record import CalibrationError
from tests.support.sessions import KINDS, facts

DCC = {"dcc": "https://ptb.de/dcc", "si": "https://ptb.de/si"}
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Every element closed in its place; texts, headings and what the page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.headings: list[str] = []
        self.fetched: list[str] = []
        self.pictures = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.pictures += tag == "svg"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag, attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def shown(kind: str, language: Language = "en") -> Page:
    made = Page(page(facts(kind), language))
    assert made.open == []
    return made


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_whole_and_fetches_nothing(kind: str, language: Language) -> None:
    made = shown(kind, language)
    assert made.fetched == []
    text = " ".join(made.texts)
    assert not re.search(r"\b(None|nan|inf)\b|\{|\}", re.sub(r"@page.*?\}\s*\n\s*$", "", _body(kind, language)))
    assert Words(language)("not_legal") in text
    assert Words(language)("no_stability") in text


def _body(kind: str, language: Language) -> str:
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]*>", " ", page(facts(kind), language).partition("<body>")[2]))


def test_a_full_session_shows_everything() -> None:
    made, words = shown("full"), Words("en")
    assert made.headings == [
        words(key) for key in (
            "identity", "means", "errors", "eccentricity", "repeatability", "slow", "cells", "findings", "proof", "raw",
        )
    ]  # fmt: skip
    assert made.pictures == 7  # errors, corners, runs, creep, zero, shares, noise
    assert made.texts[0].startswith("Calibration certificate 2026-05-04-full")
    record = facts("full").record
    assert record is not None
    assert record.version in made.texts
    assert record.signature in made.texts


def test_every_error_is_in_the_table_with_its_uncertainty_and_limit() -> None:
    text, words = _body("full", "en"), Words("en")
    points = facts("full").evaluation.as_left
    digits = max(digits_of(point.budget.expanded_g) for point in points)
    for point in points:
        row = f"{words.signed(point.error_g, digits)} g {words.grams(point.budget.expanded_g, digits)}"
        assert row in text
        assert f"±{words.grams(point.mpe_g, 1)}" in text


def test_every_raw_capture_is_listed() -> None:
    text, words = _body("full", "de"), Words("de")
    for capture in facts("full").captures:
        assert f" {capture.number} {words(f'step.{capture.step}')} " in text
        assert words.number(capture.cells[0].mean, 1) in text


@pytest.mark.parametrize(("kind", "why"), [("single", "why_single"), ("failed", "why_found")])
def test_what_is_no_certificate_says_so_first(kind: str, why: str) -> None:
    made, words = shown(kind), Words("en")
    assert made.texts[0].startswith("Calibration report")
    assert words("no_certificate", why=words(why)) in made.texts
    assert not facts(kind).certifies


def test_nothing_measured_is_no_verdict() -> None:
    words = Words("en")
    assert words("decision.none") in shown("single").texts
    assert words("decision.fail") not in shown("single").texts
    assert b"basic_conformity" not in dcc(facts("single"))
    assert b"<dcc:conformity>fail</dcc:conformity>" in dcc(facts("failed"))


def test_what_people_typed_is_text_and_no_markup() -> None:
    assert "Markt 0815, Kasse 3 &lt;Süd&gt;" in page(facts("full"), "de")
    assert "Markt 0815, Kasse 3 &lt;Süd&gt;" in dcc(facts("full")).decode()


def test_overrides_are_printed() -> None:
    assert "override: weight A20 overdue: accepted by M. Muster" in _body("routine", "en")


def test_both_languages_say_the_same() -> None:
    for key, (english, german) in TEXTS.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, german)]
        assert fields[0] == fields[1], key
        assert german, key


@pytest.mark.parametrize("kind", KINDS)
def test_every_contribution_has_german_words(kind: str) -> None:
    names = {f"part.{part.name}" for point in facts(kind).evaluation.as_left for part in point.budget.parts}
    assert names <= TEXTS.keys()


def test_numbers_are_written_as_readers_write_them() -> None:
    english, german = Words("en"), Words("de")
    assert english.number(-1234567.891, 2) == "\u22121\u202f234\u202f567.89"
    assert german.number(-1234.5, 1) == "\u22121\u202f234,5"
    assert german.signed(0.25) == "+0,25"
    assert english.number(-0.001, 2) == "0.00"
    assert english.load(12_500) == "12.5 kg"
    assert german.load(12_500) == "12,5 kg"
    assert [digits_of(u) for u in (31.05, 4.03, 0.61, 0.0)] == [0, 1, 2, 2]


@pytest.fixture(scope="module")
def schematron() -> SchematronValidator:
    return SchematronValidator.for_dcc()


def judged(schematron: SchematronValidator, xml: bytes) -> list[str]:
    """All that PTB's rules find wrong: failed assertions, and reports whose role is error or warning."""
    result = schematron.validate_str(xml.decode().partition("?>")[2])
    reports = [report for report in result.successful_reports if report.role != "information"]
    return [f"{found.role}: {found.text} ({found.location})" for found in (*result.failed_assertions, *reports)]


@pytest.mark.parametrize("kind", KINDS)
def test_ptbs_rules_find_nothing_wrong(schematron: SchematronValidator, kind: str) -> None:
    assert judged(schematron, dcc(facts(kind))) == []


def test_the_rules_would_find_something(schematron: SchematronValidator) -> None:
    """`is_valid` of the library passes over reports; what is asked here does not."""
    sound = dcc(facts("routine")).decode()
    cut = re.sub(r"<dcc:influenceConditions>.*?</dcc:influenceConditions>", "", sound, flags=re.DOTALL)
    assert any(found.startswith("error: ") for found in judged(schematron, cut.encode()))
    assert judged(schematron, sound.replace("<dcc:release>v0.1.0", "<dcc:release>0.1.0").encode())


def test_the_digital_certificate_holds_the_errors() -> None:
    tree = ET.fromstring(dcc(facts("full")))  # noqa: S314 - made here
    points = facts("full").evaluation.as_left
    lists = tree.findall(".//dcc:list[@refType='basic_measurementResult']", DCC)
    errors = lists[-1].find("dcc:quantity[@refType='basic_measurementError']", DCC)
    assert errors is not None
    values = (errors.findtext("si:realListXMLList/si:valueXMLList", "", DCC)).split()
    assert [float(value) for value in values] == pytest.approx([point.error_g for point in points], abs=1e-8)
    expanded = errors.findtext(".//si:valueExpandedMUXMLList", "", DCC).split()
    assert [float(value) for value in expanded] == pytest.approx([p.budget.expanded_g for p in points], abs=1e-8)
    assert tree.findtext(".//dcc:statement[@refType='basic_conformity']/dcc:conformity", "", DCC) == "pass"
    assert tree.findtext(".//dcc:statement[@refType='basic_recalibration']/dcc:date", "", DCC) == "2027-05-04"
    assert tree.get("schemaVersion") == "3.3.0"


@pytest.mark.parametrize(
    ("version", "written"), [("0.1.0", "v0.1.0"), ("1.2.dev3+g12345678", "v1.2.3.123"), ("x", "v0")]
)
def test_releases_have_the_form_that_is_asked_for(version: str, written: str) -> None:
    assert release(version) == written


def test_numbers_of_the_digital_certificate_have_no_exponent() -> None:
    assert [dcc_xml.number(value) for value in (1e-7, -0.0, 250000.0, -3.5)] == ["0.0000001", "0", "250000", "-3.5"]
    with pytest.raises(ValueError, match="cannot stand"):
        dcc_xml.number(float("nan"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_can_be_evaluated_again(kind: str) -> None:
    found = json.loads(msgspec.json.encode(document(facts(kind))))
    assert found["certificate"] is facts(kind).certifies
    assert found["decision"] == ("none" if kind == "single" else found["evaluation"]["decision"])
    assert len(found["captures"]) == len(facts(kind).captures)
    session = msgspec.convert(found["session"], type(facts(kind).session))
    assert session == facts(kind).session


def test_files_are_written_for_each_format_and_language(tmp_path: Path) -> None:
    made = certificate.write(facts("routine"), tmp_path / "out")
    names = ["", "-de.html", "-en.html"]
    assert sorted(path.name for path in made) == sorted(
        f"calibration-2026-05-04-routine{suffix}" for suffix in (".json", ".dcc.xml", *names[1:])
    )
    assert sorted(made) == sorted((tmp_path / "out").iterdir())
    [only] = certificate.write(facts("routine"), tmp_path / "one", ["html"], ["de"])
    assert '<html lang="de">' in only.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CalibrationError, match="cannot be written"):
        certificate.write(facts("single"), tmp_path / "file" / "out")


@pytest.mark.skipif(certificate_pdf.browser() is None, reason="Chromium is not installed")
def test_a_pdf_is_printed_through_chromium(tmp_path: Path) -> None:
    [made] = certificate.write(facts("single"), tmp_path, ["pdf"], ["en"])
    assert made.read_bytes().startswith(b"%PDF-")
    assert list(tmp_path.iterdir()) == [made]


def test_without_chromium_a_pdf_is_refused_with_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CalibrationError, match="apt-get install chromium"):
        certificate.write(facts("single"), tmp_path / "out", ["pdf"], ["en"])


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 50, [0, 10, 20, 30, 40, 50]),
        (-17.25, 17.25, [-10, 0, 10]),
        (0.071, 0.089, [0.075, 0.08, 0.085]),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert svg.ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_drawn_beside_its_picture(kind: str) -> None:
    for picture in re.findall(r"<svg.*?</svg>", page(facts(kind), "en"), flags=re.DOTALL):
        width, height = (float(size) for size in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)[0])
        for x, y in re.findall(r'<(?:text|circle)[^>]* c?x="([-\d.]+)" c?y="([-\d.]+)"', picture):
            assert -1 <= float(x) <= width + 1, picture[:200]
            assert -1 <= float(y) <= height + 1, picture[:200]
        for box in re.findall(r'<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"', picture):
            left, top, wide, high = map(float, box)
            assert left >= -1, picture[:200]
            assert top >= -1, picture[:200]
            assert left + wide <= width + 1, picture[:200]
            assert top + high <= height + 1, picture[:200]


def test_a_deck_that_tips_lifts_off_a_cell_and_is_drawn() -> None:
    """A corner load of a stiff platform beyond its cells: the cell across reads less than nothing."""
    whole = facts("routine")
    calibration = whole.evaluation.calibration
    assert calibration is not None
    lifted = []
    for capture in whole.captures:
        cells = list(capture.cells)
        if capture.position == "FL":
            drop = 3000 * calibration.cells[2].counts_per_g
            cells[2] = msgspec.structs.replace(cells[2], mean=cells[2].mean - drop)
        lifted.append(msgspec.structs.replace(capture, cells=tuple(cells)))
    tipped = msgspec.structs.replace(whole, captures=tuple(lifted))
    drawn = plots.shares(tipped, calibration, Words("en"))
    assert "\u2212" in drawn
    heights = [float(y) + float(h) for y, h in re.findall(r'y="([-\d.]+)" width="[\d.]+" height="([\d.]+)"', drawn)]
    assert max(heights) <= 220
