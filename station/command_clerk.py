"""A thread for what would keep the consumer too long: writing catalogues, checking configurations, packing pictures.

It does one thing after the other and puts each answer on the consumer's queue. What waits is bounded.
"""

import queue
from collections.abc import Callable
from typing import Any

import msgspec

from station.command_refusals import CommandRefusedError, answer_error
from station.commands import Command
from station.sensing import READ_S, Emit, Worker

WAITING_MAX = 40  # twice what the broker delivers without an acknowledgement

Work = Callable[[], dict[str, Any]]  # returns the answer's data; raises `CommandRefusedError`


class Done(msgspec.Struct, frozen=True):
    """The answer to a command is ready."""

    command: Command
    data: dict[str, Any]


class Clerk(Worker):
    """Carries out commands' work away from the consumer."""

    patience_s = 900.0  # a catalogue of 50 000 products on a slow card

    def __init__(self, emit: Emit) -> None:
        super().__init__("clerk", emit)
        self._jobs: queue.Queue[tuple[Command, Work]] = queue.Queue(WAITING_MAX)

    def give(self, command: Command, work: Work) -> None:
        """Have it done soon; raise `CommandRefusedError` when too much waits."""
        try:
            self._jobs.put_nowait((command, work))
        except queue.Full as error:
            raise CommandRefusedError("busy", "too many commands wait; send it again in a minute") from error

    def run(self) -> None:
        """Work until asked to end; what is not begun then, the broker delivers again."""
        while self.going:
            try:
                command, work = self._jobs.get(timeout=READ_S)
            except queue.Empty:
                continue
            try:
                data = work()
            except CommandRefusedError as refusal:
                data = answer_error(refusal)
            self.emit(Done(command, data))
