"""Visits from beginning to end, in virtual time."""

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station.core import events, visit
from station.core.effects import Capture, Judge, KeepVisit, KeepZero, LearnEmpty, Token
from station.core.engine import Engine
from station.core.setup import Setup
from station.core.transaction import State
from station.core.verdict import Judgement, Verdict, Versions
from tests.support.virtual import CONVERTER, INSTRUMENT, Virtual, alarms, answers, claim, phases, verdicts


def ready(**options: object) -> Virtual:
    """Return a station whose platform is known to be empty."""
    virtual = Virtual(**options)  # type: ignore[arg-type] # the options of Virtual
    virtual.wait(1)
    assert virtual.engine.state is State.IDLE
    virtual.effects.clear()
    return virtual


def reasons(given: list[Verdict]) -> list[tuple[str, ...]]:
    return [verdict.judgement.reasons for verdict in given]


@pytest.mark.parametrize("scale", [None, INSTRUMENT], ids=["converter", "instrument"])
def test_a_claim_before_the_load_gives_one_verdict(scale: object) -> None:
    virtual = ready(**({} if scale is None else {"scale": scale}))
    assert answers(virtual.claim()) == [None]
    effects = virtual.put(810)
    assert phases(effects) == ["placed", "stable"]
    [verdict] = verdicts(effects)
    assert (verdict.transaction_id, verdict.revision, verdict.verdict_no) == ("T-1", 1, 1)
    assert phases(virtual.put(0)) == ["removed", "closed"]
    assert virtual.engine.state is State.IDLE


def test_a_claim_after_the_load_gives_the_verdict_at_once() -> None:
    virtual = ready()
    assert phases(virtual.put(810)) == ["placed", "stable"]
    assert len(verdicts(virtual.claim())) == 1


def test_a_claim_while_the_load_moves_waits_until_it_lies_still() -> None:
    virtual = ready()
    virtual.put(500)
    virtual.grams = 810
    virtual.wait(0.15)
    assert verdicts(virtual.claim()) == []
    [verdict] = verdicts(virtual.wait(2))
    assert verdict.judgement.decision == "accept"
    assert virtual.engine.state is State.DECIDED


def test_a_load_without_a_claim_abstains_once_after_ten_seconds_and_can_still_be_claimed() -> None:
    virtual = ready()
    virtual.put(810, 9.5)
    assert verdicts(virtual.effects) == []
    virtual.wait(20)
    assert reasons(verdicts(virtual.effects)) == [("NO_CLAIM",)]
    [verdict] = verdicts(virtual.claim())
    assert verdict.judgement.decision == "accept"
    assert verdict.verdict_no == 2


def test_a_load_that_never_settles_abstains_after_fifteen_seconds_and_is_judged_when_it_does() -> None:
    virtual = ready()
    virtual.claim()
    virtual.grams = 900
    virtual.wait(14, ringing_g=200)
    assert verdicts(virtual.effects) == []
    virtual.wait(2, ringing_g=200)
    assert reasons(verdicts(virtual.effects)) == [("NOT_SETTLED",)]
    assert verdicts(virtual.wait(2))[0].judgement.decision == "accept"


def test_a_changed_load_gives_a_second_verdict_with_a_higher_number() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    effects = virtual.put(1_300)
    assert phases(effects) == ["changed"]
    assert [verdict.verdict_no for verdict in verdicts(effects)] == [2]


def test_a_touch_that_changes_nothing_gives_no_second_verdict() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    effects = virtual.wait(1, ringing_g=80) + virtual.wait(2)
    assert verdicts(effects) == []
    assert virtual.engine.state is State.DECIDED


def test_revisions_replace_repeat_or_are_refused() -> None:
    virtual = ready()
    virtual.put(810)
    virtual.claim(claim(revision=2))
    assert answers(virtual.claim(claim(revision=1))) == ["stale_revision"]
    assert answers(virtual.claim(claim(revision=2))) == [None]
    assert answers(virtual.claim(claim(revision=2, quantity=5))) == ["revision_conflict"]
    [verdict] = verdicts(virtual.claim(claim(revision=3)))
    assert (verdict.revision, verdict.verdict_no) == (3, 2)
    assert len(verdicts(virtual.effects)) == 2


