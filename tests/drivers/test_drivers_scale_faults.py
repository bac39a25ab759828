"""Every serial scale under every fault of the field, in virtual time: no false gram, clear reasons, recovery."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from drivers.base import Indication, ScaleState
from drivers.sim.faults import FaultRates, FaultyLine
from drivers.sim.scale_emulator import Pace
from tests.drivers.scales import CASES, CRATE, Case, Loop

FAULT_S = 8.0
RECOVERY_S = 6.0
NO_WEIGHT = {ScaleState.NOT_READY}

Expected = Callable[[Case, Loop, list[Indication]], bool]


@dataclass(frozen=True)
class Fault:
    """What is done, how it is undone, and what must show meanwhile."""

    name: str
    inflict: Callable[[Loop], object]
    relieve: Callable[[Loop], object]
    expected: Expected


def weighed(_: Case, __: Loop, seen: list[Indication]) -> bool:
    """The fault does no harm: weights come as before."""
    return sum(value.state is ScaleState.STABLE for value in seen) >= 5


def weighed_or_reasons(_: Case, loop: Loop, seen: list[Indication]) -> bool:
    """Whatever is lost is told with a reason."""
    weights = [value for value in seen if value.weight_g is not None]
    reasons = [value for value in seen if value.state is ScaleState.NOT_READY]
    return bool(weights) and all(value.reason for value in reasons) and all(error.remedy for error in loop.errors)


def refused(_: Case, loop: Loop, seen: list[Indication]) -> bool:
    """No weight, but reasons or an error that says what to do."""
    late = seen[len(seen) // 2 :]
    told = [value for value in late if value.state is ScaleState.NOT_READY and value.reason]
    return bool(told or loop.errors) and all(value.state is ScaleState.NOT_READY for value in late)


def lost(_: Case, loop: Loop, __: list[Indication]) -> bool:
    return bool(loop.errors) and all(error.remedy for error in loop.errors)


def overloaded(case: Case, _: Loop, seen: list[Indication]) -> bool:
    return seen[-1].state in case.over


def under_zero(case: Case, _: Loop, seen: list[Indication]) -> bool:
    return seen[-1].state in case.under


def moving(case: Case, _: Loop, seen: list[Indication]) -> bool:
    return any(value.state in case.moving for value in seen)


def late(case: Case, _: Loop, seen: list[Indication]) -> bool:
    """Answers that come later than a second are none; what speaks by itself is only late."""
    return not case.asked or all(value.state in NO_WEIGHT for value in seen[2:])


def _line(rates: FaultRates) -> Callable[[Loop], object]:
    return lambda loop: setattr(loop.scale, "line", FaultyLine(rates, seed=5))


def _pace(pace: Pace) -> Callable[[Loop], object]:
    return lambda loop: setattr(loop.scale, "pace", pace)


def _mute(*, mute: bool) -> Callable[[Loop], object]:
    return lambda loop: setattr(loop.scale, "mute", mute)


def _say(answer: bytes | None) -> Callable[[Loop], object]:
    return lambda loop: setattr(loop.scale, "answer", answer)


def _put(mass_g: float) -> Callable[[Loop], object]:
    def put(loop: Loop) -> None:
        with loop.live.now() as world:
            world.clear()
            world.place(replace(CRATE, mass_g=mass_g))

    return put


def _push(loop: Loop) -> None:
    with loop.live.now() as world:
        world.push(900.0, duration_s=FAULT_S)


def _nothing(_: Loop) -> None:
    pass


def _plug(*, plugged: bool) -> Callable[[Loop], object]:
    return lambda loop: setattr(loop.wire, "plugged", plugged) if plugged else loop.wire.close()


def _bad(name: str, rates: FaultRates, expected: Expected = weighed_or_reasons) -> Fault:
    return Fault(name, _line(rates), _line(FaultRates()), expected)


FAULTS = [
    Fault("motion", _push, _nothing, moving),
    Fault("overload", _put(31_000.0), _put(5_000.0), overloaded),
    Fault("under zero", _put(-50.0), _put(5_000.0), under_zero),
    Fault("one byte at a time", _pace(Pace(byte_s=0.002)), _pace(Pace()), weighed),
    Fault("slow reply", _pace(Pace(delay_s=0.15)), _pace(Pace()), weighed),
    Fault("late reply", _pace(Pace(delay_s=1.3)), _pace(Pace()), late),
    Fault("silence", _mute(mute=True), _mute(mute=False), refused),
    Fault("unplug and replug", _plug(plugged=False), _plug(plugged=True), lost),
    Fault("refusal", _say(b"\x15"), _say(None), refused),
    _bad("parity", FaultRates(parity=0.02)),
    _bad("truncation", FaultRates(truncate=0.25)),
    _bad("garbage", FaultRates(garbage=0.7)),
    _bad("nothing but garbage", FaultRates(garbage=1.0, truncate=1.0), refused),
    _bad("sent twice", FaultRates(duplicate=0.7)),
    _bad("everything", FaultRates(0.1, 0.1, 0.1, 0.1)),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


@pytest.fixture
def loop(case: Case) -> Loop:
    """A scale that shows a crate of 5 kg."""
    loop = Loop(case)
    _put(5_000.0)(loop)
    assert weighs_the_crate(loop.weigh(4.0))
    return loop


def weighs_the_crate(seen: list[Indication]) -> bool:
    last = seen[-1]
    return last.weight_g is not None and abs(last.weight_g - 5_000.0) <= 5.0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_fault_makes_a_false_gram_and_all_are_recovered_from(case: Case, loop: Loop, fault: Fault) -> None:
    fault.inflict(loop)
    loop.weigh(1.0)
    seen = loop.weigh(FAULT_S)
    assert fault.expected(case, loop, seen), (seen[-5:], loop.errors)
    fault.relieve(loop)
    seen = loop.weigh(RECOVERY_S)
    assert weighs_the_crate(seen), seen[-5:]


@pytest.mark.parametrize("case", [case for case in CASES if case.checked], indirect=True, ids=lambda case: case.name)
def test_a_flipped_bit_is_found_by_those_that_check(loop: Loop) -> None:
    _line(FaultRates(flip_bit=0.5))(loop)
    assert any(value.weight_g is not None for value in loop.weigh(60.0))


def test_a_scale_set_otherwise_gives_no_weight_but_a_reason(case: Case) -> None:
    loop = Loop(case, wrong=True)
    _put(5_000.0)(loop)
    loop.weigh(2.0)
    seen = loop.weigh(8.0)
    assert refused(case, loop, seen), (seen[-5:], loop.errors)


def test_the_same_goods_again_are_weighed_again(case: Case, loop: Loop) -> None:
    with loop.live.now() as world:
        world.clear()
    assert not weighs_the_crate(loop.weigh(3.0))
    _put(5_000.0)(loop)
    assert weighs_the_crate(loop.weigh(3.0))
    assert case.name


def test_times_go_forward_under_load_changes(loop: Loop) -> None:
    seen = loop.weigh(3.0)
    _put(1_000.0)(loop)
    seen += loop.weigh(3.0)
    assert all(later.t_ns > earlier.t_ns for earlier, later in pairwise(seen))
