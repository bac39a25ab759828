"""Any order of events, stored and replayed: the machine is never upset."""

from collections.abc import Callable
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from station.core import events, visit
from station.core.engine import Engine
from station.core.feedback import Content, Feedback
from station.core.setup import Setup
from station.core.verdict import Judgement, Versions
from tests.support.virtual import (
    CONVERTER,
    INSTRUMENT,
    Virtual,
    captures,
    claim,
)


@settings(max_examples=25)
@given(data=st.data())
def test_no_order_of_events_upsets_the_machine(data: st.DataObject) -> None:
    scale = data.draw(st.sampled_from([CONVERTER, INSTRUMENT]))
    virtual = Virtual(scale=scale, cameras=data.draw(st.sampled_from([(), ("top",)])))
    for _ in range(data.draw(st.integers(1, 14))):
        virtual.decision = data.draw(st.sampled_from(["accept", "review", "reject"]))
        deed = data.draw(st.sampled_from(DEEDS))
        deed(virtual, data.draw(st.integers(0, 7)))
        if data.draw(st.integers(0, 12)) == 0 and virtual.engine.visit is not None:
            second = Virtual(scale=scale, kept_zero_g=0.0)
            second.engine.resume(visit.restore(visit.snapshot(virtual.engine.visit)))
            virtual = second


def _see(virtual: Virtual, _n: int) -> None:
    for capture in captures(virtual)[-1:]:
        virtual.see(capture)


DEEDS: list[Callable[[Virtual, int], object]] = [
    lambda v, n: v.put(300.0 * n, 1.2),
    lambda v, n: v.put(300.0 * n, 0.2),
    lambda v, n: v.wait(0.3 + n, ringing_g=200),
    lambda v, n: v.claim(claim(f"T-{n % 3}", revision=1 + n // 3)),
    lambda v, n: v.feed(events.Cancelled(t_ns=v.t_ns, transaction_id=f"T-{n % 3}")),
    lambda v, n: v.feed(events.Released(t_ns=v.t_ns, transaction_id=f"T-{n % 3}")),
    lambda v, n: v.feed(events.TokenRead(t_ns=v.t_ns, token=f"Q-{n}", symbology="qr")),
    lambda v, n: v.feed(events.Scanned(t_ns=v.t_ns, text="4006381333931"[n:], symbology=("", "ean-13", "qr")[n % 3])),
    lambda v, n: v.feed(events.Corrected(t_ns=v.t_ns, claim=claim(f"T-{n % 3}", quantity=n + 1), source="scanner")),
    lambda v, _: v.feed(events.ScaleLost(t_ns=v.t_ns, scale=0, message="gone", remedy="plug it in")),
    lambda v, _: v.feed(events.ScaleFound(t_ns=v.t_ns, scale=0)),
    lambda v, n: v.feed(events.ZeroOrdered(t_ns=v.t_ns, command=n)),
    lambda v, n: v.feed(events.ScaleZeroed(t_ns=v.t_ns, scale=0, number=n, refusal="" if n % 2 else "no")),
    lambda v, n: v.feed(
        events.SpanCheckOrdered(
            t_ns=v.t_ns, number=n, weight_g=300.0 * (n + 1), until_ns=None if n % 2 else v.t_ns + n * 10**9
        )
    ),
    lambda v, n: setattr(v, "t_ns", v.t_ns + n * 60_000_000_000),
    _see,
]


def test_the_same_events_give_the_same_effects() -> None:
    one, other = Virtual(), Virtual()
    for virtual in (one, other):
        virtual.put(0)
        virtual.claim()
        virtual.put(810)
        virtual.put(0)
    assert one.effects == other.effects


def test_every_event_survives_being_stored_and_is_understood() -> None:
    setup = Setup(session="S", scales=(CONVERTER, INSTRUMENT), cameras=("top",))
    engine = Engine(setup, Versions(software="test"))
    samples = _one_of_each()
    assert {type(event) for event in samples} == set(get_args(events.AnyEvent))
    for event in samples:
        again = events.decode(events.encode(event))
        assert again == event
        engine.handle(again)


def _one_of_each() -> list[events.AnyEvent]:
    see = events.Seen(
        t_ns=9, capture_no=99, camera="top", sightings=(), visibility=0.5, gallery_size=1, capture_ms=1, vision_ms=1
    )
    return [
        events.ScaleFound(t_ns=1, scale=0),
        events.ZeroRestored(t_ns=1, zero_g=3.5),
        events.Calibrated(t_ns=2, scale=0, calibration=None),
        events.Aged(t_ns=2, scale=0, age_days=30.5, doubt_rel=0.001),
        events.SpanCheckOrdered(t_ns=2, number=1, weight_g=5000, until_ns=9_000_000_000),
        events.Sampled(t_ns=3, scale=0, counts=(5,), flags=1),
        events.ScaleLost(t_ns=4, scale=0, message="m", remedy="r"),
        events.Ticked(t_ns=5),
        see,
        events.Blind(t_ns=9, capture_no=99, camera="top"),
        events.Claimed(t_ns=10, claim=claim(), command=1),
        events.Corrected(t_ns=11, claim=claim(quantity=2), source="attendant"),
        events.Cancelled(t_ns=12, transaction_id="T-1"),
        events.Released(t_ns=13, visit_id="V", command=2),
        events.ZeroOrdered(t_ns=14, command=3),
        events.ScaleZeroed(t_ns=14, scale=1, number=1),
        events.TokenRead(t_ns=15, token="x", symbology="qr"),
        events.Scanned(t_ns=15, text="4006381333931", symbology="ean-13"),
        events.Fed(
            t_ns=15,
            told=Feedback(transaction_id="T-1", source="attendant", contents=(Content(gtin="04006381333931"),)),
        ),
        events.Judged(
            t_ns=16,
            judge_no=99,
            judgement=Judgement(decision="accept", action="release", currency="EUR"),
            fusion_ms=1.0,
        ),
        events.Indicated(t_ns=17, scale=1, state="stable", weight_g=5.0),
    ]
