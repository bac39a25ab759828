"""Visits from beginning to end, in virtual time."""

import pytest

from station.core import events, visit
from station.core.effects import KeepVisit, KeepZero, Token
from station.core.transaction import State
from tests.support.virtual import (
    INSTRUMENT,
    Virtual,
    alarms,
    answers,
    claim,
    phases,
    ready,
    reasons,
    restarted,
    verdicts,
)


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
    for station in (restarted(virtual), virtual):
        station.put(810, 2)
        station.put(0)
        assert station.engine.state is State.IDLE


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
