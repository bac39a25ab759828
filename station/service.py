"""In service, or out of it: a technician's tool gets the sensors, a new configuration gets its restart.

One caller at a time may take the station out of service. First it drains: `st/conn` says so, and the shopper who is
there is served to the end, or for `DRAIN_NS`; a load that nobody claims (a technician's weights) holds nobody back for
longer than `UNCLAIMED_NS`. What is open then is judged `abstain`. Then every sensor's thread lets go of its port, the
scales count as lost with a reason that says so, and the caller is told. It ends when the caller says `back`, or has
gone. A new configuration drains likewise, but never while a caller has the station.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
import structlog

from calibration.control import State, Told
from station.control import Asked, Gone
from station.core import events
from station.core.engine import Engine
from station.sensing import Released, SensorWorker

SECOND_NS = 10**9
DRAIN_NS = 120 * SECOND_NS  # so long an open visit holds back whoever waits
UNCLAIMED_NS = 15 * SECOND_NS  # longer than the station itself waits for a claim
RELEASE_NS = 15 * SECOND_NS  # a port that is not let go for so long hangs in the kernel
OUT = "OUT_OF_SERVICE"

log = structlog.get_logger()


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the service works with; all of it is called from the consumer's thread."""

    engine: Engine
    sensors: Sequence[SensorWorker]
    scales: int
    announce: Callable[[Literal["online", "draining"]], None]
    tell: Callable[[int, Told], None]
    think: Callable[[events.AnyEvent], None]
    check: Callable[[Asked, int], Told | None]  # begin a span check; None: its answer comes later


class Service:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._holder: Asked | None = None
        self._state: State = "in_service"
        self._since_ns = 0  # of draining, then of letting go
        self._letting_go: set[str] | None = None
        self._order_no = 0
        self._restart_ns: int | None = None  # when a new configuration was first waited for

    @property
    def state(self) -> State:
        """Return where the station stands."""
        return self._state

    @property
    def holder(self) -> str:
        """Return who has the station, "" if nobody."""
        return "" if self._holder is None else f"{self._holder.ask.who or 'a tool'} ({self._holder.peer})"

    def take(self, news: Asked | Gone | Released, now_ns: int) -> None:
        """Take what a caller wants, that it has left, or that a sensor's port is free."""
        match news:
            case Asked():
                self._asked(news, now_ns)
            case Gone():
                self._gone(news)
            case Released(sensor, number):
                if self._letting_go is not None and number == self._order_no:
                    self._letting_go.discard(sensor)

    def _asked(self, asked: Asked, now_ns: int) -> None:
        """Answer a caller, now or as soon as what it wants is so."""
        told: Told | None
        match asked.ask.do:
            case "take":
                told = self._go_out(asked, now_ns)
            case "back":
                told = self._give_back(asked)
            case "check":
                told = self._desk.check(asked, now_ns) if self._holder is None else self._refused("busy", self._busy())
            case _:
                told = self._told()
        if told is not None:
            self._desk.tell(asked.caller, told)

    def _gone(self, gone: Gone) -> None:
        """A caller has left; if it had the station, that goes back into service."""
        if self._holder is not None and self._holder.caller == gone.caller:
            log.warning("whoever had the station has gone", holder=self.holder)
            self._return()

    def restart_wanted(self, now_ns: int) -> None:
        """Drain for a new configuration."""
        if self._restart_ns is None:
            self._restart_ns = now_ns
            self._desk.announce("draining")

    def may_restart(self, now_ns: int) -> bool:
        """Return whether the restart that is waited for may be now."""
        if self._restart_ns is None or self._holder is not None:
            return False
        return self._desk.engine.visit is None or now_ns - self._restart_ns >= DRAIN_NS

    def tick(self, now_ns: int) -> None:
        """Go on with what is under way."""
        if self._holder is None or self._state != "draining":
            return
        if self._letting_go is None:
            if now_ns - self._since_ns >= self._patience_ns():
                self._let_go(now_ns)
        elif not self._letting_go:
            self._state = "out_of_service"
            self._lose(now_ns)
            log.info("out of service", holder=self.holder)
            self._desk.tell(self._holder.caller, self._told())
        elif now_ns - self._since_ns >= RELEASE_NS:
            stuck, holder = ", ".join(sorted(self._letting_go)), self._holder.caller
            self._return()
            self._desk.tell(holder, self._refused("sensors_stuck", (f"{stuck} does not let go of its port", "restart")))

    def _patience_ns(self) -> int:
        """Return for how long the visit that is open now is waited for."""
        visit = self._desk.engine.visit
        if visit is None:
            return 0
        return UNCLAIMED_NS if visit.claim is None else DRAIN_NS

    def _go_out(self, asked: Asked, now_ns: int) -> Told | None:
        if self._holder is not None:
            if self._holder.caller == asked.caller and self._state == "out_of_service":
                return self._told()
            return self._refused("busy", self._busy())
        if asked.ask.scale is not None and asked.ask.scale > self._desk.scales:
            words = (f"there is no scale {asked.ask.scale}", f"the configuration has {self._desk.scales}")
            return self._refused("unknown_scale", words)
        self._holder, self._state, self._since_ns, self._letting_go = asked, "draining", now_ns, None
        log.info("draining", holder=self.holder)
        self._desk.announce("draining")
        self._desk.tell(asked.caller, msgspec.structs.replace(self._told(), waiting=True))
        self.tick(now_ns)
        return None

    def _give_back(self, asked: Asked) -> Told:
        if self._holder is None:
            return self._told()
        if self._holder.caller != asked.caller:
            return self._refused("not_holder", self._busy())
        self._return()
        return self._told()

    def _let_go(self, now_ns: int) -> None:
        self._since_ns = now_ns
        self._order_no += 1
        self._letting_go = {sensor.name for sensor in self._desk.sensors}
        for sensor in self._desk.sensors:
            sensor.release(self._order_no)

    def _lose(self, now_ns: int) -> None:
        """Nothing comes from the sensors any more: the scales are lost, and it is said why."""
        message, remedy = f"out of service: {self.holder} has the sensors", "finish or end what runs there"
        for scale in range(self._desk.scales):
            self._desk.think(events.ScaleLost(t_ns=now_ns, scale=scale, message=message, remedy=remedy, code=OUT))

    def _return(self) -> None:
        self._holder, self._state, self._letting_go = None, "in_service", None
        for sensor in self._desk.sensors:
            sensor.resume()
        if self._restart_ns is None:
            self._desk.announce("online")
        log.info("in service")

    def _busy(self) -> tuple[str, str]:
        return f"{self.holder} has the station", "wait, or end it there"

    def _refused(self, code: str, words: tuple[str, str]) -> Told:
        return msgspec.structs.replace(self._told(), error=code, message=words[0], remedy=words[1])

    def _told(self) -> Told:
        return Told(state=self._state, holder=self.holder)
