"""`station check` as a stream: order, bad lines, every field of a verdict, and what is refused."""

import json
from typing import Any

import pytest

from station.check import Checker
from station.core.beliefs import Beliefs
from station.core.policy import Policy
from station.core.verdict import Versions
from tests.checker.small import gtin, product

BELIEFS = Beliefs.of([product(at, 100.0 + 37 * at) for at in range(30)])
FIELDS = {
    "visit_id", "transaction_id", "revision", "verdict_no", "decision", "action", "p_as_claimed", "expected_loss_minor",
    "currency", "weight", "explanations", "recheck", "look_for", "requirements", "smallest_visible", "reasons",
    "message", "evidence", "versions", "timing_ms",
}  # fmt: skip


def ask(*lines: bytes) -> list[dict[str, Any]]:
    checker = Checker(BELIEFS, Policy(), Versions(software="0"), clock_s=iter(range(1000)).__next__)
    return [json.loads(answer) for answer in checker.answers(lines)]


def case(case_id: str = "c", gross_g: float | None = 211.0, **more: object) -> bytes:
    line = {"line": 1, "gtin": gtin(3).lstrip("0").zfill(13), "quantity": 1}
    record = {"type": "case", "case_id": case_id, "claim": {"transaction_id": "T", "revision": 1, "lines": [line]}}
    if gross_g is not None:
        record["weight"] = {"gross_g": gross_g, "sd_g": 2.0}
    return json.dumps(record | more).encode()


def test_a_case_gets_a_whole_verdict() -> None:
    (answer,) = ask(case())
    assert set(answer) == {"case_id", "verdict"}
    assert set(answer["verdict"]) == FIELDS
    assert answer["verdict"]["decision"] == "accept"
    assert answer["verdict"]["timing_ms"]["fusion"] == 1000  # as the clock given says


def test_order_is_kept_and_bad_lines_do_not_stop_the_stream() -> None:
    answers = ask(case("a"), b"{nonsense", b"\n", case("b"), b'{"type":"case","case_id":"x"}', b"\xff\xfe", case("c"))
    assert [answer.get("case_id", answer.get("line")) for answer in answers] == ["a", 2, "b", 5, 6, "c"]
    assert all("error" in answers[at] for at in (1, 3, 4))


@pytest.mark.parametrize(
    "line",
    [
        b"[]", b"null", b'"case"', b'{"type":"other"}', b"[" * 100_000, b" " * 1_000_001 + b"x", case(gross_g=1e9),
        case(visibility=1.5), case(weight={"gross_g": 5, "sd_g": -1}), case(claim={"transaction_id": "T"}),
        case(claim={"transaction_id": "T", "cancel": True}),
        case(sightings=[{"camera": "top", "candidates": [["123", 0.5]], "unknown": 0.1}]),
        case(sightings=[{"camera": "top", "candidates": [[gtin(1), 0.8], [gtin(2), 0.8]], "unknown": 0.1}]),
        b'{"type":"case","case_id":"x","weight":{"gross_g":NaN,"sd_g":1}}',
        b'{"type":"feedback","transaction_id":"T","source":"attendant","contents":[]}',
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_an_error_with_its_line(line: bytes) -> None:
    first, second = ask(line, case("next"))
    assert first["line"] == 1
    assert first["error"]
    assert "\n" not in first["error"]
    assert second["case_id"] == "next"


def test_no_weight_is_an_abstention_without_nan() -> None:
    (answer,) = ask(case(gross_g=None))
    verdict = answer["verdict"]
    assert (verdict["decision"], verdict["p_as_claimed"], verdict["weight"]) == ("abstain", None, None)
    assert verdict["reasons"] == ["NOT_SETTLED"]


def test_sightings_may_name_thirteen_digits() -> None:
    seen = [{"camera": "top", "candidates": [[gtin(9)[1:], 0.9]], "unknown": 0.02}]
    (with_sight,) = ask(case(gross_g=211.0 + 433.0, sightings=seen))
    first = with_sight["verdict"]["explanations"][0]
    assert (first["kind"], first["gtin"]) == ("unscanned", gtin(9))
    assert with_sight["verdict"]["evidence"] == {"sightings": 1, "unknown_objects": 0, "cameras": 1}


def test_rounding_never_makes_certainty_or_more_than_one() -> None:
    for gross_g in (211.0, 248.0, 400.0, 0.0, 1234.5678):
        (answer,) = ask(case(gross_g=gross_g))
        verdict = answer["verdict"]
        assert 0 <= verdict["p_as_claimed"] < 1
        assert sum(told["p"] for told in verdict["explanations"]) <= 1
        assert verdict["weight"]["gross_g"] == round(gross_g, 1)
        assert verdict["expected_loss_minor"] == round(verdict["expected_loss_minor"], 1)


def test_the_claims_currency_defaults_to_the_policys() -> None:
    checker = Checker(BELIEFS, Policy(currency="CHF"), Versions(software="0"))
    (answer,) = (json.loads(text) for text in checker.answers([case()]))
    assert answer["verdict"]["currency"] == "CHF"
