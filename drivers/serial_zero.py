"""Serial scales that can be told to take their present load as zero; implements `drivers.base.Zeroable`.

The command is sent while no answer is awaited and the line is quiet, so that nothing older is taken for its answer.
Whether the scale then really shows zero is for the reader of its weights to see.
"""

import time
from typing import Protocol

from drivers.base import ZeroRefusedError
from drivers.conversation import Conversation
from drivers.link import Link
from drivers.serial_scale import Clock, SerialScale, SerialScaleOptions

_ANSWER_S = 1.2  # shorter than the silence after which the weights would be missed
_KEPT_BYTES = 128
_REMEDY = "clear the platform, let it come to rest, or use the scale's own zero key"


class ZeroTalk(Protocol):
    """How a scale is told to zero itself, and what it answers, as pure functions of bytes."""

    @property
    def command(self) -> bytes:
        """What to send."""

    def answered(self, data: bytes) -> str | None:
        """Return "" when `data`, all that came since, says that it is done, why not, or None while it says nothing."""


class ZeroableScale(SerialScale):
    """A serial scale whose protocol has a zero command; `zero_talk` None: not in the dialect that is set."""

    def __init__(
        self, options: SerialScaleOptions, conversation: Conversation, protocol: str, zero_talk: ZeroTalk | None,
        *, link: Link | None = None, clock: Clock = time.monotonic_ns,
    ) -> None:  # fmt: skip
        super().__init__(options, conversation, protocol, link=link, clock=clock)
        self._zero_talk = zero_talk

    def zero(self) -> None:
        """Let the scale zero itself; `ZeroRefusedError` when it will not, `SensorError` when it is lost."""
        if self._zero_talk is None:
            raise ZeroRefusedError(f"the protocol {self._protocol} has no zero command", "use the scale's zero key")
        self._end_question()
        refusal = self._order(self._zero_talk)
        self._rest(self._now_s(), self._options.poll_s)
        if refusal is None:
            self._conversation.begin()
            raise ZeroRefusedError("the scale did not answer the zero command", _REMEDY)
        if refusal:
            raise ZeroRefusedError(refusal, _REMEDY)

    def _end_question(self) -> None:
        """Wait for the answer that is due, and after a bad one for silence; what it says is dropped."""
        while self._asked_s is not None or (self._disturbed and self._now_s() < self._next_ask_s):
            self._step(self._now_s() + _ANSWER_S)

    def _order(self, talk: ZeroTalk) -> str | None:
        self._link.read(0.0)  # whatever came unasked
        self._link.write(talk.command)
        deadline_s, data = self._now_s() + _ANSWER_S, b""
        while (left_s := deadline_s - self._now_s()) > 0:
            data = (data + self._link.read(left_s))[-_KEPT_BYTES:]
            if (refusal := talk.answered(data)) is not None:
                return refusal
        return None
