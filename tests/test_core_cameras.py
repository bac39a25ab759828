"""When cameras are asked, and what becomes of their answers, in virtual time."""

from station.core import events
from station.core.effects import Judge, LearnEmpty
from tests.support.virtual import Virtual, alarms, captures, claim, ready, verdicts


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
