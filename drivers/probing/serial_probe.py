"""One serial port, looked into: may it be opened, does anybody hold it, what does it say, what does it answer.

A port that another program has open is not touched. A free one is listened to first. Only when asking is allowed, and
what speaks there is not text of something else, the questions of `questions` are put, until one is answered.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.base import SensorError
from drivers.probing.listening import BOARD_BAUD, HEARD_MAX_BYTES, RATES, is_text, recognise
from drivers.probing.matching import Candidate, Line, Strength, shown, strongest
from drivers.probing.places import Host, SerialPlace
from drivers.probing.questions import Question, questions
from drivers.serial_port import LineSettings, SerialPort

_STEP_S = 0.25  # between two looks at what was heard
_ENOUGH_S = 1.0  # a talk of its own is heard for this long before it is named
_NEXT_RATE_S = 1.0
_WHOLE_ANSWERS = 3  # an answer in pieces may take so many times as long as its first byte
_ANSWER_MAX_BYTES = 512
_TOGETHER = 8

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Limits:
    """How long a probe may take: listening to a silent port, the first byte of an answer, and everything."""

    listen_s: float = 3.0
    answer_s: float = 0.6
    all_s: float = 60.0


@dataclass(frozen=True)
class SerialFind:
    """What was found out about a port. `problem` and `remedy`: why it could not be looked into, or who is there."""

    place: SerialPlace
    candidates: tuple[Candidate, ...] = ()
    problem: str = ""
    remedy: str = ""
    heard: str = ""
    asked: int = 0
    complete: bool = True


@dataclass
class _Session:
    """The state of one port's probe."""

    place: SerialPlace
    limits: Limits
    deadline_s: float
    tell: Tell
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[bytes] = field(default_factory=list)
    asked: int = 0

    def left_s(self) -> float:
        return 0.0 if self.stop.is_set() else self.deadline_s - time.monotonic()


def probe_ports(
    host: Host, places: Sequence[SerialPlace], *, ask: bool, limits: Limits, tell: Tell
) -> list[SerialFind]:
    """Look into all ports at once; return what was found, in their order."""
    deadline_s = time.monotonic() + limits.all_s
    lock, stop = threading.Lock(), threading.Event()

    def tell_one(text: str) -> None:
        with lock:
            tell(text)

    def probe(place: SerialPlace) -> SerialFind:
        return probe_port(host, _Session(place, limits, deadline_s, tell_one, stop), ask=ask)

    with ThreadPoolExecutor(max_workers=_TOGETHER) as pool:
        try:
            return list(pool.map(probe, places))
        finally:
            stop.set()  # interrupted: the others end soon


def probe_port(host: Host, session: _Session, *, ask: bool) -> SerialFind:
    """Look into one port."""
    place = session.place
    refusal = _refusal(host, place)
    if refusal is not None:
        return refusal
    try:
        find = _listened(session)
        if find.candidates or not ask or _speaks_otherwise(session):
            return replace(find, complete=session.left_s() > 0)
        return _asked(session, find)
    except SensorError as error:
        return SerialFind(place, (), error.message, error.remedy, asked=session.asked)


def _refusal(host: Host, place: SerialPlace) -> SerialFind | None:
    device = place.device
    holders = host.holders(Path(device))
    if holders:
        return SerialFind(
            place,
            problem=f"in use by {', '.join(holders)}; not touched",
            remedy="stop that program to have the port looked into",
        )
    if not Path(device).exists():
        return SerialFind(place, problem="it does not exist", remedy="plug the device in, or correct --port")
    if not host.may_open(Path(device)):
        remedy = host.admission(Path(device), "dialout")
        return SerialFind(place, problem="this user may not open it", remedy=remedy)
    return None


def _listened(session: _Session) -> SerialFind:
    """Hear the port at one rate after the other; a port that is silent at the first is silent at all."""
    heard = b""
    for baud in RATES:
        session.tell(f"{session.place.port}: listening at {baud}")
        with _opened(session.place, Line(baud)) as port:
            data, candidates = _hear(
                session,
                port,
                baud,
                session.limits.listen_s if not heard else min(session.limits.listen_s, _NEXT_RATE_S),
            )
        if candidates:
            return SerialFind(session.place, tuple(candidates), heard=shown([data]))
        if not data:
            break
        session.answers.append(data)
        heard = data if not heard or is_text(data) else heard
        if session.left_s() <= 0 or (is_text(data) and baud != BOARD_BAUD):  # USB ones are text at every rate
            break
    return SerialFind(session.place, heard=shown([heard]) if heard else "")


