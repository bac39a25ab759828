"""The Checkout-Dialog conversation: a price, a question, a weight; on refusal a status; when wanted, checksums.

One weighing: record 01 (the price), ACK, `EOT ENQ`, record 02 (the weight). A NAK anywhere leads to record 08, answered
by record 09 with the reason; in motion, only the question is repeated. Dialog 06 scales now and then want checksums
before they weigh: they send record 11, get record 10, and judge it.

A scale may refuse to weigh a load again that has not moved since (status 21). Then the last weight is told as SAME:
known to be still on, but no new measurement. It is forgotten as soon as the scale says anything else.
"""

import enum

from drivers.base import Barcode, Indication, ScaleState
from drivers.conversation import Meaning, Turn, no_weight, unreadable, weight
from drivers.dialog_codec import (
    ASK_STATUS,
    ASK_WEIGHT,
    CLEAR,
    HUNDREDTHS_OF_POUNDS,
    KILOGRAMS,
    Acknowledged,
    Checksums,
    Garbled,
    RecordDecoder,
    Said,
    Status,
    Weighed,
    checksum_record,
    price_record,
)
from drivers.units import GRAMS

_SOFTWARE_CHECKSUM = 0x5AC3  # the till's own, any value: only its remainder is judged
_TURNS_MAX = 8  # replies in one weighing; the longest orderly one has 6
_AGAIN = {"20", "22"}  # the measurement goes on: only the question is repeated
_SAME = "21"
_MEANINGS: dict[str, Meaning] = {
    "00": (ScaleState.NOT_READY, "the scale refuses the weighing, and says that all is well"),
    "01": (ScaleState.NOT_READY, "the scale reports a general error"),
    "02": (ScaleState.NOT_READY, "the scale received bytes of wrong parity: check `parity` and the cable"),
    "10": (ScaleState.NOT_READY, "the scale does not know the record: check the protocol it is set to"),
    "11": (ScaleState.NOT_READY, "the scale refuses the unit price: set another `price`"),
    "12": (ScaleState.NOT_READY, "the scale refuses the tare: clear it"),
    "13": (ScaleState.NOT_READY, "the scale refuses the text"),
    "20": (ScaleState.MOTION, ""),
    "22": (ScaleState.MOTION, ""),
    "30": (ScaleState.BELOW_MINIMUM, ""),
    "31": (ScaleState.UNDER_ZERO, ""),
    "32": (ScaleState.OVERLOAD, ""),
}
_UNKNOWN: Meaning = (ScaleState.NOT_READY, "the scale sent an unknown status")
_SPENT: Meaning = (ScaleState.NOT_READY, "the scale does not weigh the load again until it moves: lift it")
_ENDLESS: Meaning = (ScaleState.NOT_READY, "the scale answers, but comes to no weight")
_NO_POLYNOMIAL: Meaning = (ScaleState.NOT_READY, "the scale wants checksums: set `polynomial` (ask the scale's maker)")
_REFUSED: Meaning = (ScaleState.NOT_READY, "the scale refuses the checksums: correct `polynomial`")
_AMOUNT: Meaning = (ScaleState.NOT_READY, "weight, price and amount do not agree")
_UNIT: Meaning = (ScaleState.NOT_READY, "the scale shows a unit that is not supported: set it to kg")


class _Waiting(enum.Enum):
    """What the next message should be."""

    PRICE_TAKEN = enum.auto()
    WEIGHT = enum.auto()
    STATUS = enum.auto()
    CHECKSUMS_TAKEN = enum.auto()


