"""The guided flow on the simulated platform, in virtual time: what it takes, what it asks, and what it refuses."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks.calibration_effort import guide_of, scale_on, start
from calibration import accepting
from calibration.bench import Scale
from calibration.conduct import Conductor
from calibration.faces import LineFace
from calibration.remarks import Message
from calibration.screen import Style
from calibration.session_cli import Judge
from calibration.sessions import SessionFile, find_open
from calibration.texts import Language
from calibration.typed import understood
from calibration.view import View
from calibration.words import message
from drivers.sim.workbench import Workbench
from station.calibrating import SIMULATED_HZ

Answer = Callable[[View], str | Sequence[str] | None]


class Script:
    """A technician who follows rules; each is asked in turn what to press for a screen. Ends after too long a time."""

    def __init__(self, *rules: Answer, patience: int = 12_000) -> None:
        self.questions: list[str] = []
        self.notes: list[Message] = []
        self.headlines: list[str] = []
        self.stops: list[str] = []
        self._rules, self._left, self._keys = rules, patience, [""]

    def show(self, view: View, trouble: Message | None) -> None:
        question = trouble or view.question
        if question is not None and (not self.questions or self.questions[-1] != question.key):
            self.questions.append(question.key)
        if question is not None and question.key == "stop":
            self.stops.append(f"{question.values['severity']} {question.values['text']}")
        self.notes += [note for note in view.notes if note not in self.notes]
        if view.action is not None and (not self.headlines or self.headlines[-1] != view.action.key):
            self.headlines.append(view.action.key)
        keys = next((keys for rule in self._rules if (keys := rule(view)) is not None), ())
        self._keys = [keys] if isinstance(keys, str) else list(keys)
        self._left -= 1
        if self._left < 0:
            self._keys = ["escape", "q"]

    def pressed(self) -> Sequence[str]:
        keys, self._keys = self._keys, []
        return [key for key in keys if key]


def usual(view: View) -> str | None:
    """Confirm what nobody but the technician can know."""
    return "enter" if view.question is not None and view.question.key in {"is_empty", "all_there"} else None


def at(key: str, *keys: str, times: int = 1, phase: str | None = None) -> Answer:
    """Press keys when a certain action is on the screen, once."""
    left = [times]

    def rule(view: View) -> Sequence[str] | None:
        if view.action is None or not view.action.key.startswith(key) or not left[0]:
            return None
        if phase is not None and view.phase != phase:
            return None
        left[0] -= 1
        return keys

    return rule


@pytest.fixture
def bench() -> Workbench:
    return Workbench(speed=None, rate_hz=20.0)


@pytest.fixture
def scale(bench: Workbench, tmp_path: Path) -> Scale:
    return scale_on(bench, tmp_path)


def go(scale: Scale, session: SessionFile, face: Script) -> str:
    return Conductor(scale, session, guide_of(scale, session), face, lambda _session: []).run()


def test_a_routine_calibration_goes_through_with_two_keys(scale: Scale) -> None:
    session, face = start(scale, "routine"), Script(usual)
    assert go(scale, session, face) == "finished"
    result = accepting.evaluated(session)
    assert result.may_accept
    assert result.decision == "pass"
    assert face.questions == ["is_empty", "all_there"]
    assert all(capture.stable for capture in session.captures)
    assert set(session.latest()) == {action.key for action in session.plan}
    assert max(abs(point.error_g) for point in result.as_left) < 2.0


def test_it_goes_on_where_it_stood(scale: Scale) -> None:
    session = start(scale, "routine")
    assert go(scale, session, Script(at("corners/load/BR", "q"), usual)) == "left"
    made = len(session.captures)
    again = find_open(scale.state_dir, 1)
    assert again is not None
    face = Script(at("span", "q"), usual)
    assert go(scale, again, face) == "left"
    assert face.headlines[0].startswith("corners/load/BR")
    assert [capture.number for capture in again.captures] == list(range(1, len(again.captures) + 1))
    assert len(again.captures) > made


def test_back_and_repeat_replace_and_nothing_is_lost(scale: Scale) -> None:
    session = start(scale, "routine")
    face = Script(at("corners/load/FR", "r"), at("corners/empty/-/-/0/4", "b", phase="measure"), at("span", "q"), usual)
    go(scale, session, face)
    replaced = {capture.replaces for capture in session.captures} - {None}
    assert len(replaced) == 2
    latest = session.latest()
    assert {capture.number for capture in latest.values()}.isdisjoint(replaced)
    places = [capture.position for capture in latest.values() if capture.step == "corners" and capture.load_g]
    assert places == ["C", "FL", "FR", "BR", "BL", "C"]


def test_a_step_is_left_out_with_its_reason_and_needed_ones_are_not(scale: Scale) -> None:
    session = start(scale, "routine")
    rules = at("linearity/empty/-/-/0/1", "s", *"no time", "enter"), at("zero", "s"), at("creep", "q")
    face = Script(*rules, usual)
    go(scale, session, face)
    [skipped] = [capture for capture in session.captures if capture.skipped is not None]
    assert (skipped.step, skipped.skipped, skipped.cells) == ("linearity", "no time", ())
    assert any(note.key == "needed" for note in face.notes)
    assert any(capture.step == "repeatability" for capture in session.captures)


class Wrong:
    """Hands that put something else there than what was asked for."""

    def __init__(self, bench: Workbench, factor: float = 1.0, swap: dict[str, str] | None = None) -> None:
        self._bench, self._factor, self._swap = bench, factor, swap or {}
        self.put_at: list[str] = []

    def put(self, pieces_g: Sequence[float], place: str) -> None:
        self.put_at.append(place)
        self._bench.put([self._factor * grams for grams in pieces_g], self._swap.get(place, place))

    def clear(self) -> None:
        self._bench.clear()

    def press(self, place: str) -> None:
        self._bench.press(place)


def with_hands(scale: Scale, hands: Wrong) -> Scale:
    from msgspec.structs import replace

    return replace(scale, hands=hands)


def test_a_slipped_digit_shows_in_what_the_first_load_implies(bench: Workbench, scale: Scale) -> None:
    session = start(scale, "routine")  # 50 kg are said to lie there, 5 kg do
    face = Script(at("exercise/empty", "w", *"5kg", "enter", phase="odd"), at("exercise/empty", "q"), usual)
    assert go(with_hands(scale, Wrong(bench, 0.1)), session, face) == "left"
    assert face.questions[:3] == ["is_empty", "all_there", "odd"]
    typed = session.latest()["exercise/load/C/-/50000/1"]
    first = next(capture for capture in session.captures if capture.step == "exercise")
    assert (first.load_g, typed.load_g, typed.replaces) == (50_000.0, 5_000.0, first.number)
    [said] = [note for note in face.notes if note.key == "implied"]
    assert said.values["rated_g"] == pytest.approx(19_900, rel=0.02)


def test_weights_are_typed_by_mass_and_by_name_but_never_above_max(scale: Scale) -> None:
    session = start(scale, "routine")
    keys = (*"60 kg", "enter", "escape", "w", *"10kg-1 + 10KG-2 + 5kg-1", "enter")
    face = Script(at("exercise/load", "w", *keys, phase="place"), at("exercise/empty", "q"), usual)
    assert go(scale, session, face) == "left"
    typed = session.latest()["exercise/load/C/-/50000/1"]
    assert (typed.load_g, typed.weights) == (25_000.0, ("10kg-1", "10kg-2", "5kg-1"))


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "60 kg is more than the platform carries, 50 kg."), ("de", "60 kg ist mehr als Max, 50 kg.")],
)
def test_a_load_above_max_is_told_as_loads_are(language: Language, said: str) -> None:
    found = understood("60kg", (), 50_000.0)
    assert isinstance(found, Message)
    assert message(found, language, 50_000.0) == said


def test_another_load_than_was_asked_for_is_not_taken_silently(bench: Workbench, scale: Scale) -> None:
    session = start(scale, "routine")
    go(scale, session, Script(at("zero", "q"), usual))
    face = Script(usual, patience=600)
    assert go(with_hands(scale, Wrong(bench, 0.5)), session, face) == "left"
    assert face.questions[-1] == "mismatch"
    assert session.captures[-1].step == "corners"
    assert session.captures[-1].load_g == 0


def test_a_weight_at_the_wrong_corner_is_noticed(bench: Workbench, scale: Scale) -> None:
    session = start(scale, "routine")
    go(scale, session, Script(at("corners/load/FL", "q"), usual))
    face = Script(usual, patience=600)
    go(with_hands(scale, Wrong(bench, swap={"FL": "BR"})), session, face)
    assert face.questions[-1] == "misplaced"
    assert session.captures[-1].position is None
    said = Script(at("corners/load/FL", "enter", phase="doubt"), at("corners/empty/-/-/0/3", "q"), usual)
    go(with_hands(scale, Wrong(bench, swap={"FL": "BR"})), session, said)
    assert session.captures[-1].position == "FL"  # the technician is believed; the evaluation judges


def test_an_unplugged_cell_is_named_and_nothing_is_taken(bench: Workbench, scale: Scale) -> None:
    bench.world.unplug(2)
    session, face = start(scale, "routine"), Script(usual, patience=200)
    go(scale, session, face)
    assert session.captures == ()
    assert face.questions == ["trouble"]


def test_a_converter_that_settles_is_no_trouble(tmp_path: Path) -> None:
    scale = scale_on(Workbench(speed=None, rate_hz=SIMULATED_HZ), tmp_path)
    face = Script(at("exercise", "q"), usual)
    assert go(scale, start(scale, "routine"), face) == "left"
    assert face.questions == ["is_empty"]


@pytest.mark.parametrize(
    ("fault", "unplugged", "why"), [("noisy", False, "does not come to rest"), (None, True, "Cell 3 is at the end")]
)
def test_a_script_does_not_wait_for_ever(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str | None, unplugged: bool, why: str
) -> None:
    bench = Workbench(speed=None, rate_hz=20.0, fault=fault)
    if unplugged:
        bench.world.unplug(2)
    scale = scale_on(bench, tmp_path)
    style = Style(title="", language="en", capacity_g=scale.capacity_g, places=())
    face, session = LineFace(style, agree=True, patience_s=0.0), start(scale, "routine")
    conductor = Conductor(scale, session, guide_of(scale, session), face, lambda _session: [])
    assert conductor.run() == "left"
    assert why in face.gave_up
    assert why in capsys.readouterr().out


def test_pressed_corners_answer_by_their_own_cell(scale: Scale) -> None:
    session, face = start(scale, "full"), Script(at("exercise", "q"), usual)
    go(scale, session, face)
    answered = {note.values["position"]: note.values["cell"] for note in face.notes if note.key == "answered"}
    assert answered == {"BL": 1, "BR": 2, "FR": 3, "FL": 4}
    assert all(note.values["felt_g"] > 1000 for note in face.notes if note.key == "answered")


def test_swapped_wires_answer_backwards(tmp_path: Path) -> None:
    bench = Workbench(speed=None, rate_hz=20.0, fault="swapped")
    scale = scale_on(bench, tmp_path)
    session, face = start(scale, "full"), Script(at("exercise", "q"), usual)
    go(scale, session, face)
    felt = {note.values["cell"]: note.values["felt_g"] for note in face.notes if note.key == "answered"}
    assert felt[3] < -1000
    assert felt[4] > 1000


def test_a_fault_stops_the_flow_at_the_step_that_shows_it(tmp_path: Path) -> None:
    bench = Workbench(speed=None, rate_hz=20.0, fault="swapped")
    scale = scale_on(bench, tmp_path)
    session, face = start(scale, "full"), Script(at("exercise", "q", phase="odd"), usual, patience=1500)
    conductor = Conductor(scale, session, guide_of(scale, session), face, Judge("de"))
    assert conductor.run() == "left"
    assert face.questions[-1] == "stop"
    assert face.stops[0].startswith("MANGEL: Zelle 3, vorn rechts: Zelle ist verkehrt angeschlossen; Signaladern")
    assert session.captures[-1].step == "diagnose"