def test_a_cancelled_claim_closes_an_empty_visit_and_unclaims_a_loaded_one() -> None:
    virtual = ready()
    virtual.claim()
    virtual.t_ns += 1
    assert phases(virtual.feed(events.Cancelled(t_ns=virtual.t_ns, transaction_id="T-1", command=2))) == ["closed"]
    virtual.claim()
    virtual.put(810)
    virtual.feed(events.Cancelled(t_ns=virtual.t_ns, transaction_id="T-1", command=3))
    assert virtual.engine.state is State.LOADED
    assert phases(virtual.put(0)) == ["removed", "closed"]


def test_cancelling_what_is_not_open_is_refused() -> None:
    virtual = ready()
    effects = virtual.feed(events.Cancelled(t_ns=virtual.t_ns, transaction_id="T-9", command=2))
    assert answers(effects) == ["unknown_transaction"]


def test_a_claim_without_a_load_expires() -> None:
    virtual = ready()
    virtual.claim()
    assert phases(virtual.wait(299)) == []
    assert phases(virtual.wait(2)) == ["closed"]


def test_after_a_review_the_claim_waits_for_the_load_to_come_back() -> None:
    virtual = ready()
    virtual.decision = "review"
    virtual.claim()
    virtual.put(810)
    assert phases(virtual.put(0)) == ["removed"]
    assert [verdict.verdict_no for verdict in verdicts(virtual.put(820))] == [2]


def test_after_an_accepted_load_the_next_claim_waits_for_its_own_load() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    assert answers(virtual.claim(claim("T-2"))) == [None]
    assert len(verdicts(virtual.effects)) == 1
    virtual.put(0)
    assert virtual.engine.state is State.CLAIMED
    assert verdicts(virtual.put(400))[0].transaction_id == "T-2"


def test_a_held_claim_begins_though_the_accepted_load_was_changed_afterwards() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    virtual.claim(claim("T-2"))
    virtual.decision = "review"
    virtual.put(1_200)
    virtual.put(0)
    assert virtual.engine.state is State.CLAIMED
    assert verdicts(virtual.put(400))[0].transaction_id == "T-2"


def test_a_held_claim_and_its_number_survive_a_restart() -> None:
    first = ready()
    first.claim()
    first.put(810)
    first.claim(claim("T-2"), last_verdict_no=4)
    second = restarted(first)
    second.put(810, 2)
    second.put(0)
    [verdict] = verdicts(second.put(400))
    assert (verdict.transaction_id, verdict.verdict_no) == ("T-2", 5)


def test_a_third_claim_takes_the_place_of_the_held_one_which_may_come_again() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    virtual.claim(claim("T-2"))
    virtual.claim(claim("T-3"))
    virtual.put(0)
    assert verdicts(virtual.put(400))[0].transaction_id == "T-3"
    virtual.put(0)
    virtual.claim(claim("T-2"))
    assert verdicts(virtual.put(300))[0].transaction_id == "T-2"


def test_a_held_claim_can_be_withdrawn_or_released() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    virtual.claim(claim("T-2"))
    done = virtual.feed(events.Released(t_ns=virtual.t_ns, transaction_id="T-2", command=9))
    assert answers(done) == [None]
    virtual.put(0)
    assert virtual.engine.state is State.IDLE


def test_a_claim_that_was_never_judged_may_be_sent_again() -> None:
    virtual = ready()
    virtual.claim()
    virtual.wait(301)
    assert virtual.engine.state is State.IDLE
    virtual.claim()
    assert len(verdicts(virtual.put(810))) == 1


def test_a_claim_that_comes_while_an_item_is_added_waits_for_the_whole() -> None:
    virtual = ready()
    virtual.put(1_000)
    virtual.put(2_000, 0.2)
    virtual.claim()
    [verdict] = verdicts(virtual.wait(2))
    assert verdict.transaction_id == "T-1"


@pytest.mark.parametrize("what", ["cancel", "release"])
def test_a_claim_settled_during_a_fault_leaves_nothing_behind(what: str) -> None:
    virtual = ready()
    virtual.claim()
    virtual.feed(events.ScaleLost(t_ns=virtual.t_ns, scale=0, message="gone", remedy="plug it in"))
    event = (
        events.Cancelled(t_ns=virtual.t_ns, transaction_id="T-1")
        if what == "cancel"
        else events.Released(t_ns=virtual.t_ns, transaction_id="T-1")
    )
    virtual.feed(event)
    virtual.t_ns += 301_000_000_000
    virtual.feed(events.Ticked(t_ns=virtual.t_ns))
    virtual.feed(events.ScaleFound(t_ns=virtual.t_ns, scale=0))
    virtual.wait(2)
    assert virtual.engine.state is State.IDLE


