"""What is refused and why: captures, weights, loads, wiring and mechanics, each with its advice."""

import random
from collections.abc import Callable

import msgspec
import pytest

from benchmarks import calibration_faults as faulty
from benchmarks.calibration_world import technician
from calibration.captures import Capture, CellCounts, TestWeight
from calibration.evaluation import evaluate
from calibration.results import Evaluation, Finding
from tests.support.calibrating import Bench, session

SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
GAINS = (200.0, 204.0, 198.0, 202.0)
Change = Callable[[CellCounts], CellCounts]


def bench(**values: object) -> Bench:
    made = Bench(GAINS, SQUARE)
    for name, value in values.items():
        setattr(made, name, value)
    made.everything()
    return made


def found(result: Evaluation, code: str) -> Finding:
    """The one finding of a code that does not pass."""
    return next(finding for finding in result.findings if finding.code == code and finding.severity != "pass")


def with_cell(captures: list[Capture], number: int, **changes: object) -> list[Capture]:
    """The captures with cell 2 of one of them changed."""
    chosen = captures[number - 1]
    cells = tuple(
        msgspec.structs.replace(cell, **changes) if channel == 1 else cell for channel, cell in enumerate(chosen.cells)
    )
    changed = msgspec.structs.replace(chosen, cells=cells)
    return [changed if capture is chosen else capture for capture in captures]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"high": 8_388_607}, "saturated"), ({"low": -8_300_000}, "saturated"), ({"distinct": 2}, "identical-readings")],
)
def test_cells_that_say_nothing_are_refused(changes: dict[str, object], code: str) -> None:
    result = evaluate(session(), with_cell(bench().captures, 4, **changes), None)
    finding = found(result, code)
    assert "cell 2" in finding.where
    assert finding.remedy
    assert not result.may_accept


def test_an_unstable_capture_is_refused_but_not_while_creep_is_watched() -> None:
    captures = bench().captures
    shaken = [msgspec.structs.replace(capture, stable=capture.number != 4) for capture in captures]
    assert "capture 4" in found(evaluate(session(), shaken, None), "unstable").where
    extra = Bench(GAINS, SQUARE)
    extra.captures = list(captures)
    extra.take("creep")
    extra.take("creep", ("A20", "B20"), "C", stable=False)
    assert evaluate(session(), extra.captures, None).may_accept


def test_a_tenfold_slip_is_told_with_its_factor() -> None:
    captures = [
        msgspec.structs.replace(capture, load_g=400_000.0) if capture.step == "span" and capture.load_g else capture
        for capture in bench().captures
    ]
    result = evaluate(session(), captures, None)
    assert "10 times" in found(result, "load-typed").text
    assert not result.may_accept


def test_overdue_weights_are_refused_unless_overridden() -> None:
    man = technician(3)
    man.routine()
    late = msgspec.structs.replace(
        man.session, weights=tuple(msgspec.structs.replace(weight, due="2026-05-03") for weight in man.session.weights)
    )
    refused = evaluate(late, man.captures, None)
    assert found(refused, "weight-overdue").severity == "fail"
    assert not refused.may_accept
    allowed = evaluate(
        msgspec.structs.replace(late, overrides=("weight-overdue: certificate is on its way",)), man.captures, None
    )
    assert found(allowed, "weight-overdue").severity == "warn"
    assert allowed.may_accept
    assert any("override" in line for line in allowed.deviations)


def weights(weight_class: str | None) -> tuple[TestWeight, ...]:
    return tuple(msgspec.structs.replace(weight, weight_class=weight_class) for weight in session().weights)


@pytest.mark.parametrize("weight_class", ["M3", None])
def test_weights_that_are_too_coarse_or_unknown_do_not_calibrate(weight_class: str | None) -> None:
    result = evaluate(session(weights=weights(weight_class)), bench().captures, None)
    assert found(result, "weights-unsuitable").blocks == "accept"
    overridden = session(weights=weights(weight_class), overrides=("weights-unsuitable bench only",))
    assert evaluate(overridden, bench().captures, None).may_accept


def test_weights_nobody_named() -> None:
    strange = evaluate(session(weights=session().weights[:3]), bench().captures, None)
    assert found(strange, "weight-unknown").where == "D5"
    unnamed = [msgspec.structs.replace(capture, weights=()) for capture in bench().captures]
    result = evaluate(session(), unnamed, None)
    assert found(result, "weights-unnamed").severity == "fail"
    assert (result.may_accept, result.may_certify) == (True, False)
    assert found(evaluate(session(kind="single"), unnamed, None), "weights-unnamed").severity == "warn"


