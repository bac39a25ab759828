"""Whole sessions evaluated: sound instruments of one cell, three, four, more, and of those that know grams only."""

import random

import msgspec
import pytest

from benchmarks.calibration_world import Technician, technician
from calibration import proving
from calibration.budget import combine
from calibration.evaluation import evaluate
from calibration.model import Calibration, Cell
from calibration.results import Contribution, Evaluation, Limits
from tests.support.calibrating import Bench, session

SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))

SHARES: dict[int, list[list[float]]] = {  # centre, FL, FR, BR, BL
    3: [[1, 1, 1], [1.8, 0.6, 0.6], [0.6, 1.8, 0.6], [0.6, 1.2, 1.2], [1.2, 0.6, 1.2]],
    5: [[1, 1, 1, 1, 1], [2.6, 0.4, 0.4, 0.4, 1.2], [0.4, 2.6, 0.4, 0.4, 1.2], [0.4, 0.4, 2.6, 0.4, 1.2],
        [0.4, 0.4, 0.4, 2.6, 1.2]],
    6: [[1] * 6, [3, 0.5, 0.5, 0.5, 1, 0.5], [0.5, 3, 0.5, 0.5, 1, 0.5], [0.5, 0.5, 3, 0.5, 0.5, 1],
        [0.5, 0.5, 0.5, 3, 0.5, 1]],
}  # fmt: skip


def failed(result: Evaluation) -> set[str]:
    return {finding.code for finding in result.findings if finding.severity == "fail"}


def codes(result: Evaluation, severity: str) -> set[str]:
    return {finding.code for finding in result.findings if finding.severity == severity}


@pytest.fixture(scope="module")
def done() -> tuple[Technician, Evaluation]:
    man = technician(5)
    man.full()
    return man, evaluate(man.session, man.captures, None)


def test_a_sound_platform_passes_and_may_be_certified(done: tuple[Technician, Evaluation]) -> None:
    _, result = done
    assert failed(result) == set()
    assert (result.decision, result.may_accept, result.may_certify) == ("pass", True, True)
    assert result.calibration is not None
    assert result.calibration.certified
    assert result.deviations == ()
    assert "not" not in result.decision_rule.split(":")[0]


def test_gains_are_the_platforms_own_within_what_is_stated(done: tuple[Technician, Evaluation]) -> None:
    man, result = done
    assert result.gains is not None
    cosine = 1 - man.platform.traits.lean_rad**2 / 2
    for gain, sd, cell in zip(result.gains.counts_per_g, result.gains.rel_sd, man.platform.traits.cells, strict=True):
        assert gain == pytest.approx(cell.counts_per_g * cosine, rel=4 * sd + 2e-4)
    assert result.gains.kappa == pytest.approx(man.platform.traits.kappa, abs=0.05)
    assert result.gains.rank == 4


def test_every_error_as_left_is_within_its_uncertainty(done: tuple[Technician, Evaluation]) -> None:
    _, result = done
    assert [point.load_g for point in result.as_left if point.direction == "up"] == [10_000, 25_000, 40_000, 50_000]
    assert {point.direction for point in result.as_left} == {"up", "down"}
    for point in result.as_left:
        assert abs(point.error_g) < 2 * point.budget.expanded_g
        assert point.budget.k > 1.99
        assert [part.name for part in point.budget.parts][2] == "repeatability"
    assert result.curve is not None
    assert result.creep is not None
    assert result.creep.minutes == pytest.approx(30, abs=0.2)
    assert result.hysteresis is not None
    assert len(result.hysteresis.rows) == 4
    assert [len(test.readings_g) for test in result.repeatability] == [10]
    assert {row.position for row in result.eccentricity[0].rows} == {"FL", "FR", "BR", "BL"}
    assert result.minimum_weight is not None
    assert result.minimum_weight.weight_g is not None


def test_the_same_captures_in_any_order_give_the_same(done: tuple[Technician, Evaluation]) -> None:
    man, result = done
    shuffled = list(man.captures)
    random.Random(1).shuffle(shuffled)
    assert evaluate(man.session, shuffled, None) == result


def test_an_evaluation_can_be_written_down(done: tuple[Technician, Evaluation]) -> None:
    _, result = done
    assert msgspec.json.decode(msgspec.json.encode(result), type=Evaluation) == result


def test_what_was_replaced_does_not_count_and_what_was_skipped_is_told(done: tuple[Technician, Evaluation]) -> None:
    man, _ = done
    first = next(capture for capture in man.captures if capture.step == "span" and capture.load_g)
    shouted = tuple(msgspec.structs.replace(cell, mean=cell.mean + 5e5) for cell in first.cells)
    bad = msgspec.structs.replace(first, cells=shouted)
    again = msgspec.structs.replace(first, number=len(man.captures) + 1, replaces=first.number)
    skipped = msgspec.structs.replace(
        first, number=len(man.captures) + 2, step="discrimination", cells=(), skipped="no small weights"
    )
    captures = [bad if capture is first else capture for capture in man.captures]
    assert not evaluate(man.session, captures, None).may_accept
    mended = evaluate(man.session, [*captures, again, skipped], None)
    assert mended.may_certify
    assert mended.deviations == (
        "discrimination C skipped: no small weights", f"captures repeated: {first.number}"
    )  # fmt: skip