def test_a_load_that_never_settles_is_told_of_for_every_claim() -> None:
    virtual = ready()
    virtual.grams = 900
    virtual.wait(17, ringing_g=200)
    virtual.claim()
    virtual.wait(17, ringing_g=200)
    told = [(v.transaction_id, v.judgement.reasons) for v in verdicts(virtual.effects)]
    assert told == [(None, ("NO_CLAIM",)), (None, ("NOT_SETTLED",)), ("T-1", ("NOT_SETTLED",))]


def test_a_platform_that_is_never_still_is_an_alarm_and_an_answer_to_a_waiting_claim() -> None:
    virtual = Virtual()
    virtual.claim()
    virtual.wait(16, ringing_g=400)
    assert alarms(virtual.effects) == [("SCALE_UNSTEADY", True)]
    assert reasons(verdicts(virtual.effects)) == [("NOT_SETTLED",)]
    virtual.wait(3)
    assert alarms(virtual.effects)[-1] == ("SCALE_UNSTEADY", False)


def test_another_claim_at_the_moment_the_first_expires_is_not_lost() -> None:
    virtual = ready()
    virtual.claim()
    virtual.t_ns += 300_000_000_000 - 1_000_000
    virtual.claim(claim("T-2"))
    assert virtual.engine.state is State.CLAIMED
    assert verdicts(virtual.put(810, 2))[0].transaction_id == "T-2"


def test_a_cancelled_claim_leaves_a_load_that_nobody_claims() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    virtual.feed(events.Cancelled(t_ns=virtual.t_ns, transaction_id="T-1"))
    virtual.wait(11)
    assert reasons(verdicts(virtual.effects))[-1] == ("NO_CLAIM",)


def restarted(first: Virtual) -> Virtual:
    """Return a second station that goes on with what the first has kept."""
    kept = next(effect.snapshot for effect in reversed(first.effects) if isinstance(effect, KeepVisit))
    assert kept is not None
    second = Virtual(kept_zero_g=0.0)
    second.engine.resume(visit.restore(kept))
    return second


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
    lambda v, n: v.feed(events.Corrected(t_ns=v.t_ns, claim=claim(f"T-{n % 3}", quantity=n + 1), source="scanner")),
    lambda v, _: v.feed(events.ScaleLost(t_ns=v.t_ns, scale=0, message="gone", remedy="plug it in")),
    lambda v, _: v.feed(events.ScaleFound(t_ns=v.t_ns, scale=0)),
    lambda v, n: v.feed(events.ZeroOrdered(t_ns=v.t_ns, command=n)),
    lambda v, n: setattr(v, "t_ns", v.t_ns + n * 60_000_000_000),
    _see,
]


def test_a_claim_for_a_load_that_came_after_the_verdict_takes_the_load() -> None:
    virtual = ready()
    virtual.decision = "review"
    virtual.claim()
    virtual.put(810)
    virtual.put(0)
    virtual.put(400)
    [verdict] = verdicts(virtual.claim(claim("T-2")))
    assert (verdict.transaction_id, verdict.verdict_no) == ("T-2", 1)


def test_another_claim_before_any_load_replaces_the_first() -> None:
    virtual = ready()
    virtual.claim()
    assert phases(virtual.claim(claim("T-2"))) == ["closed"]
    assert verdicts(virtual.put(400))[0].transaction_id == "T-2"


def test_release_closes_the_visit_when_the_load_has_gone() -> None:
    virtual = ready()
    virtual.decision = "review"
    virtual.claim()
    virtual.put(810)
    virtual.feed(events.Released(t_ns=virtual.t_ns, transaction_id="T-1", command=4))
    assert virtual.engine.state is State.CLEARING
    assert phases(virtual.put(0)) == ["removed", "closed"]