def test_a_zero_that_runs_away_is_not_warmed_up() -> None:
    result = evaluate(session(), bench(drift_g=0.5).captures, None)
    assert found(result, "not-warmed-up").remedy.startswith("leave the electronics on")
    assert not result.may_accept
    fine = evaluate(session(), bench(drift_g=0.05).captures, None)
    assert fine.may_accept
    assert max(abs(point.error_g) for point in fine.as_left) < 1


def test_too_light_a_span_makes_no_certificate() -> None:
    light = evaluate(session(capacity_g=160_000.0), bench().captures, None)
    finding = found(light, "span-light")
    assert (finding.severity, finding.blocks) == ("fail", "certificate")
    assert light.may_accept
    assert not light.may_certify
    middling = evaluate(session(capacity_g=100_000.0), bench().captures, None)
    assert found(middling, "span-light").severity == "warn"


def test_a_load_beyond_one_cells_rating_is_refused() -> None:
    made = Bench(GAINS, SQUARE)
    made.take("zero")
    made.take("corners", ("A20",), "C")
    made.take("corners", ("A20", "B20"), "FL")
    made.take("zero")
    result = evaluate(session(), made.captures, None)
    assert found(result, "cell-overload").where == "cell 1"


def test_gains_too_far_apart_say_where_to_look() -> None:
    made = Bench((200.0, 204.0, 170.0, 202.0), SQUARE, shares=[
        [0.25] * 4, [0.85, 0.05, 0.05, 0.05], [0.05, 0.85, 0.05, 0.05], [0.05, 0.05, 0.85, 0.05],
        [0.05, 0.05, 0.05, 0.85],
    ])  # fmt: skip
    made.everything()
    result = evaluate(session(), made.captures, None)
    finding = found(result, "gain-spread")
    assert (finding.severity, finding.where, finding.blocks) == ("fail", "cell 3", "accept")
    assert "touches or jams" in finding.remedy


def test_the_same_places_told_or_not_make_exchanged_cables_a_failure_or_a_hint() -> None:
    man = faulty.exchanged(4, "routine", random.Random(1)).man
    man.routine()
    stated = evaluate(man.session, man.captures, None)
    assert found(stated, "cells-exchanged").severity == "fail"
    untold = evaluate(msgspec.structs.replace(man.session, positions_mm=None), man.captures, None)
    assert found(untold, "cells-exchanged").severity == "warn"
    assert "positions_mm" in found(untold, "cells-exchanged").remedy


def test_a_hand_on_each_corner_already_tells_a_dead_and_a_turned_cell() -> None:
    for cell, gain, code in ((1, 0.0, "no-response"), (2, -198.0, "wrong-sign")):
        made = Bench([gain if n == cell else usual for n, usual in enumerate(GAINS)], SQUARE)
        made.take("diagnose")
        for position in ("FL", "FR", "BR", "BL"):
            made.take("diagnose", ("D5",), position, load_g=0.0, weights=(), stable=False)
        result = evaluate(session(kind="single"), made.captures, None)
        assert found(result, code).where.startswith(f"cell {cell + 1}")
        assert "unstable" not in {finding.code for finding in result.findings}


def test_a_session_that_has_only_begun_accuses_no_cell() -> None:
    made = Bench(GAINS, SQUARE)
    made.take("diagnose")
    made.take("diagnose", ("D5",), "FL", load_g=0.0, weights=())
    assert not evaluate(session(), made.captures, None).findings[0].code.startswith(("no-resp", "wrong", "cells"))
    whole = bench().captures
    for count in range(1, len(whole)):
        result = evaluate(session(), whole[:count], None)
        blocking = {finding.code for finding in result.findings if finding.blocks == "accept"}
        assert blocking == set(), count


@pytest.mark.parametrize(("risen_g", "fits"), [(14.0, True), (9.0, False)])
def test_fourteen_grams_more_must_move_a_ten_gram_display(risen_g: float, fits: bool) -> None:
    made = Bench((1.0,), ((0.0, 0.0),), shown_g=0.5)
    made.take("zero")
    first = made.take("discrimination", ("A20",), "C")
    shown = first.indicated_g
    assert shown is not None
    more = msgspec.structs.replace(shown, mean=shown.mean + risen_g)
    made.captures.append(msgspec.structs.replace(first, number=3, load_g=20_014.0, indicated_g=more))
    result = evaluate(session(1), made.captures, None)
    assert [f.severity for f in result.findings if f.code == "discrimination"] == ["pass" if fits else "fail"]


