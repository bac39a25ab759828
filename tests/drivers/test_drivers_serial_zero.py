"""Zero on command: what each protocol answers, what its instrument then shows, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import Indication, ScaleState, SensorError, Zeroable, ZeroRefusedError
from drivers.mt_sics_codec import SicsZero
from drivers.nci_codec import Dialect as Nci
from drivers.nci_codec import NciZero
from drivers.serial_zero import ZeroTalk
from drivers.sim.world import PlacedObject
from drivers.toledo_codec import Dialect as Toledo
from drivers.toledo_codec import ToledoZero
from tests.drivers.scales import CASES, CRATE, Loop

CAN = ("toledo-8217", "nci-ecr", "nci-bench", "mt-sics")
CANNOT = ("cas", "dialog-06", "dialog-02", "magellan", "ascii-line a-and-d")
DRIFT = PlacedObject("", "dust", 15.0)


def loop_of(name: str) -> Loop:
    return Loop(next(case for case in CASES if case.name == name))


@pytest.fixture(params=CAN)
def loop(request: pytest.FixtureRequest) -> Loop:
    made = loop_of(request.param)
    made.driver.open()
    return made


def shown(loop: Loop, seconds: float = 2.5) -> Indication:
    """Return what the scale shows after a while."""
    seen: list[Indication] = []
    end_s = loop.clock.s() + seconds
    while loop.clock.s() < end_s:
        seen += [item for item in loop.driver.read(0.25) if isinstance(item, Indication)]
    return seen[-1]


def put(loop: Loop, thing: PlacedObject) -> None:
    with loop.live.now() as world:
        world.place(thing)


def zero(loop: Loop) -> None:
    assert isinstance(loop.driver, Zeroable)
    loop.driver.zero()


def test_what_the_empty_platter_shows_becomes_zero_and_loads_are_weighed_from_there(loop: Loop) -> None:
    put(loop, DRIFT)
    assert shown(loop).weight_g == 15.0
    zero(loop)
    assert shown(loop).weight_g == 0.0
    put(loop, CRATE)
    assert shown(loop).weight_g == pytest.approx(5_000.0, abs=2.6)


def test_a_zero_below_the_old_one_is_set(loop: Loop) -> None:
    put(loop, DRIFT)
    shown(loop)
    zero(loop)
    with loop.live.now() as world:
        world.clear()
    assert shown(loop).state is ScaleState.UNDER_ZERO
    zero(loop)
    assert shown(loop).weight_g == 0.0


def test_a_question_that_is_not_answered_yet_comes_to_its_end_first(loop: Loop) -> None:
    loop.scale.pace.delay_s = 0.2
    put(loop, DRIFT)
    shown(loop)
    assert loop.driver.read(0.05) == []
    zero(loop)
    assert shown(loop).weight_g == 0.0


def test_a_load_in_motion_or_beyond_the_range_is_refused_with_the_reason(loop: Loop) -> None:
    shown(loop)
    put(loop, CRATE)
    loop.clock.advance(0.1)
    loop.scale.tick()
    with pytest.raises(ZeroRefusedError, match=r"motion|at rest|come to rest"):
        zero(loop)
    shown(loop)
    with pytest.raises(ZeroRefusedError, match=r"zero range") as caught:
        zero(loop)
    assert caught.value.remedy
    assert shown(loop).weight_g == pytest.approx(5_000.0, abs=2.6)


def test_a_scale_that_does_not_answer_has_not_agreed_and_goes_on(loop: Loop) -> None:
    put(loop, DRIFT)
    shown(loop)
    loop.scale.mute = True
    with pytest.raises(ZeroRefusedError, match="did not answer"):
        zero(loop)
    loop.scale.mute = False
    with loop.live.now() as world:
        world.clear()
    assert shown(loop, 5.0).state in {ScaleState.STABLE, ScaleState.UNDER_ZERO}


def test_a_lost_scale_is_lost_and_not_refusing(loop: Loop) -> None:
    shown(loop)
    loop.wire.close()
    with pytest.raises(SensorError) as caught:
        zero(loop)
    assert not isinstance(caught.value, ZeroRefusedError)


def test_a_dialect_without_the_command_is_not_asked() -> None:
    loop = loop_of("toledo-sasi")
    loop.driver.open()
    put(loop, DRIFT)
    shown(loop)
    with pytest.raises(ZeroRefusedError, match="no zero command"):
        zero(loop)
    assert shown(loop).weight_g == 15.0


@pytest.mark.parametrize("name", CANNOT)
def test_protocols_without_the_command_do_not_claim_it(name: str) -> None:
    assert not isinstance(loop_of(name).driver, Zeroable)


@pytest.mark.parametrize(
    ("talk", "data", "said"),
    [
        (ToledoZero(Toledo.TOLEDO_8217), b"\x02?P\r", ""),
        (ToledoZero(Toledo.TOLEDO_8217), b"\x02?D\r", ""),  # under the old zero
        (ToledoZero(Toledo.TOLEDO_8217), b"\x02?A\r", "the scale says: motion"),
        (ToledoZero(Toledo.TOLEDO_8217), b"\x02?`\r", "the scale shows net weight: clear its tare"),
        (ToledoZero(Toledo.OHAUS), b"\x02?p\r", ""),  # bit 5 is always 1
        (ToledoZero(Toledo.TOLEDO_8217), b"Z\x02?H\r", "outside the zero range: clear the platform and zero the scale"),
        (ToledoZero(Toledo.TOLEDO_8217), b"\x0200.345\r", None),
        (ToledoZero(Toledo.TOLEDO_8217), b"\x02?P", None),
        (NciZero(Nci.ECR), b"\nS20\r\x03", ""),
        (NciZero(Nci.BENCH), b"\n2pp0\r\x03", ""),
        (NciZero(Nci.ECR), b"\nS00\r\x03", "outside its zero range"),
        (NciZero(Nci.ECR), b"\nS10\r\x03", "the scale says: motion"),
        (NciZero(Nci.ECR), b"\n?\r\x03", "the scale does not know the zero command"),
        (NciZero(Nci.ECR), b"\n00.000KG\r\nS20\r\x03", None),  # an answer to another question
        (SicsZero(), b"Z A\r\n", ""),
        (SicsZero(), b"S S      0.000 kg\r\nZ I\r\n", "the scale is busy, or does not come to rest"),
        (SicsZero(), b"Z A", None),
    ],
)
def test_what_the_answers_say(talk: ZeroTalk, data: bytes, said: str | None) -> None:
    assert talk.answered(data) == said


@given(st.binary(max_size=128), st.sampled_from([ToledoZero(Toledo.OHAUS), NciZero(Nci.ECR), SicsZero()]))
def test_any_bytes_are_taken(data: bytes, talk: ZeroTalk) -> None:
    said = talk.answered(data)
    assert said is None or said.isprintable()