def test_verdict_numbers_go_on_where_the_transaction_left_off() -> None:
    virtual = ready()
    virtual.put(810)
    [verdict] = verdicts(virtual.claim(last_verdict_no=7))
    assert verdict.verdict_no == 8


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (lambda t_ns: events.Sampled(t_ns=t_ns, scale=0, counts=(8_388_607,), flags=4), "SCALE_FAULT"),
        (lambda t_ns: events.ScaleLost(t_ns=t_ns, scale=0, message="gone", remedy="plug it in"), "SCALE_LOST"),
    ],
    ids=["saturated", "unplugged"],
)
def test_a_broken_scale_abstains_once_with_an_alarm_and_recovers(fault: object, code: str) -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810, 0.3)
    for _ in range(40):
        virtual.t_ns += 12_500_000
        virtual.feed(fault(virtual.t_ns))  # type: ignore[operator] # one of the parameters above
    assert reasons(verdicts(virtual.effects)) == [("SCALE_FAULT",)]
    assert alarms(virtual.effects) == [(code, True)]
    virtual.feed(events.ScaleFound(t_ns=virtual.t_ns, scale=0))
    assert verdicts(virtual.wait(2))[0].judgement.decision == "accept"
    assert alarms(virtual.effects) == [(code, True), (code, False)]


def test_a_silent_scale_is_noticed_without_any_sample() -> None:
    virtual = ready()
    virtual.claim()
    virtual.t_ns += 2_100_000_000
    virtual.feed(events.Ticked(t_ns=virtual.t_ns))
    assert alarms(virtual.effects) == [("SCALE_SILENT", True)]
    assert reasons(verdicts(virtual.effects)) == [("SCALE_FAULT",)]


def test_a_fault_after_a_verdict_leaves_the_verdict_standing() -> None:
    virtual = ready()
    virtual.claim()
    virtual.put(810)
    virtual.feed(events.ScaleLost(t_ns=virtual.t_ns, scale=0, message="gone", remedy="plug it in"))
    virtual.feed(events.ScaleFound(t_ns=virtual.t_ns + 1, scale=0))
    virtual.wait(2)
    assert len(verdicts(virtual.effects)) == 1
    assert virtual.engine.state is State.DECIDED


def test_without_calibration_it_abstains_and_says_so() -> None:
    virtual = Virtual(calibrated=False)
    virtual.put(810)
    virtual.claim()
    assert reasons(verdicts(virtual.effects)) == [("NOT_CALIBRATED",)]
    assert alarms(virtual.effects) == [("NOT_CALIBRATED", True)]


def test_a_claim_in_the_first_moments_waits_for_the_scale() -> None:
    virtual = Virtual(kept_zero_g=0.0)
    virtual.claim()
    assert verdicts(virtual.effects) == []
    assert verdicts(virtual.put(810, 2))[0].judgement.decision == "accept"


def test_goods_left_at_start_are_a_load() -> None:
    virtual = Virtual()
    assert phases(virtual.put(5_000)) == ["placed", "stable"]


def captures(virtual: Virtual) -> list[Capture]:
    return [effect for effect in virtual.effects if isinstance(effect, Capture)]


def test_cameras_are_asked_when_the_load_settles_and_their_sightings_reach_the_checker() -> None:
    virtual = ready(cameras=("top",))
    virtual.claim()
    virtual.put(810)
    assert verdicts(virtual.effects) == []
    effects = virtual.see(captures(virtual)[0])
    [question] = [effect for effect in effects if isinstance(effect, Judge)]
    assert question.evidence is not None
    assert len(question.evidence.sightings) == 1
    [verdict] = verdicts(effects)
    assert verdict.evidence.cameras == 1
    assert verdict.timing_ms.capture == 50


def test_cameras_look_while_the_load_still_settles_and_again_after_each_step() -> None:
    virtual = ready(cameras=("top",))
    virtual.claim()
    virtual.put(810, 0.25)
    [early] = captures(virtual)
    virtual.put(1_500, 0.25)
    [_, late] = captures(virtual)
    assert verdicts(virtual.see(early)) == []
    assert verdicts(virtual.see(late)) == []
    [verdict] = verdicts(virtual.wait(1))
    assert verdict.evidence.sightings == 1
    assert len(captures(virtual)) == 2


