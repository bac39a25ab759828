"""Single keys from a terminal, without waiting for them; the terminal is put right again whatever happens."""

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self

ESCAPE_S = 0.02  # an arrow key's bytes come together
NAMES = {"\r": "enter", "\n": "enter", "\x7f": "back", "\x08": "back", "\x1b": "escape"}


class Keyboard:
    """Keys of standard input while the block lasts; Ctrl-C stays Ctrl-C."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._before: list[Any] | None = None
        self._gone = False

    def __enter__(self) -> Self:
        """Let keys come one by one, unseen."""
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the terminal right again."""
        if self._before is not None:
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def pressed(self) -> list[str]:
        """Return the keys since the last call: characters, `enter`, `back`, `escape`; `q` for a terminal that went."""
        text = ""
        while not self._gone and select.select([self._fd], [], [], ESCAPE_S if text.endswith("\x1b") else 0)[0]:
            data = os.read(self._fd, 1024)
            self._gone = not data
            text += data.decode(errors="ignore")
        return [*named(text), *(["q"] if self._gone else [])]


def named(text: str) -> list[str]:
    """Return the keys in what a terminal sent; arrows and the like are passed over."""
    keys: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\x1b" and text[at + 1 : at + 2] in {"[", "O"}:
            at += 2
            while at < len(text) and not text[at].isalpha() and text[at] != "~":
                at += 1
        else:
            keys.append(NAMES.get(text[at], text[at]))
        at += 1
    return keys