class DialogConversation:
    """One till's side; implements `drivers.conversation.Conversation`. `polynomial` None: without checksums."""

    def __init__(self, price: int, polynomial: int | None) -> None:
        self._price = price
        self._polynomial = polynomial
        self._decoder = RecordDecoder()
        self.begin()

    def begin(self) -> None:
        """Forget everything, the last weight included."""
        self._last_g: float | None = None
        self._again = False
        self._ended = True
        self._turns = 0
        self._waiting = _Waiting.PRICE_TAKEN

    def ask(self) -> bytes:
        """Begin a weighing, or repeat the question of one that goes on."""
        self._decoder.reset()
        self._turns = 0
        if not self._ended:
            self._last_g = None  # the answer that was lost may have been another weight
        self._ended = False
        if self._again:
            self._waiting, self._again = _Waiting.WEIGHT, False
            return ASK_WEIGHT
        self._waiting = _Waiting.PRICE_TAKEN
        return price_record(self._price)

    def feed(self, data: bytes, t_ns: int) -> Turn:
        """Take messages; the first that calls for a reply, or ends the weighing, is the last that counts."""
        for said in self._decoder.feed(data):
            turn = self._take(said, t_ns)
            if turn.found or turn.send:
                return turn
        return Turn()

    def overhear(self, data: bytes, t_ns: int) -> list[Barcode]:  # noqa: ARG002 - nothing is of interest
        """Forget it."""
        return []

    def _take(self, said: Said, t_ns: int) -> Turn:
        turn = Turn()
        match self._waiting, said:
            case _, Checksums():
                turn = self._prove(said, t_ns)
            case ((_Waiting.PRICE_TAKEN | _Waiting.CHECKSUMS_TAKEN), Acknowledged(True)):
                turn = self._reply(_Waiting.WEIGHT, ASK_WEIGHT, t_ns)
            case ((_Waiting.PRICE_TAKEN | _Waiting.CHECKSUMS_TAKEN | _Waiting.WEIGHT), Acknowledged(False)):
                turn = self._reply(_Waiting.STATUS, ASK_STATUS, t_ns)
            case _Waiting.WEIGHT, Weighed():
                turn = self._end(self._weighed(said, t_ns))
            case _Waiting.STATUS, Status(code):
                turn = self._end(self._refused(code, t_ns))
            case _, Garbled(text):
                turn = self._end(unreadable(t_ns, text, "the protocol and the line's settings"))
        return turn

    def _reply(self, waiting: _Waiting, message: bytes, t_ns: int) -> Turn:
        self._turns += 1
        if self._turns > _TURNS_MAX:
            return self._end(no_weight(t_ns, _ENDLESS))
        self._waiting = waiting
        return Turn(send=message)

    def _end(self, indication: Indication) -> Turn:
        """Tell the result and clear the scale's interface, which some need before the next weighing."""
        self._ended = True
        if indication.state is not ScaleState.SAME:
            self._last_g = indication.weight_g
        return Turn([indication], b"" if self._again else CLEAR)

    def _prove(self, said: Checksums, t_ns: int) -> Turn:
        """Answer the scale's wish for checksums; once it is content, the weighing begins anew."""
        if self._polynomial is None:
            return self._end(no_weight(t_ns, _NO_POLYNOMIAL))
        if said.verdict == 0:
            return self._end(no_weight(t_ns, _REFUSED))
        if said.verdict == 1:
            return self._reply(_Waiting.PRICE_TAKEN, price_record(self._price), t_ns)
        record = checksum_record(_SOFTWARE_CHECKSUM, self._polynomial, said.turns or 0)
        return self._reply(_Waiting.CHECKSUMS_TAKEN, record, t_ns)

    def _weighed(self, said: Weighed, t_ns: int) -> Indication:
        grams = {KILOGRAMS: 1.0, HUNDREDTHS_OF_POUNDS: GRAMS["lb"] / 100}.get(said.kind)
        if grams is None:
            return no_weight(t_ns, _UNIT)
        units = said.weight / (1000 if said.kind == KILOGRAMS else 100)
        if said.price != self._price or abs(said.amount - units * said.price) > 1:
            return no_weight(t_ns, _AMOUNT)
        return weight(t_ns, said.weight * grams)

    def _refused(self, code: str, t_ns: int) -> Indication:
        self._again = code in _AGAIN
        if code != _SAME:
            return no_weight(t_ns, _MEANINGS.get(code, _UNKNOWN))
        if self._last_g is None:
            return no_weight(t_ns, _SPENT)
        return Indication(t_ns, ScaleState.SAME, self._last_g)
