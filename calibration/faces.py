"""The two faces of the guided flow: a screen in a terminal, plain lines anywhere else."""

import os
import select
import sys
import time
from types import TracebackType
from typing import Self

import msgspec
from rich.console import Console
from rich.layout import Layout
from rich.live import Live

from calibration.keyboard import Keyboard
from calibration.remarks import Message
from calibration.screen import Style, draw, foot, plain
from calibration.texts import Language, mass, say
from calibration.view import View
from calibration.words import instruction, message, phase

DRAW_S = 0.1
PATIENCE_S = 60.0  # where nobody is there to help


def console() -> Console:
    """Return where people read."""
    return Console(highlight=False, soft_wrap=False)


class ScreenFace:
    """A screen of its own, redrawn some times a second; the shell's text is back when it ends."""

    def __init__(self, style: Style, where: Console) -> None:
        self._style = style if "utf" in where.encoding.lower() else plain(style)
        self._keyboard = Keyboard()
        self._next_s = 0.0
        self._body, self._foot = Layout(name="body"), Layout(name="foot", size=1)
        whole = Layout()
        whole.split_column(self._body, self._foot)
        self._live = Live(whole, console=where, screen=True, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._keyboard.__enter__()
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._live.__exit__(kind, error, trace)
        self._keyboard.__exit__(kind, error, trace)

    def show(self, view: View, trouble: Message | None) -> None:
        """Draw, ten times a second at most."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + DRAW_S
        shown = view_with(view, trouble)
        self._body.update(draw(shown, self._style))
        self._foot.update(foot(shown, self._style))
        self._live.refresh()

    def pressed(self) -> list[str]:
        """Return the keys since the last call."""
        return self._keyboard.pressed()


class LineFace:
    """A line for everything that changes; answers are lines, an empty one is Enter.

    `agree`: questions that only somebody at the platform could answer are taken as answered; where somebody would have
    to look, or nothing comes to rest for `patience_s`, it leaves, and `gave_up` says why.
    """

    def __init__(self, style: Style, *, agree: bool, quiet: bool = False, patience_s: float = PATIENCE_S) -> None:
        self._style, self._agree, self._quiet = style, agree, quiet
        self.gave_up = ""
        self._patience_s, self._since_s = patience_s, time.monotonic()
        self._action = ""
        self._last: tuple[object, ...] = ()
        self._keys: list[str] = []
        self._rest = b""
        self._ended = agree  # whoever agrees in advance is not asked

    def __enter__(self) -> Self:
        """Nothing is taken."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is to be given back."""

    def show(self, view: View, trouble: Message | None) -> None:
        """Print what is new."""
        shown = view_with(view, trouble)
        question = shown.question
        self._watch(shown.action.key if shown.action else "", question)
        now = (shown.action and shown.action.key, shown.phase, question and question.key, shown.notes)
        if now == self._last:
            return
        before, self._last = self._last, now
        if shown.action is not None and (not before or before[0] != now[0]):
            self._print(f"[{shown.number}/{shown.count}] {instruction(shown.action, self._style.language)}")
        for note in shown.notes:
            if not before or note not in before[3]:  # type: ignore[operator]
                self._say(note)
        if shown.phase == "measure" and shown.gross_g is not None:
            gross = mass(shown.gross_g, self._style.language)
            self._print(f"  {gross}: {phase(shown, self._style.language)}")
        if question is not None:
            self._say(question)
            self._answer(question)

    def pressed(self) -> list[str]:
        """Return the answers since the last call, as keys."""
        keys, self._keys = self._keys, []
        while not self._ended and select.select([sys.stdin.fileno()], [], [], 0)[0]:
            data = os.read(sys.stdin.fileno(), 4096)
            self._ended = not data
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                keys += [*line.decode(errors="ignore").strip(), *(["enter"] if len(line) != 1 else [])]
            keys += ["q"] if self._ended else []
        return keys

    def _answer(self, question: Message) -> None:
        if not self._agree:
            return
        if question.key in {"is_empty", "all_there"}:
            self._keys.append("enter")
        elif question.key in {"mismatch", "misplaced", "odd", "stop"}:  # nobody is there to look
            self._give_up(question)

    def _watch(self, action: str, question: Message | None) -> None:
        """Give up what neither goes on nor can be helped: nobody sees a cell that is unplugged, or never rests."""
        if action != self._action:
            self._action, self._since_s = action, time.monotonic()
        waits = question is not None and question.key in {"unrest", "trouble", "lost"}
        if self._agree and waits and question is not None and time.monotonic() - self._since_s >= self._patience_s:
            self._give_up(question)

    def _give_up(self, question: Message) -> None:
        self._keys.append("q")
        text = message(question, self._style.language, self._style.capacity_g, self._style.places)
        self.gave_up = str(question.values["text"]) if question.key == "stop" else text

    def _say(self, note: Message) -> None:
        style = self._style
        self._print("  " + message(note, style.language, style.capacity_g, style.places))

    def _print(self, line: str) -> None:
        if not self._quiet:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def view_with(view: View, trouble: Message | None) -> View:
    """Return the view with what the driver says of its device in place of any question."""
    if trouble is None:
        return view
    return msgspec.structs.replace(view, question=trouble, live=None, gross_g=None)


def usable_screen() -> bool:
    """Return whether both ends are a terminal that can be drawn on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def title(station: str, scale: int, language: Language, *, simulated: bool) -> str:
    """Return what stands above every screen."""
    text = say(language, "title", scale=scale, station=station)
    return f"{text} ({say(language, 'simulated')})" if simulated else text
