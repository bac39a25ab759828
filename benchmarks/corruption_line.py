"""A bad serial line as its receiver sees it: bits flipped under parity, bytes lost or doubled, ends cut off, noise.

What a protocol cannot tell from a sound answer is noted: what differs from the answer that was sent only within the
weight, there only in digits, or keeps the whole layout otherwise, and whose own check holds. That is what is let
through by chance, whoever reads it.
"""

import random
import re

from benchmarks.scale_cases import ScaleCase
from drivers.sim.faults import FaultyLine

KINDS = ("flip", "flip", "flip", "drop", "double", "truncate", "noise")
SECOND = 0.15  # chance of one more fault in a damaged answer
FLIPS = (1, 1, 1, 1, 1, 1, 1, 2, 2, 3)  # bits of one byte that flip together
RECENT = 3


class SerialLine(FaultyLine):
    """Carries a device's answers; `damage` is each one's chance of harm."""

    def __init__(self, case: ScaleCase, damage: float, seed: int) -> None:
        super().__init__(seed=seed)
        self._case = case
        self._damage = damage
        self._chance = random.Random(seed)
        self._rest = b""  # of a line whose end was lost, and which the next one goes on
        self.damaged = self.sound = self.twins = 0
        self.recent: list[bool] = []  # of the last answers: was it one that nobody could tell from a sound one
        self.last_sound = False  # the last answer was whole, and a stable weight

    def carry(self, message: bytes) -> bytes:
        """Return what arrives."""
        weighs = self._case.weighs(message)
        if self._chance.random() >= self._damage:
            self._note(sound=weighs, twin=bool(self._rest) and self.is_twin(message, message))
            return message
        got = self._harm(message)
        while self._chance.random() < SECOND:
            got = self._harm(got)
        self.damaged += got != message
        self._note(sound=weighs and got == message, twin=self.is_twin(message, got))
        return got

    def _note(self, *, sound: bool, twin: bool) -> None:
        self.sound += sound
        self.twins += twin
        self.last_sound = sound
        self.recent = [*self.recent[1 - RECENT :], twin]

    def _harm(self, message: bytes) -> bytes:
        """Do one harm."""
        if not message:
            return message
        at = self._chance.randrange(len(message))
        match self._chance.choice(KINDS):
            case "flip":
                return message[:at] + self._receive(message[at], self._flips()) + message[at + 1 :]
            case "drop":
                return message[:at] + message[at + 1 :]
            case "double":
                return message[: at + 1] + message[at:]
            case "truncate":
                return message[:at]
            case _:
                noise = self._chance.randbytes(self._chance.randint(1, 20))
                return b"".join(self._receive(byte, 0, noise=True) for byte in noise) + message

    def _flips(self) -> int:
        return sum(1 << bit for bit in self._chance.sample(range(8), self._chance.choice(FLIPS)))

    def _receive(self, byte: int, flips: int, *, noise: bool = False) -> bytes:
        """Return what the receiver makes of a byte; with parity, bit 7 is the parity and wrong ones are dropped."""
        if self._case.parity == "N":
            return bytes([byte ^ flips])
        wrong = (byte if noise else flips).bit_count() % 2
        return b"" if wrong else bytes([(byte ^ flips) & 0x7F])

    def is_twin(self, sent: bytes, got: bytes) -> bool:
        """Tell whether something in `got` is an answer of the scale, with another weight."""
        case = self._case
        if case.lines:
            *pieces, rest = re.split(rb"[\r\n]", self._rest + got)
            pieces = [case.normal(piece) for piece in pieces]
            self._rest, sent = b"" if case.asked else rest, sent.strip(b"\r\n")
        else:
            sent, got = case.normal(sent), case.normal(got)
            pieces = [got[at : at + len(sent)] for at in range(len(got) - len(sent) + 1)]
        return any(piece != sent and case.valid(piece) and self._other(sent, piece) for piece in pieces)

    def _other(self, sent: bytes, got: bytes) -> bool:
        """Tell whether `got` keeps the layout, and only its weight is another."""
        if self._case.shape is not None and self._case.shape.fullmatch(got):
            return True
        ours, theirs = self._case.field.search(sent), self._case.field.search(got)
        if ours is None or theirs is None:
            return False
        number, other = ours[0].strip(), theirs[0].strip()
        blank = b" +" if self._case.lines else b""  # a plus may be a blank
        ends = [
            (one[: found.start()].strip(blank), one[found.end() :].strip(blank))
            for one, found in ((sent, ours), (got, theirs))
        ]
        wide = len(sent) == len(got) or len(number) == len(other)
        decimals = [len(one.partition(b".")[2]) for one in (number, other)]
        return wide and number != other and ends[0] == ends[1] and decimals[0] == decimals[1]