def test_the_routine_procedure_passes_too() -> None:
    man = technician(6, "routine")
    man.routine()
    result = evaluate(man.session, man.captures, None)
    assert failed(result) == set()
    assert result.may_certify
    assert result.creep is None


def test_as_found_is_read_through_the_calibration_before() -> None:
    man = technician(7)
    man.full()
    first = evaluate(man.session, man.captures, None)
    assert first.as_found == ()
    assert first.calibration is not None
    shifted = tuple(
        msgspec.structs.replace(cell, counts_per_g=cell.counts_per_g * 1.004) for cell in first.calibration.cells
    )
    before = msgspec.structs.replace(first.calibration, cells=shifted)
    again = evaluate(man.session, man.captures, before)
    assert [point.load_g for point in again.as_found] == [25_000]
    assert again.as_found[0].error_g == pytest.approx(-100, abs=3)
    assert again.as_found[0].decision == "fail"
    assert again.span_change == pytest.approx(0.004, abs=1e-5)
    assert "span-change" in codes(again, "warn")
    moved = msgspec.structs.replace(before, cells=tuple(
        msgspec.structs.replace(cell, counts_per_g=cell.counts_per_g * 1.004) for cell in shifted))  # fmt: skip
    assert "span-change" in failed(evaluate(man.session, man.captures, moved))


@pytest.mark.parametrize(("per_g", "places"), [
    ((21.5,), ((0.0, 0.0),)),
    ((-21.5,), ((0.0, 0.0),)),
    ((200.0, 210.0, 190.0, 205.0), SQUARE),
    ((-200.0, -210.0, -190.0, -205.0), SQUARE),
])  # fmt: skip
def test_any_number_of_cells_and_either_sign(per_g: tuple[float, ...], places: tuple[tuple[float, float], ...]) -> None:
    bench = Bench(per_g, places)
    bench.everything()
    result = evaluate(session(len(per_g)), bench.captures, None)
    assert failed(result) == set()
    assert result.may_certify
    assert result.calibration is not None
    assert result.gains is not None
    reading = bench.take("verify", ("A20", "B20", "C10"), "C")
    empty = [cell.zero_counts for cell in result.calibration.cells]
    counts = [cell.mean for cell in reading.cells]
    assert result.calibration.gross_g(counts) - result.calibration.gross_g(empty) == pytest.approx(50_000, abs=1.5)


@pytest.mark.parametrize("cells", [3, 5, 6])
def test_platforms_on_three_cells_or_more(cells: int) -> None:
    shares = SHARES[cells]
    places = [(0.0, 0.0)] * cells
    gains = [200.0 * (1 + 0.004 * n) for n in range(cells)]
    bench = Bench(gains, places, shares=[[part / sum(row) for part in row] for row in shares])
    bench.everything()
    result = evaluate(session(cells), bench.captures, None)
    assert failed(result) == set()
    assert result.may_certify
    assert result.gains is not None
    assert result.gains.kappa is None
    assert all(abs(point.error_g) < 1.5 for point in result.as_left)


def test_a_rigid_deck_is_no_failure_but_is_told() -> None:
    bench = Bench((200.0, 204.0, 198.0, 202.0), SQUARE)
    bench.everything()
    result = evaluate(session(), bench.captures, None)
    assert result.may_certify
    assert result.gains is not None
    assert result.gains.rank == 3
    assert result.gains.unidentified is not None
    assert "rank" in codes(result, "pass")
    assert result.calibration is not None
    assert result.calibration.gain_rel_sd < 1e-4
    assert result.calibration.gain_sd((0.3, 0.2, 0.3, 0.2)) > 1e-3


def test_an_instrument_that_knows_grams_has_errors_but_no_gains() -> None:
    bench = Bench((1.0,), ((0.0, 0.0),), shown_g=10.0)
    bench.off_g = {"FL": 10.0}
    bench.bend = 2e-4
    bench.everything()
    result = evaluate(session(1), bench.captures, None)
    assert result.calibration is None
    assert result.gains is None
    assert [point.error_g for point in result.as_left] == [0, 0, 10, 10]
    assert result.eccentricity[0].worst_g == 10
    assert result.repeatability[0].sd_g == pytest.approx(4.3)  # identical readings speak for an interval
    first = result.as_left[-1].budget
    assert first.parts[0].sd_g == pytest.approx(10 / 12**0.5)
    assert first.nu_eff is not None
    assert result.minimum_weight is not None
    assert not result.noise


