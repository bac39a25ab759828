"""The guided flow as a machine: readings and keys in, what to show and what to keep out; no clock, no screen, no file.

For each action it waits until the scale shows what the action asks for, lets it rest, measures, and hands the result
out. What lies there is told from the weighing for now (`provisional`): where that can be believed, a load that is a
tenth off is not taken without a word, nor one at the wrong corner. What cannot be believed is never in the way:
Enter takes what lies there.
"""

from collections.abc import Sequence

import msgspec

from calibration import provisional, remarks
from calibration.captures import Capture, Session
from calibration.capturing import Live, Measured, Watch, band_g
from calibration.lying import Lying
from calibration.model import Calibration
from calibration.procedure import NEEDED, Action, Platform
from calibration.remarks import Message
from calibration.typed import Typed, understood
from calibration.view import Phase, Taken, View
from drivers.base import Indication, Sample

S_NS = 1_000_000_000
DOUBT_NS, UNREST_NS, SILENT_NS = 3 * S_NS, 20 * S_NS, S_NS
PRESSED = 0.02  # of capacity: a hand on a corner

STOP = "stop"


class Guide:
    """One session's flow. Feed `handle` and `press`; keep each `Taken` and confirm it with `kept`; show `view`."""

    def __init__(
        self,
        platform: Platform,
        head: Session,
        plan: Sequence[Action],
        captures: dict[str, Capture],
        *,
        history: Sequence[Capture] = (),
        prior: Calibration | None = None,
    ) -> None:
        self._platform, self._plan, self._prior = platform, tuple(plan), prior
        self._head, self._e_g = head, head.verification_interval_g
        self._made = dict(captures)
        self._history = list(history)
        self._band_g = band_g(self._e_g, counts=platform.gives_counts)
        self._watch = Watch(self._band_g)
        self._live: Live | None = None
        self._now_ns = self._began_ns = 0
        self._notes: list[Message] = []
        self._typed = Typed()
        self._other: dict[str, Action] = {}  # actions whose load was typed anew
        self._sure = False  # Enter was pressed for what lies there
        self._doubt_since_ns: int | None = None
        self._since_ns: int | None = None
        self._measuring = False
        self._armed = False
        self._seen_g = 0.0  # what lay there when the last capture was made
        self._odd: Message | None = None
        self._doubted: set[int | None] = set()  # captures whose load was typed wrong
        self._at = self._next_open(0)

    @property
    def finished(self) -> bool:
        """Whether every action is done or left out."""
        return self._at is None

    @property
    def action(self) -> Action | None:
        """What is to be done now."""
        if self._at is None:
            return None
        planned = self._plan[self._at]
        return self._other.get(planned.key, planned)

    @property
    def typing(self) -> bool:
        """Whether keys are letters of an answer now."""
        return self._typed.what is not None

    @property
    def asks(self) -> bool:
        """Whether nothing goes on before the technician has answered."""
        return self.typing or self._odd is not None

    @property
    def step_done(self) -> bool:
        """Whether the action that comes next begins another step than the last capture."""
        return not self._history or self.action is None or self.action.step != self._history[-1].step

    def handle(self, reading: Sample | Indication) -> Taken | None:
        """Take a reading; return what is to be kept."""
        self._now_ns = reading.t_ns
        self._began_ns = self._began_ns or reading.t_ns
        measured = self._watch.handle(reading)
        self._live = self._watch.live() or self._live
        if self._watch.weigher is None and self._live is not None:
            self._weigh_anew()
        action = self.action
        if action is None or self.typing or self._odd is not None:
            return None
        if measured is not None and self._measuring:
            return self._take(action, measured)
        self._since_ns = reading.t_ns if self._since_ns is None else self._since_ns
        if action.do == "press":
            self._feel(action)
        elif not self._measuring and self._live is not None and self._is_there(action, self._live):
            self._start(action)
        elif self._measuring and self._live is not None and self._left(action):
            self._stop()
        return None

    def press(self, key: str) -> Taken | None:
        """Take a key: a character, or `enter`, `back`, `escape`; return what is to be kept."""
        if self.typing:
            return self._edit(key)
        if self.action is None:
            return None
        if key == "enter":
            self._confirm()
        elif key == "r":
            self._repeat()
        elif key == "b":
            self._go_back()
        elif key == "n":
            self._forward()
        elif key == "w" and (self.action.do == "load" if self._odd is None else self._odd.key != STOP):
            self._retype()
        elif key == "s":
            self._ask_reason()
        return None

    def kept(self, capture: Capture, key: str) -> None:
        """Know that a capture is on disk; go on to the next action."""
        self._made[key] = capture
        self._history.append(capture)
        self._weigh_anew()
        self._remark(capture)
        at = next((n for n, action in enumerate(self._plan) if action.key == key), -1)
        self._move(self._next_open(at + 1))

    def note(self, said: Sequence[Message]) -> None:
        """Show these until the next capture or key; the first one that says stop holds everything up."""
        self._notes += [note for note in said if note.key != STOP]
        stops = [note for note in said if note.key == STOP]
        if stops and self._odd is None:
            self._odd = stops[0]

    def view(self) -> View:
        """Return what to show now."""
        action, weigher, lying = self.action, self._watch.weigher, self._look()
        cells_g = lying.cells_g
        steps = list(dict.fromkeys(planned.step for planned in self._plan))
        return View(
            action=action,
            number=len(self._plan) if self._at is None else self._at + 1,
            count=len(self._plan),
            phase=self._phase(),
            live=self._live,
            gross_g=None if cells_g is None else lying.gross_g,
            believed=lying.believed,
            provisional=weigher is not None and weigher.source == "session",
            cells_g=cells_g or (),
            band_g=self._band_g,
            left_s=self._left_s(),
            question=self._question(),
            notes=tuple(self._notes),
            typed=self._typed.text if self._typed.what else None,
            step_number=steps.index(action.step) + 1 if action else len(steps),
            step_count=len(steps),
        )

    # What lies there

    def _look(self) -> Lying:
        return Lying(self._platform, self._e_g, self._head.positions_mm, self._watch.weigher, self._live)

    def _is_there(self, action: Action, live: Live) -> bool:
        """Tell whether measuring may begin: what was asked for lies there, or somebody said so."""
        if action.do == "hold":
            return self._left_s() <= 0
        lying = self._look()
        if self._sure or (self._matches(action, lying) and lying.misplaced(action) is None):
            return True
        if not lying.is_new(action, self._seen_g):
            self._doubt_since_ns = None
        elif self._doubt_since_ns is None:
            self._doubt_since_ns = live.t_ns
        return False

    def _matches(self, action: Action, lying: Lying) -> bool:
        if action.do == "empty":
            return self._begun and lying.is_empty()  # before, nobody has said that the platform is empty
        return lying.fits(action)

    @property
    def _begun(self) -> bool:
        return any(capture.skipped is None for capture in self._made.values())

    def _left(self, action: Action) -> bool:
        """Tell whether what was measured has gone."""
        return not (self._sure or action.do == "hold" or self._matches(action, self._look()))

    def _feel(self, action: Action) -> None:
        """Follow a hand that presses on a corner and goes."""
        live, cells_g = self._live, self._look().cells_g
        if live is None or cells_g is None:
            return
        pressed = max(abs(load_g) for load_g in cells_g) > PRESSED * self._platform.capacity_g
        if not pressed and live.rests:
            self._armed = True  # the hand of the corner before has gone
        if pressed and self._armed and not self._measuring:
            self._measuring = True
            self._watch.measure(action.seconds, at_rest=False)

    def _start(self, action: Action) -> None:
        self._measuring = True
        self._watch.measure(action.seconds)

    def _stop(self) -> None:
        self._measuring = False
        self._watch.stop()

    def _take(self, action: Action, measured: Measured) -> Taken:
        self._measuring = False
        return self._hand_out(action, measured=measured)

    def _hand_out(self, action: Action, *, measured: Measured | None = None, skipped: str | None = None) -> Taken:
        key = self._plan[self._at or 0].key
        before = self._made.get(key)
        number = None if before is None else before.number
        return Taken(action=action, key=key, measured=measured, replaces=number, skipped=skipped)

    def _weigh_anew(self) -> None:
        seen = None if self._live is None else self._live.values
        if self._platform.gives_counts:
            self._watch.weigher = provisional.weigher(self._valid(), self._prior, self._platform.capacity_g, seen)
        else:
            self._watch.weigher = provisional.instrument(self._valid())

    def _valid(self) -> list[Capture]:
        """Return the captures that nothing replaces and nobody doubts."""
        gone = {capture.replaces for capture in self._history} | self._doubted
        return [capture for capture in self._history if capture.number not in gone]

    # Going on and back

    def _move(self, at: int | None) -> None:
        self._stop()
        self._at = at
        self._sure, self._armed, self._doubt_since_ns, self._since_ns = False, False, None, None
        self._seen_g = self._look().gross_g

    def _is_open(self, action: Action) -> bool:
        skipped = {capture.step for capture in self._made.values() if capture.skipped is not None}
        return action.key not in self._made and action.step not in skipped

    def _next_open(self, start: int) -> int | None:
        order = [*range(start, len(self._plan)), *range(min(start, len(self._plan)))]
        return next((at for at in order if self._is_open(self._plan[at])), None)

    def _repeat(self) -> None:
        self._notes.clear()
        if self._odd is None and (self._measuring or not self._history):
            self._stop()
            self._sure = False
            return
        self._odd = None
        last = self._history[-1].number
        at = next((n for n, action in enumerate(self._plan) if self._is_of(action, last)), self._at)
        self._move(at)

    def _is_of(self, action: Action, number: int) -> bool:
        made = self._made.get(action.key)
        return made is not None and made.number == number

    def _go_back(self) -> None:
        self._odd = None
        self._notes.clear()
        self._move(max(0, (len(self._plan) if self._at is None else self._at) - 1))

    def _forward(self) -> None:
        """Go on to what is not done yet, from something that was looked at again."""
        if self._at is not None and self._plan[self._at].key in self._made:
            self._move(self._next_open(self._at + 1))

    def _confirm(self) -> None:
        if self._odd is not None:
            self._odd = None
        else:
            self._sure = True
        self._notes.clear()

    # Typing

    def _retype(self) -> None:
        if self._odd is not None and self._odd.key != STOP:
            self._doubted.add(self._history[-1].number)
            self._repeat()
            self._weigh_anew()
        self._typed.ask("type")
        self._stop()

    def _ask_reason(self) -> None:
        action = self.action
        if action is None or action.step in NEEDED:
            self._notes = [Message("needed")]
            return
        self._typed.ask("skip")
        self._stop()

    def _edit(self, key: str) -> Taken | None:
        what, text, action = self._typed.what, self._typed.press(key), self.action
        if text is None or action is None:
            return None
        if what == "skip":
            self._typed.end()
            return self._hand_out(action, skipped=text)
        given = understood(text, self._head.weights, self._platform.capacity_g)
        if isinstance(given, Message):
            self._notes = [given]
            self._typed.ask("type")
            return None
        self._typed.end()
        self._notes.clear()
        changed = msgspec.structs.replace(action, load_g=given.grams, weights=given.weights)
        self._other[self._plan[self._at or 0].key] = changed
        return None

    # What to say

    def _remark(self, capture: Capture) -> None:
        """Say what a capture shows at once."""
        self._notes, self._odd = remarks.on(capture, self._valid(), self._watch.weigher, self._platform.capacity_g)

    def _left_s(self) -> float:
        action, live = self.action, self._live
        if action is None or action.do != "hold" or live is None:
            return 0.0
        put_ns = next((c.start_ns for c in reversed(self._history) if c.step == action.step and c.load_g > 0
                       and c.skipped is None and c.series == 1), live.t_ns)  # fmt: skip
        return max(0.0, action.after_s - (live.t_ns - put_ns) / S_NS)

    def _phase(self) -> Phase:
        if self.action is None:
            return "done"
        if self._typed.what is not None:
            return self._typed.what
        if self._odd is not None:
            return "odd"
        if self._measuring:
            return "measure"
        if self.action.do in {"press", "hold"}:
            return "press" if self.action.do == "press" else "hold"
        return "doubt" if self._question() is not None else "place"

    def _question(self) -> Message | None:
        """Return what stands in the way: something odd, a doubt about what lies there, or unrest."""
        action, live = self.action, self._live
        if self._odd is not None:
            return self._odd
        if action is None or self.typing:
            return None
        if live is None or self._measuring:
            return self._unrest()
        if action.do == "empty" and not self._begun:
            return self._unrest() or Message("is_empty")
        long = self._doubt_since_ns is not None and live.t_ns - self._doubt_since_ns >= DOUBT_NS
        return self._doubt(action, self._look()) if long else self._unrest()

    def _doubt(self, action: Action, lying: Lying) -> Message:
        """Say how what lies there differs from what was asked."""
        if action.do == "empty":
            return Message("not_empty", {"gross_g": lying.gross_g})
        if not lying.fits(action):
            key = "mismatch" if lying.believed else "all_there"
            return Message(key, {"gross_g": lying.gross_g, "load_g": action.load_g})
        return Message("misplaced", {"seen": lying.misplaced(action), "asked": action.position})

    def _unrest(self) -> Message | None:
        """Say why nothing happens: readings that are not believed, or a scale that does not rest."""
        heard_ns = self._began_ns if self._live is None else self._live.t_ns
        silent = self._now_ns - (heard_ns or self._now_ns) >= SILENT_NS  # a converter that settles is no trouble
        for trouble in self._watch.troubles(self._now_ns) if silent else ():
            name, _, channel = trouble.partition(":")
            if channel or name != "saturated":
                return Message("trouble", {"trouble": name, "cell": int(channel) if channel else None})
        live = self._live
        waited = self._since_ns is not None and self._now_ns - self._since_ns > UNREST_NS
        if live is not None and waited and not live.rests and (self._measuring or self._sure):
            return Message("unrest", {"swing_g": live.swing_g, "band_g": self._band_g})
        return None