def test_what_changed_since_the_last_calibration_is_told() -> None:
    first = evaluate(session(), bench().captures, None).calibration
    assert first is not None
    cells = (msgspec.structs.replace(first.cells[0], zero_counts=first.cells[0].zero_counts - 0.15 * 4_294_967),)
    before = msgspec.structs.replace(first, cells=cells + first.cells[1:], noise_counts=(30.0, 2.0, 30.0, 400.0))
    result = evaluate(session(), bench().captures, before)
    assert found(result, "zero-shift").where == "cell 1, front left"
    assert [f.where[:6] for f in result.findings if f.code == "noise-change"] == ["cell 2", "cell 4"]
    assert not result.may_accept


def test_an_unnamed_load_typed_ten_times_too_heavy_gives_implausible_cells() -> None:
    captures = [
        msgspec.structs.replace(capture, load_g=capture.load_g * 10, weights=()) for capture in bench().captures
    ]
    result = evaluate(session(capacity_g=5_000.0), captures, None)
    assert found(result, "implausible-gain").blocks == "accept"


def test_a_sign_is_wrong_beside_the_calibration_before() -> None:
    first = evaluate(session(), bench().captures, None).calibration
    turned = Bench(tuple(-gain for gain in GAINS), SQUARE)
    turned.everything()
    alone = evaluate(session(), turned.captures, None)
    assert alone.may_certify
    assert not evaluate(session(), turned.captures, first).may_accept


@pytest.mark.parametrize("kind", ["full", "routine"])
@pytest.mark.parametrize(
    "name",
    ["dead cell", "signal wires exchanged", "two cells' cables exchanged", "corner binds", "loose foot",
     "wrong test weight", "cart touches the wall", "test weight overdue"],
)  # fmt: skip
def test_every_fault_is_named_with_its_place_and_never_accepted(name: str, kind: str) -> None:
    for seed in (11, 12, 13):
        scene, result = faulty.judged(faulty.FAULTS[name], seed, kind)
        fails = [(finding.code, finding.where) for finding in result.findings if finding.severity == "fail"]
        assert not result.may_accept
        assert any(code == other and place in at for code, at in fails for other, place in scene.right)
        assert fails[0][0] in {code for code, _ in scene.right}
        assert all(finding.remedy for finding in result.findings if finding.severity == "fail")


@pytest.mark.parametrize("kind", ["full", "routine"])
def test_something_that_touches_all_the_time_is_advised_on_and_never_accepted(kind: str) -> None:
    for seed in (11, 12, 13, 14):
        _, result = faulty.judged(faulty.FAULTS["something touches a side"], seed, kind)
        assert not result.may_accept
        assert result.findings[0].code == "force-shunt"


@pytest.mark.parametrize("seed", range(21, 27))
def test_sound_platforms_raise_nothing(seed: int) -> None:
    for kind in ("full", "routine"):
        _, result = faulty.judged(faulty.FAULTS["sound"], seed, kind)
        assert [finding.code for finding in result.findings if finding.severity == "fail"] == []
        assert result.may_certify


def test_creep_and_zero_return_have_their_limits() -> None:
    made = bench()
    made.take("creep")
    first = made.take("creep", ("A20", "B20"), "C")
    start_ns = first.start_ns
    for minute in range(1, 31):
        crept = made.take("creep", ("A20", "B20"), "C", start_ns=start_ns + minute * 60_000_000_000)
        cells = tuple(msgspec.structs.replace(cell, mean=cell.mean + 60.0 * minute) for cell in crept.cells)
        made.captures[-1] = msgspec.structs.replace(crept, cells=cells)
    back = made.take("creep", start_ns=start_ns + 32 * 60_000_000_000)
    cells = tuple(msgspec.structs.replace(cell, mean=cell.mean + 400.0) for cell in back.cells)
    made.captures[-1] = msgspec.structs.replace(back, cells=cells)
    result = evaluate(session(), made.captures, None)
    assert {"creep", "creep-late", "zero-return"} <= {f.code for f in result.findings if f.severity == "fail"}
    assert result.creep is not None
    assert result.creep.change_g == pytest.approx(30 * 60 * 4 / 201, rel=0.01)
    assert result.creep.zero_return_g == pytest.approx(400 * 4 / 201, rel=0.05)
    assert result.may_accept
    assert not result.may_certify