def _hear(session: _Session, port: SerialPort, baud: int, listen_s: float) -> tuple[bytes, list[Candidate]]:
    """Return what the port says in `listen_s`, and who says it; known for sure, it may be sooner."""
    begin_s = time.monotonic()
    data, candidates = b"", list[Candidate]()
    while len(data) < HEARD_MAX_BYTES:
        left_s = min(begin_s + listen_s - time.monotonic(), session.left_s())
        if left_s <= 0:
            break
        piece = _read(port, min(_STEP_S, left_s))
        data = (data + piece)[:HEARD_MAX_BYTES]
        elapsed_s = time.monotonic() - begin_s
        if piece and elapsed_s >= min(_ENOUGH_S, listen_s / 2):
            candidates = recognise(data, baud, elapsed_s)
            if any(candidate.strength is Strength.WEIGHT for candidate in candidates):
                break
    return data, candidates or recognise(data, baud, max(time.monotonic() - begin_s, _STEP_S))


def _read(port: SerialPort, for_s: float) -> bytes:
    """Collect what comes within `for_s`."""
    end_s, data = time.monotonic() + for_s, b""
    while (left_s := end_s - time.monotonic()) > 0 and len(data) < HEARD_MAX_BYTES:
        data += port.read(left_s)
    return data


def _speaks_otherwise(session: _Session) -> bool:
    return any(is_text(data) for data in session.answers)


def _asked(session: _Session, find: SerialFind) -> SerialFind:
    """Put one question after the other until one is answered with more than a refusal."""
    refusals: list[Candidate] = []
    failure: SensorError | None = None
    for question in questions():
        if session.left_s() < _WHOLE_ANSWERS * session.limits.answer_s:
            return replace(find, candidates=tuple(strongest(refusals)), asked=session.asked, complete=False)
        if question.last and not all(is_text(answer) for answer in session.answers):
            continue
        try:
            found, failure = _exchange(session, question), None
        except SensorError as error:  # not every adapter can do every setting of the line
            failure = error
            continue
        if any(candidate.strength > Strength.REFUSAL for candidate in found):
            return replace(find, candidates=tuple(found), asked=session.asked)
        refusals += [new for new in found if all(new.driver != old.driver for old in refusals)]
    if failure is not None:
        raise failure
    heard = find.heard or (shown([max(session.answers, key=is_text)]) if session.answers else "")
    return replace(find, candidates=tuple(refusals), heard=heard, asked=session.asked)


def _exchange(session: _Session, question: Question) -> list[Candidate]:
    """Put one question on a clean line; return who answered."""
    session.tell(f"{session.place.port}: asking at {question.line}: {question.about}")
    session.asked += 1
    first_s = session.limits.answer_s
    next_s = first_s / _WHOLE_ANSWERS
    with _opened(session.place, question.line) as port:
        if question.clean:
            port.write(question.clean)
            _read(port, next_s / 2)
        port.discard_input()
        port.write(question.send)
        chunks: list[bytes] = []
        end_s = time.monotonic() + _WHOLE_ANSWERS * first_s
        wait_s = first_s
        while time.monotonic() < end_s and sum(map(len, chunks)) < _ANSWER_MAX_BYTES:
            piece = port.read(wait_s)
            if not piece:
                break
            chunks.append(piece)
            wait_s = first_s if _follow(port, question, piece) else next_s
    if chunks:
        session.answers.append(b"".join(chunks))
    return question.candidates(chunks)


def _follow(port: SerialPort, question: Question, piece: bytes) -> bool:
    """Send what an answer calls for; tell whether it did."""
    for answer, reply in question.then.items():
        if answer in piece:
            port.write(reply)
            return True
    return False


class _opened:  # noqa: N801 - used like a function
    """A port that is open for a while."""

    def __init__(self, place: SerialPlace, line: Line) -> None:
        settings = LineSettings(baud=line.baud, bytesize=line.bytesize, parity=line.parity, dtr=True)
        self._port = SerialPort(place.port, settings)

    def __enter__(self) -> SerialPort:
        self._port.open()
        return self._port

    def __exit__(self, *_: object) -> None:
        self._port.close()
