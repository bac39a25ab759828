"""Findings and decisions in German: a title and a remedy for every code there is, numbers as Germans write them."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from calibration import accepting, finding_words
from calibration.certificate_facts import Words
from calibration.completeness import deviations
from calibration.results import Code, Finding, Severity
from calibration.texts import TEXTS
from tests.support.sessions import KINDS, facts

SOURCE = Path(__file__).parents[2] / "calibration"
SILENT = {"curve"}  # nothing helps, and its English has no remedy either


def finding(severity: Severity = "fail", remedy: str = "the remedy", **more: Any) -> Finding:
    return Finding(
        code="gain-spread", severity=severity, where="cell 3, front left", text="the text.", remedy=remedy, **more
    )


def test_every_code_has_a_german_title_and_remedy() -> None:
    assert set(finding_words.GERMAN) == set(get_args(Code))
    for code, (title, remedy) in finding_words.GERMAN.items():
        assert title, code
        assert bool(remedy) != (code in SILENT), code


def test_every_code_is_one_that_the_source_gives() -> None:
    own = {"results.py", "finding_words.py"}
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.glob("*.py") if path.name not in own)
    assert {code for code in get_args(Code) if f'"{code}"' not in source} == set()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"value": 0.0712, "limit": 0.07}, " (7,12 %, Grenze 7 %)"),
        ({"value": 1234.5, "limit": 5.0, "unit": "g"}, " (1 234,5 g, Grenze 5,00 g)"),
        ({"value": 0.25, "limit": 0.2, "unit": "mpe"}, " (0,25 MPE, Grenze 0,2 MPE)"),
        ({"value": 3.0, "unit": "directions"}, " (3)"),
        ({}, ""),
    ],
)
def test_a_german_sentence_says_where_what_how_much_and_what_helps(more: dict[str, Any], said: str) -> None:
    title, remedy = finding_words.GERMAN["gain-spread"]
    assert finding_words.sentence(finding(**more), "de") == f"Zelle 3, vorn links: {title}{said}; {remedy}"


def test_what_needs_no_help_gets_none() -> None:
    passed = finding("pass", "")
    assert finding_words.sentence(passed, "de") == "Zelle 3, vorn links: Streuung der Empfindlichkeiten"
    assert finding_words.sentence(passed, "en") == "cell 3, front left: the text."


@pytest.mark.parametrize("kind", KINDS)
def test_a_german_result_has_no_english_words(kind: str) -> None:
    result = facts(kind).evaluation
    lines = accepting.lines(result, "de", all_of_them=True)
    english = r"\b(cell|fail|warn|pass|corners|sum|limit|up|down|conditional|spread|gains|from)\b"
    assert [line for line in lines if re.search(english, line)] == []
    assert lines[-1].strip().startswith(Words("de")(f"decision.{result.decision}"))


def test_deviations_speak_german_where_the_technician_did_not_write_them() -> None:
    session, (first, second, *_) = facts("full").session, facts("full").captures
    captures = [replace(first, step="corners", position="FL", skipped="keine Zeit"), replace(second, replaces=7)]
    told = deviations(replace(session, overrides=("weight-overdue kommt morgen",)), captures, "de")
    repeated, accepted = "Aufnahmen wiederholt: 7", "hingenommen: weight-overdue kommt morgen"
    assert told == ("Ecken vorn links ausgelassen: keine Zeit", repeated, accepted)


def test_severities_stand_below_each_other() -> None:
    for language in (0, 1):
        assert len({len(TEXTS[f"severity.{severity}"][language]) for severity in get_args(Severity)}) == 1
