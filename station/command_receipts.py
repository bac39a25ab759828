"""Acknowledging commands to the broker: in the order they came, each once its effect is where it belongs.

Pure. MQTT 5 wants PUBACKs in the order of the PUBLISHes (4.6). A command is acknowledged when what it causes is on
disk, so a power cut before that makes the broker deliver it again; one whose work takes longer holds the receipts of
later ones back, never their execution. The broker stops delivering at `RECEIVE_MAXIMUM` (link) open ones.
"""

from collections import deque
from typing import NamedTuple


class Receipt(NamedTuple):
    """Which delivery is to be acknowledged."""

    connection: int
    mid: int


class Receipts:
    """The deliveries of the present connection that are not acknowledged yet."""

    def __init__(self) -> None:
        self._open: deque[Receipt] = deque()
        self._done: set[Receipt] = set()

    def came(self, receipt: Receipt) -> None:
        """Note a delivery; those of an earlier connection are void, the broker delivers them again."""
        if self._open and self._open[-1].connection != receipt.connection:
            self._open.clear()
            self._done.clear()
        self._open.append(receipt)

    def done(self, receipt: Receipt) -> list[Receipt]:
        """Return what may be acknowledged now that this one is done; nothing twice."""
        if receipt in self._open:
            self._done.add(receipt)
        ready = []
        while self._open and self._open[0] in self._done:
            ready.append(self._open.popleft())
            self._done.remove(ready[-1])
        return ready

    def give_up(self) -> list[Receipt]:
        """Return all that are open: a command by which the station ends must not come again and again."""
        ready = list(self._open)
        self._open.clear()
        self._done.clear()
        return ready
