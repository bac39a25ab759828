"""Conducting a guided session: readings from the driver, keys from the technician, captures to disk, views to a face.

One thread, one loop. Whatever ends it, the session stays on disk as it is.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

from calibration.bench import Hands, Scale
from calibration.captures import Capture, TestWeight
from calibration.guide import Guide
from calibration.loads import value_g
from calibration.procedure import Action
from calibration.remarks import Message
from calibration.sessions import SessionFile
from calibration.view import Taken, View
from drivers.base import Barcode, ScaleDriver, SensorError

READ_S, RETRY_S = 0.1, 1.0
DRAW_NS = 100_000_000  # of the readings' time, so that a simulated hour is drawn as a real one
REACH_S, CARRY_S, PIECE_S = 3.0, 1.0, 1.5  # how long simulated hands take: to begin, and for each weight

Outcome = Literal["finished", "left"]
Judge = Callable[[SessionFile], Sequence[Message]]


class Face(Protocol):
    """Where the technician looks, and what the technician presses."""

    def show(self, view: View, trouble: Message | None) -> None:
        """Show how it stands."""

    def pressed(self) -> Sequence[str]:
        """Return the keys pressed since the last call; `q` leaves."""


class Conductor:
    """Runs one guide on one scale. `judge` says what a finished step has shown."""

    def __init__(self, scale: Scale, session: SessionFile, guide: Guide, face: Face, judge: Judge) -> None:
        self._scale, self._session, self._guide, self._face, self._judge = scale, session, guide, face, judge
        self._driver: ScaleDriver = scale.make()
        self._open = False
        self._retry_s = 0.0
        self._heard_ns = self._drawn_ns = 0
        self._trouble: Message | None = None
        self._hands = None if scale.hands is None else Assistant(scale.hands, session.session.weights)

    def run(self) -> Outcome:
        """Go on until everything is done or somebody leaves."""
        try:
            while not self._guide.finished:
                self._read()
                if not self._obey():
                    return "left"
                self._draw()
            self._draw(now=True)
        finally:
            self._driver.close()
        return "finished"

    def _read(self) -> None:
        try:
            if not self._open:
                if time.monotonic() < self._retry_s:
                    time.sleep(READ_S)
                    return
                self._driver.open()
                self._open = True
            for reading in self._driver.read(READ_S):
                self._trouble, self._heard_ns = None, reading.t_ns
                if isinstance(reading, Barcode):
                    continue
                if self._hands is not None:
                    self._hands.help(self._guide.action, reading.t_ns, asked=self._guide.asks)
                taken = self._guide.handle(reading)
                if taken is not None:
                    self._keep(taken)
                if self._guide.finished:
                    return
        except SensorError as error:
            self._driver.close()
            self._open, self._retry_s = False, time.monotonic() + RETRY_S
            self._trouble = Message("lost", {"message": error.message, "remedy": error.remedy})

    def _obey(self) -> bool:
        for key in self._face.pressed():
            if key == "q" and not self._guide.typing:
                return False
            taken = self._guide.press(key)
            if taken is not None:
                self._keep(taken)
        return True

    def _draw(self, *, now: bool = False) -> None:
        if now or self._trouble is not None or self._heard_ns - self._drawn_ns >= DRAW_NS:
            self._drawn_ns = self._heard_ns
            self._face.show(self._guide.view(), self._trouble)

    def _keep(self, taken: Taken) -> None:
        capture = make_capture(taken, self._session.next_number, self._scale.now(), counts=self._scale.gives_counts)
        self._session.add(taken.key, capture)
        self._guide.kept(capture, taken.key)
        if self._guide.step_done:
            self._guide.note(self._judge(self._session))


def make_capture(
    taken: Taken, number: int, now: datetime, *, counts: bool, temperature_c: float | None = None
) -> Capture:
    """Return the capture to keep of what was measured, or of what was left out."""
    action, measured = taken.action, taken.measured
    cells = () if measured is None else measured.cells
    t_ns = 0 if measured is None else measured.end_ns
    return Capture(
        number=number,
        step=action.step,
        series=action.series,
        time=now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        start_ns=0 if measured is None else measured.start_ns,
        end_ns=t_ns,
        load_g=action.load_g,
        cells=cells if counts else (),
        position=action.position,
        direction=action.direction,
        weights=action.weights,
        indicated_g=cells[0] if cells and not counts else None,
        temperature_c=temperature_c,
        stable=measured is not None and measured.stable,
        flags=() if measured is None else measured.flags,
        replaces=taken.replaces,
        skipped=taken.skipped,
    )


class Assistant:
    """Does on a simulated platform what the screen asks for, as a technician would, in the platform's time."""

    def __init__(self, hands: Hands, weights: Sequence[TestWeight]) -> None:
        self._hands = hands
        self._grams = {weight.weight_id: value_g(weight) for weight in weights}
        self._asked: Action | None = None
        self._due_ns: int | None = None
        self._lies: tuple[float, str] | None = None

    def help(self, action: Action | None, t_ns: int, *, asked: bool) -> None:
        """Look at the screen, and act when it is time; not while the technician is `asked` something."""
        if action is None or asked:
            return
        if action is not self._asked:
            self._asked = action
            self._due_ns = None if self._is_done(action) else t_ns + round(self._effort_s(action) * 1e9)
        if self._due_ns is not None and t_ns >= self._due_ns:
            self._due_ns = None
            self._act(action)

    def _effort_s(self, action: Action) -> float:
        return REACH_S + (CARRY_S + PIECE_S * max(1, len(action.weights)) if action.do == "load" else CARRY_S)

    def _is_done(self, action: Action) -> bool:
        if action.do == "empty":
            return self._lies is None
        return action.do == "hold" or (action.do == "load" and self._lies == (action.load_g, action.position))

    def _act(self, action: Action) -> None:
        place = action.position or "C"
        if action.do == "empty":
            self._hands.clear()
            self._lies = None
        elif action.do == "press":
            self._hands.press(place)
        elif action.do == "load":
            pieces = [self._grams[name] for name in action.weights if name in self._grams]
            self._hands.put(pieces if sum(pieces) == action.load_g else [action.load_g], place)
            self._lies = (action.load_g, place)
