"""Whatever was captured, and in whatever order, evaluating it gives findings and never an exception."""

import math
from typing import get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration.captures import Capture, CellCounts, Position, Step
from calibration.evaluation import evaluate
from calibration.model import Calibration, Cell
from calibration.results import Evaluation
from tests.support.calibrating import WEIGHTS, Bench, session

SQUARE = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
STEPS = st.sampled_from(get_args(Step))
PLACES = st.sampled_from((None, *get_args(Position)))


@st.composite
def cells(draw: st.DrawFn) -> CellCounts:
    mean = draw(st.sampled_from((0.0, 50_000.0, -3_000.5, 2_000_000.0, 8_388_607.0)) | st.floats(-8e6, 8e6))
    sd, n = draw(st.sampled_from((0.0, 20.0, 1e5))), draw(st.integers(0, 500))
    return CellCounts(
        mean=mean, sd=sd, n=n, low=round(mean - sd), high=round(mean + sd), distinct=draw(st.integers(0, 9))
    )


@st.composite
def captures(draw: st.DrawFn, channels: int) -> Capture:
    names = draw(st.lists(st.sampled_from([*WEIGHTS, "nobody"]), max_size=3))
    load_g = draw(st.sampled_from((0.0, sum(WEIGHTS.get(name, 0.0) for name in names), 20_000.0, 1e-3)))
    start_ns = draw(st.integers(0, 10**13))
    shown = draw(st.none() | cells()) if channels == 1 else None
    return Capture(
        number=draw(st.integers(1, 30)), step=draw(STEPS), series=draw(st.integers(1, 3)), time="2026-05-04T08:00:00Z",
        start_ns=start_ns, end_ns=start_ns + 10**9, load_g=load_g,
        cells=() if shown else tuple(draw(cells()) for _ in range(draw(st.sampled_from((channels, channels, 2))))),
        position=draw(PLACES), direction=draw(st.sampled_from((None, "up", "down"))), weights=tuple(names),
        indicated_g=shown, temperature_c=draw(st.none() | st.floats(-20, 50)), stable=draw(st.booleans()),
        replaces=draw(st.none() | st.integers(1, 30)), skipped=draw(st.sampled_from((None, None, None, "no time"))),
    )  # fmt: skip


PRIORS = (
    None,
    Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=200.0),) * 4, certified=True),
    Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=-2.0),)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), channels=st.sampled_from((1, 3, 4)), prior=st.sampled_from(PRIORS))
def test_any_captures_are_evaluated(data: st.DataObject, channels: int, prior: Calibration | None) -> None:
    taken = data.draw(st.lists(captures(channels), max_size=14))
    result = evaluate(session(channels), taken, prior)
    assert not (result.may_certify and not result.as_left)
    written = msgspec.json.encode(result)  # NaN and infinity would become null, and not be read again
    assert msgspec.json.decode(written, type=Evaluation) == result
    if result.calibration is not None:
        assert all(math.isfinite(cell.counts_per_g) and cell.counts_per_g for cell in result.calibration.cells)


@settings(max_examples=40, deadline=None)
@given(kept=st.sets(st.integers(0, 60)), cut=st.integers(0, 61))
def test_any_part_of_a_sound_session_is_evaluated(kept: set[int], cut: int) -> None:
    bench = Bench((200.0, 204.0, 198.0, 202.0), SQUARE)
    bench.everything()
    partly = [capture for n, capture in enumerate(bench.captures) if n in kept or n < cut]
    result = evaluate(session(), partly, None)
    if result.calibration is not None and result.may_accept:
        gains = [cell.counts_per_g for cell in result.calibration.cells]
        assert all(150 < gain < 260 for gain in gains)