def test_one_step_alone_changes_only_what_it_is_about() -> None:
    whole = Bench((200.0, 204.0, 198.0, 202.0), SQUARE)
    whole.everything()
    before = evaluate(session(), whole.captures, None).calibration
    assert before is not None
    zero = Bench((200.0, 204.0, 198.0, 202.0), SQUARE, seed=2)
    zero.take("zero")
    only_zero = evaluate(session(kind="single"), zero.captures, before)
    assert only_zero.calibration is not None
    assert only_zero.may_accept
    assert [c.counts_per_g for c in only_zero.calibration.cells] == [c.counts_per_g for c in before.cells]
    span = Bench((200.4, 204.408, 198.396, 202.404), SQUARE, seed=3)
    span.take("zero")
    span.each("span", [("A20", "B20")] * 3)
    only_span = evaluate(session(kind="single"), span.captures, before)
    assert only_span.calibration is not None
    for new, old in zip(only_span.calibration.cells, before.cells, strict=True):
        assert new.counts_per_g / old.counts_per_g == pytest.approx(1.002, abs=3e-5)
    check = Bench((200.0, 204.0, 198.0, 202.0), SQUARE, seed=4)
    check.take("verify")
    check.each("verify", [("A20", "B20"), ("A20",)])
    verified = evaluate(session(kind="single"), check.captures, before)
    assert verified.calibration is None
    assert verified.decision == "pass"
    assert len(verified.as_left) == 2


def test_a_first_zero_alone_is_no_calibration() -> None:
    bench = Bench((200.0,) * 4, SQUARE)
    bench.take("zero")
    result = evaluate(session(), bench.captures, None)
    assert (result.calibration, result.may_certify) == (None, False)
    assert {"few-loads", "few-repeats", "no-corners", "span-light"} <= failed(result)


def test_nothing_captured_is_no_error() -> None:
    assert evaluate(session(), [], None).calibration is None
    assert evaluate(session(), [], Calibration(cells=(Cell(zero_counts=0, counts_per_g=1),))).as_left == ()


def test_a_bent_platform_is_straightened_within_bounds() -> None:
    bench = Bench((200.0, 204.0, 198.0, 202.0), SQUARE)
    bench.bend = 5e-4
    bench.everything()
    result = evaluate(session(), bench.captures, None)
    assert result.calibration is not None
    assert len(result.calibration.linearity) == 4
    assert max(abs(point.error_g) for point in result.as_left) < 0.5
    assert result.calibration.linearity_rel_sd > 1e-6
    assert "corrected" in codes(result, "pass")
    crooked = Bench((200.0, 204.0, 198.0, 202.0), SQUARE)
    crooked.bend = 5e-3
    crooked.everything()
    refused = evaluate(session(), crooked.captures, None)
    assert "not-linear" in failed(refused)
    assert not refused.may_accept


def test_a_new_span_keeps_the_correction_and_all_else_that_it_did_not_look_at() -> None:
    bench = Bench((200.0, 204.0, 198.0, 202.0), SQUARE)
    bench.bend = 5e-4
    bench.everything()
    before = evaluate(session(), bench.captures, None).calibration
    assert before is not None
    before = msgspec.structs.replace(before, creep_rel_sd=7e-5)
    span = Bench((200.4, 204.408, 198.396, 202.404), SQUARE, seed=3)
    span.bend = 5e-4
    span.take("zero")
    span.each("span", [("A20", "B20")] * 3)
    after = evaluate(session(kind="single"), span.captures, before).calibration
    assert after is not None
    assert after.linearity == before.linearity
    assert (after.creep_rel_sd, after.kappa) == (7e-5, before.kappa)
    read = span.take("verify", ("A20", "B20", "C10"), "C")
    empty = after.gross_g([cell.zero_counts for cell in after.cells])
    assert after.gross_g([cell.mean for cell in read.cells]) - empty == pytest.approx(50_000, abs=2)


@pytest.mark.parametrize(
    ("error_g", "simple", "guarded"),
    [(3, "pass", "pass"), (-7.4, "pass", "pass"), (9, "conditional pass", "conditional fail"),
     (-10, "conditional pass", "conditional fail"), (11, "conditional fail", "fail"), (13, "fail", "fail")],
)  # fmt: skip
def test_decisions_by_both_rules(error_g: float, simple: str, guarded: str) -> None:
    budget = combine([Contribution(name="all", sd_g=1.25)])
    assert proving.decide(error_g, budget, 10, guarded=False) == simple
    assert proving.decide(error_g, budget, 10, guarded=True) == guarded


def test_limits_are_configuration() -> None:
    man = technician(5)
    man.full()
    strict = Limits(corner_rel=1e-6, error_pass_mpe=0.001, error_warn_mpe=0.002, guarded=True, in_service=True)
    result = evaluate(man.session, man.captures, None, strict)
    assert "error" in failed(result)
    assert "guarded" in result.decision_rule
    assert "in service" in result.decision_rule
    assert result.as_left[0].mpe_g == 20
