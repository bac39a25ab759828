"""Emulated scales that write lines of text, each as its make does; and Toledo continuous output."""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.sim.scale_model import AskedDevice, ScaleModel
from drivers.toledo_continuous import encode

_NET, _NEGATIVE, _OVER, _MOTION, _KG = 0x01, 0x02, 0x04, 0x08, 0x10
_THOUSANDTHS, _FIVES = 5, 3
_SICS_SERIAL = 'I4 A "1126493049"'
_ZERO_RANGE = 0.02  # of capacity, around the zero at power-up
Write = Callable[[ScaleModel, float], str]  # the scale and the kilograms it shows; "" where it stays silent


def _a_and_d(model: ScaleModel, kg: float) -> str:
    return "OL,+9999999 kg" if model.over else f"{'US' if model.moving else 'ST'},{kg:+09.3f} kg"


def _dini_argeo(model: ScaleModel, kg: float) -> str:
    state = "US" if model.moving else "OL" if model.over else "UL" if model.under else "ST"
    return f"{state},GS,{kg:10.3f},kg"


def _ohaus(model: ScaleModel, kg: float) -> str:
    if model.over or model.under:
        return "Err 8.3" if model.over else "Err 8.4"
    return f"{kg:11.3f} kg {'?' if model.moving else ' '}"


def _radwag(model: ScaleModel, kg: float) -> str:
    marker = "?" if model.moving else "^" if model.over else "v" if model.under else " "
    return f"SI {marker} {'-' if kg < 0 else ' '}{abs(kg):9.3f} kg "


def _sartorius(model: ScaleModel, kg: float) -> str:
    if model.over or model.under:
        return "     H        " if model.over else "     L        "
    return f"{'-' if kg < 0 else '+'}{abs(kg):9.3f} {'   ' if model.moving else 'kg '}"


def _kern(model: ScaleModel, kg: float) -> str:
    silent = model.moving or model.over
    return "" if silent else f"M{'-' if kg < 0 else ' '}{abs(kg):12.3f} kg"


def _adam(model: ScaleModel, kg: float) -> str:
    return "" if model.moving or model.over or kg < 0 else f"  {kg:07.3f}kg"


def _mt_sics(model: ScaleModel, kg: float) -> str:
    if model.over or model.under:
        return "S +" if model.over else "S -"
    return f"S {'D' if model.moving else 'S'} {kg:10.3f} kg"


def _zero(model: ScaleModel) -> str:
    """Capture the zero as MT-SICS does; a balance in motion gives up at once."""
    if model.moving:
        return "Z I"
    if abs(model.load_g) > _ZERO_RANGE * model.capacity_g:
        return "Z +" if model.load_g > 0 else "Z -"
    model.zero_g = model.load_g
    return "Z A"


@dataclass(frozen=True)
class Make:
    """How one make is asked, and how it writes; `others` are answers to other questions."""

    question: bytes
    write: Write
    end: bytes = b"\r\n"  # of a question
    others: tuple[tuple[bytes, str], ...] = ()
    unknown: str = ""
    zero: bytes = b""


MAKES = {
    "a-and-d": Make(b"Q", _a_and_d, unknown="EC,E1"),
    "dini-argeo": Make(b"READ", _dini_argeo, unknown="ERR04"),
    "ohaus": Make(b"IP", _ohaus, unknown="ES"),
    "radwag": Make(b"SI", _radwag, unknown="ES"),
    "sartorius-sbi": Make(b"\x1bP", _sartorius),
    "kern": Make(b"s", _kern, end=b""),
    "adam": Make(b"P", _adam),
    "mt-sics": Make(b"SI", _mt_sics, others=((b"@", _SICS_SERIAL), (b"I4", _SICS_SERIAL)), unknown="ES", zero=b"Z"),
}


class LineDevice(AskedDevice):
    """One scale. `every_s` 0: it waits for questions; otherwise it writes by itself at this pace.

    `shy`: asked again, it does not repeat a weight that is unchanged, nor zero.
    """

    def __init__(self, make: str, *, every_s: float = 0.0, shy: bool = False, model: ScaleModel | None = None) -> None:
        super().__init__(model)
        self._make = MAKES[make]
        self._every_s = every_s
        self._shy = shy
        self._last = ""
        self._next_s = 0.0

    def stream(self, t_s: float) -> bytes:
        """Return the line that is due."""
        if not self._every_s or t_s < self._next_s:
            return b""
        self._next_s = t_s + self._every_s
        return self._line()

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; return what the scale sends back."""
        if not self._make.end:
            return self._line() * data.count(self._make.question)
        return b"".join(self._obey(question) for question in self.questions(data, self._make.end))

    def _obey(self, question: bytes) -> bytes:
        if question == self._make.question:
            return self._line()
        if question == self._make.zero:
            return _zero(self.model).encode() + b"\r\n"
        answer = dict(self._make.others).get(question, self._make.unknown)
        return answer.encode() + b"\r\n" if answer else b""

    def _line(self) -> bytes:
        kg = self.model.shown_g() / 1000
        text = self._make.write(self.model, kg)
        unchanged, self._last = text == self._last, text
        if not text or (self._shy and (unchanged or not kg)):
            return b""
        return text.encode() + b"\r\n"


class ToledoContinuousDevice(AskedDevice):
    """An indicator that sends its weight all the time."""

    def __init__(self, *, check: bool = True, every_s: float = 0.08, model: ScaleModel | None = None) -> None:
        super().__init__(model)
        self._check = check
        self._every_s = every_s
        self._next_s = 0.0

    def receive(self, data: bytes) -> bytes:  # noqa: ARG002 - its commands change no weight that we use
        """Take bytes from the host: none is answered."""
        return b""

    def stream(self, t_s: float) -> bytes:
        """Return the frame that is due."""
        if t_s < self._next_s:
            return b""
        self._next_s = t_s + self._every_s
        model = self.model
        grams = round(model.shown_g())
        bits = ((_NEGATIVE, grams < 0), (_OVER, model.over), (_MOTION, model.moving), (_NET, model.tare_g > 0))
        state = _KG | sum(bit for bit, holds in bits if holds)
        return encode(abs(grams), _THOUSANDTHS, _FIVES, state, check=self._check)