def test_a_camera_that_does_not_answer_costs_its_deadline_and_the_verdict_says_so() -> None:
    virtual = ready(cameras=("top",))
    virtual.claim()
    [verdict] = verdicts(virtual.put(810, 4))
    assert "CAMERA_FAULT" in verdict.judgement.reasons
    assert ("CAMERA_LATE", True) in alarms(virtual.effects)
    virtual.put(1_500)
    virtual.see(captures(virtual)[-1])
    assert ("CAMERA_LATE", False) in alarms(virtual.effects)


def test_a_blind_camera_is_not_waited_for() -> None:
    virtual = ready(cameras=("top",))
    virtual.claim()
    virtual.put(810)
    blind = events.Blind(t_ns=virtual.t_ns, capture_no=captures(virtual)[0].capture_no, camera="top")
    assert len(verdicts(virtual.feed(blind))) == 1


def test_a_new_revision_of_the_same_load_uses_the_same_pictures() -> None:
    virtual = ready(cameras=("top",))
    virtual.claim()
    virtual.put(810)
    virtual.see(captures(virtual)[0])
    assert len(verdicts(virtual.claim(claim(revision=2)))) == 1
    assert len(captures(virtual)) == 1


def test_a_late_answer_to_an_old_capture_is_ignored() -> None:
    virtual = ready(cameras=("top",))
    virtual.claim()
    virtual.put(810)
    old = captures(virtual)[0]
    virtual.put(1_500)
    assert verdicts(virtual.see(old)) == []


def test_the_empty_platform_is_learnt_only_when_idle() -> None:
    virtual = Virtual(cameras=("top",))
    assert sum(isinstance(effect, LearnEmpty) for effect in virtual.wait(2)) == 1
    assert not any(isinstance(effect, LearnEmpty) for effect in virtual.put(810))
    assert sum(isinstance(effect, LearnEmpty) for effect in virtual.put(0, 3)) == 1


def test_zero_is_set_only_when_idle_and_the_zero_is_kept() -> None:
    virtual = ready(noise_g=0.1)
    virtual.put(4, 20)
    assert any(isinstance(effect, KeepZero) for effect in virtual.effects)
    assert answers(virtual.feed(events.ZeroOrdered(t_ns=virtual.t_ns, command=5))) == [None]
    virtual.put(300)
    assert answers(virtual.feed(events.ZeroOrdered(t_ns=virtual.t_ns, command=6))) == ["not_idle"]


def test_a_token_begins_a_visit_that_the_load_goes_on_with() -> None:
    virtual = ready()
    [token] = virtual.feed(events.TokenRead(t_ns=virtual.t_ns, token="QR-1", symbology="qr"))
    assert isinstance(token, Token)
    virtual.put(810)
    assert virtual.engine.visit is not None
    assert virtual.engine.visit.visit_id == token.visit_id


def test_a_correction_at_the_station_is_judged_at_once() -> None:
    virtual = ready()
    virtual.decision = "review"
    virtual.claim()
    virtual.put(810)
    corrected = events.Corrected(t_ns=virtual.t_ns, claim=claim(quantity=2), source="scanner")
    assert len(verdicts(virtual.feed(corrected))) == 1


def test_an_open_visit_survives_a_restart() -> None:
    first = ready()
    first.decision = "review"
    first.claim()
    first.put(810)
    kept = next(effect.snapshot for effect in reversed(first.effects) if isinstance(effect, KeepVisit))
    assert kept is not None
    second = Virtual(kept_zero_g=0.0)
    second.engine.resume(visit.restore(kept))
    assert verdicts(second.put(810, 2)) == []
    assert second.engine.state is State.DECIDED
    assert [verdict.verdict_no for verdict in verdicts(second.put(500))] == [2]


def test_a_claim_without_its_verdict_is_judged_after_a_restart() -> None:
    first = ready()
    first.claim()
    kept = next(effect.snapshot for effect in reversed(first.effects) if isinstance(effect, KeepVisit))
    assert kept is not None
    second = Virtual(kept_zero_g=0.0)
    second.engine.resume(visit.restore(kept))
    assert len(verdicts(second.put(810, 2))) == 1


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
        events.TokenRead(t_ns=15, token="x", symbology="qr"),
        events.Judged(
            t_ns=16,
            judge_no=99,
            judgement=Judgement(decision="accept", action="release", currency="EUR"),
            fusion_ms=1.0,
        ),
        events.Indicated(t_ns=17, scale=1, state="stable", weight_g=5.0),
    ]
