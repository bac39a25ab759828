"""Is the station alive? Honest signs of life for systemd's watchdog.

The consumer feeds the watchdog from its own loop, so that a consumer that hangs feeds nothing. It looks at every
worker first: a thread that has ended, or takes no turns for longer than its `patience_s`, does not live. What happens
then depends on what it is. Without its scales, its disk or its ears the station is worth nothing: the feeding stops,
and systemd ends it, with the stack of every thread in the journal, and starts it again. Cameras and the model are
worth having, but a station judges without them: an alarm tells of it, and as soon as no visit is open, and not
oftener than every `RENEW_NS`, the station replaces itself, which ends threads that nothing else can end.

The network is no part of it, nor is a scale that does not answer: their threads take turns, waiting.
"""

from collections.abc import Callable, Sequence

import structlog

from station.core.effects import Alarm
from station.looking import EyeWorker
from station.notifying import Notifier
from station.sensing import CameraWorker, Worker

CODE = "THREAD_HUNG"
SECOND_NS = 10**9
LOOK_NS = SECOND_NS // 2
FEEDS = 4  # signs of life in the time allowed
RENEW_NS = 600 * SECOND_NS
REMEDY = (
    "it is started again by itself; if this comes back, see the stacks in `journalctl -u validation-station`, check"
    " the device's cable and supply"
)

log = structlog.get_logger()


class Watchdog:
    """Owned by the consumer. `mqtt_alive` tells whether the thread of the link runs."""

    def __init__(
        self, workers: Sequence[Worker], mqtt_alive: Callable[[], bool], notifier: Notifier | None = None
    ) -> None:
        self._workers, self._mqtt_alive = workers, mqtt_alive
        self._notifier = notifier or Notifier()
        self._feed_ns = round((self._notifier.watchdog_s or 0.0) / FEEDS * SECOND_NS)
        self._fed_ns = self._began_ns = self._looked_ns = 0
        self._renewable = False  # what hangs is only what the station can do without
        self._hung: frozenset[str] = frozenset()
        self._status = ""

    def ready(self, now_ns: int) -> None:
        """The station is up."""
        self._began_ns = now_ns
        self._notifier.tell("READY=1", "WATCHDOG=1")

    def stopping(self) -> None:
        """The station ends."""
        self._notifier.tell("STOPPING=1", "STATUS=ending")

    def replacing(self) -> None:
        """The station goes on in a new image of the same process: no end, but a last sign of life of this one."""
        self._notifier.tell("WATCHDOG=1", "STATUS=starting again")

    def due(self, now_ns: int) -> bool:
        """Say whether it is time to look again."""
        return now_ns - self._looked_ns >= LOOK_NS

    def look(self, now_ns: int, status: str) -> list[Alarm]:
        """Feed if all that is needed lives; return what has begun and ended. `status`: how it goes, in words."""
        self._looked_ns = now_ns
        hung = {worker.name: worker for worker in self._workers if not _lives(worker, now_ns)}
        vital = [name for name, worker in hung.items() if not isinstance(worker, (CameraWorker, EyeWorker))]
        if not self._mqtt_alive():
            vital.append("mqtt")
        if not vital and now_ns - self._fed_ns >= self._feed_ns:
            self._fed_ns = now_ns
            if self._feed_ns:
                self._notifier.tell("WATCHDOG=1")
        self._renewable = bool(hung) and not vital
        self._say(f"hangs: {', '.join(vital)}; waiting to be ended" if vital else status)
        return self._news(frozenset([*hung, *vital]))

    def wants_renewal(self, now_ns: int) -> bool:
        """Say whether the station should replace itself, to get rid of a thread that hangs."""
        return self._renewable and now_ns - self._began_ns >= RENEW_NS

    def _say(self, status: str) -> None:
        """Tell `systemctl status`, once until it changes."""
        if status != self._status:
            self._status = status
            self._notifier.tell(f"STATUS={status}")

    def _news(self, hung: frozenset[str]) -> list[Alarm]:
        began, ended = hung - self._hung, self._hung - hung
        self._hung = hung
        for name in began:
            log.error("a thread takes no turns", thread=name)
        return [Alarm(code=CODE, part=name, raised=False) for name in sorted(ended)] + [
            Alarm(
                code=CODE, part=name, raised=True, severity="error", message=f"the thread {name} hangs", remedy=REMEDY
            )
            for name in sorted(began)
        ]


def _lives(worker: Worker, now_ns: int) -> bool:
    return worker.is_alive() and now_ns - worker.turned_ns <= round(worker.patience_s * SECOND_NS)
