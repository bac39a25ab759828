"""What the daemon tells of itself, and when: versions, health, metrics, conditions of the delivery, a diagnosis."""

import time
from collections import Counter
from typing import Any

import msgspec

from station import messages, reports
from station.command_diagnosis import findings
from station.core.alarms import Board
from station.core.effects import Alarm
from station.core.transaction import State
from station.core.verdict import Versions
from station.keeping import Keeper
from station.parts import Parts

SECOND_NS = 10**9


class Conditions:
    """What is wrong with outbox and broker, as alarms that begin and end."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Alarm] = {}

    def news(self, parts: Parts, now_ns: int) -> list[Alarm]:
        """Return the alarms that follow from what is wrong now, and no longer."""
        found = {
            (condition.code, condition.part): Alarm(
                code=condition.code,
                part=condition.part,
                raised=True,
                severity=condition.severity,
                message=condition.message,
                remedy=condition.remedy,
            )
            for condition in parts.delivery.alarm_conditions(now_ns)
        }
        ended = [Alarm(code=code, part=part, raised=False) for code, part in self._known.keys() - found]
        began = [alarm for key, alarm in found.items() if key not in self._known]
        self._known = found
        return ended + began


class Teller:
    """Owned by the consumer."""

    def __init__(self, parts: Parts, board: Board, keeper: Keeper) -> None:
        self.counts: Counter[str] = Counter()
        self.versions = parts.versions
        self.service = "in_service"  # the owner keeps it true
        self._parts, self._board, self._keeper = parts, board, keeper
        self._told_ns = 0
        self._told_working = False
        self._born: object = None
        self._began_ns = time.monotonic_ns()

    def soon(self) -> None:
        """The health has changed: tell of it at the next occasion."""
        self._told_ns = 0

    def stamp(self, versions: Versions) -> None:
        """Put these versions on verdicts and into the birth message, if it is news."""
        calibrations = self._parts.upkeep.info(self._names())
        if (versions, calibrations) == self._born:
            return
        self._born = (versions, calibrations)
        self.counts["births"] += 1
        self.versions = versions
        self._parts.engine.use(versions)
        self._parts.recorder.stamped(versions)
        config = self._parts.choice.config
        self._parts.delivery.state("info", reports.info(config, versions, self._parts.keys, calibrations))

    def tick(self, now_ns: int) -> None:
        """Tell of the health from time to time, and when the station begins or ceases to work."""
        working = self._parts.engine.state is not State.OUT_OF_ORDER
        if working == self._told_working and now_ns - self._told_ns < reports.HEALTH_S * SECOND_NS:
            return
        self._told_working, self._told_ns = working, now_ns
        parts = self._parts
        parts.delivery.state("health", self.health(), expiry_s=3 * reports.HEALTH_S)
        parts.delivery.metric("metrics", reports.metrics(self.counts, parts.delivery, parts.timings.figures()))

    def health(self) -> dict[str, Any]:
        """Return the content of `st/health`."""
        parts, notices, waiting = self._parts, self._board.raised(), self._keeper.waiting
        config, diagnosis = parts.choice.config, parts.assessor.diagnosis()
        return reports.health(
            config, parts.engine, notices, parts.outbox, parts.clock, waiting, parts.workers, diagnosis,
            parts.upkeep.told(self._names()), self.service,
        )  # fmt: skip

    def line(self) -> str:
        """Return how it goes, in one line."""
        raised = [f"{notice.code} {notice.part}" for notice in self._board.raised()]
        broker = "online" if self._parts.delivery.connected else "no broker"
        troubles = f"alarms: {', '.join(raised)}" if raised else "no alarm"
        return f"{self._parts.engine.state.value.replace('_', ' ')}; {broker}; {troubles}"

    def diagnosis(self, pending_commands: int) -> messages.Diagnosis:
        """Return the answer to `cmd/diagnose`."""
        health = msgspec.convert(self.health(), messages.Health)
        threads = {worker.name: worker.is_alive() for worker in self._parts.workers}
        threads["mqtt"] = self._parts.delivery.alive
        return messages.Diagnosis(
            findings=findings(self._board.raised(), health, threads),
            health=health,
            versions=self.versions,
            config=reports.configured(self._parts.choice),
            uptime_s=(time.monotonic_ns() - self._began_ns) // SECOND_NS,
            threads=threads,
            products=self._parts.assessor.products,
            pending_commands=pending_commands,
        )

    def _names(self) -> dict[int, str]:
        return dict(enumerate(scale.name for scale in self._parts.choice.config.scales))
