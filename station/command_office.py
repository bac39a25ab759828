"""The commands that do not concern the visit: catalogue, config, snapshot, stream, resend, diagnose.

Owned by the consumer. What takes long goes to the clerk; its answer comes back as `Done`, a camera's picture as
`Shown`. Policy for pictures: only where `[trust] pictures` allows it, only of the empty platform, only while no visit
is open, both when the order comes and when the picture is there. So it never shows goods; aim cameras at the platform,
so that it shows no people either.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from station import command_picture, messages
from station.command_clerk import Clerk, Done
from station.command_refusals import CommandRefusedError, answer_error, answer_ok
from station.command_stream import SECOND_NS, Streaming
from station.commands import Command
from station.config_remote import Asked
from station.core.engine import Engine
from station.core.weighing import PlatformPhase
from station.delivery import Delivery
from station.outbox import OutboxError
from station.sensing import CameraWorker, Shown

PICTURE_NS = 5 * SECOND_NS  # a camera that takes longer hangs

T = TypeVar("T", bound=msgspec.Struct)
Adopt = Callable[[messages.NewConfig], tuple[Asked, bool]]
Gather = Callable[[messages.CataloguePart], messages.Transfer]


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the office works with. `adopt` and `gather` are called in the clerk's thread."""

    delivery: Delivery
    engine: Engine
    cameras: Sequence[CameraWorker]
    pictures: bool  # whether they may leave at all
    clerk: Clerk
    adopt: Adopt
    gather: Gather
    diagnose: Callable[[], messages.Diagnosis]


class _Awaited(msgspec.Struct, frozen=True):
    """The picture that was asked for."""

    command: Command
    number: int
    due_ns: int


class Office:
    """See the module. `restart` becomes true when a new configuration waits for the next start."""

    def __init__(self, desk: Desk) -> None:
        self.restart = False
        self.news = False  # the catalogue on disk may be another one
        self._desk = desk
        self._streaming = Streaming()
        self._picture: _Awaited | None = None
        self._number = 0

    @property
    def due_ns(self) -> int | None:
        """Return when `tick` is needed at the latest, None if at no time."""
        return self._streaming.due_ns

    def take(self, command: Command) -> None:
        """Carry a command out, or have it done; raise `CommandRefusedError`. Sooner or later it is answered."""
        match command.name:
            case "catalogue":
                part = _read(command, messages.CataloguePart)
                self._desk.clerk.give(command, lambda: answer_ok(catalogue=self._desk.gather(part)))
            case "config":
                given = _read(command, messages.NewConfig)
                self._desk.clerk.give(command, lambda: _adopted(self._desk.adopt(given)))
            case "snapshot":
                self._look(command, _read(command, messages.TakeSnapshot))
            case "stream":
                wish = _read(command, messages.Stream)
                self._streaming.order(wish, time.monotonic_ns())
                self._answer(command, answer_ok(stream=messages.Streaming(seconds=wish.seconds, hz=wish.hz)))
            case "resend":
                self._answer(command, self._again(_read(command, messages.Resend)))
            case _:
                self._answer(command, answer_ok(diagnosis=self._desk.diagnose()))

    def done(self, done: Done) -> None:
        """Answer what the clerk has done."""
        self.restart = self.restart or bool(done.data.pop("restart", False))
        self.news = self.news or done.command.name == "catalogue"
        self._answer(done.command, done.data)

    def shown(self, shown: Shown) -> None:
        """Answer with a picture, unless somebody came meanwhile; one that comes too late is nothing."""
        awaited = self._picture
        if awaited is None or awaited.number != shown.number:
            return
        self._picture = None
        try:
            self._need_nobody()
            self._desk.clerk.give(awaited.command, lambda: _packed(shown))
        except CommandRefusedError as refusal:
            self._answer(awaited.command, answer_error(refusal))

    def tick(self, now_ns: int) -> None:
        """Publish the live weight if it is due; give up a camera that does not answer."""
        if self._streaming.take(now_ns):
            self._desk.delivery.metric("weight", msgspec.to_builtins(_weight(self._desk.engine)))
        if self._picture is not None and now_ns >= self._picture.due_ns:
            late, self._picture = self._picture, None
            refusal = CommandRefusedError("timeout", f"the camera gave no picture within {PICTURE_NS // SECOND_NS} s")
            self._answer(late.command, answer_error(refusal))

    def _look(self, command: Command, wish: messages.TakeSnapshot) -> None:
        """Ask a camera for a picture."""
        if not self._desk.pictures:
            raise CommandRefusedError("not_allowed", "pictures may not leave this station ([trust] pictures)")
        cameras = self._desk.cameras
        worker = next((w for w in cameras if wish.camera in {None, w.camera}), None)
        if worker is None:
            raise CommandRefusedError(
                "unknown_camera", f"cameras here: {', '.join(w.camera for w in cameras) or 'none'}"
            )
        self._need_nobody()
        if self._picture is not None:
            raise CommandRefusedError("busy", "another picture is being taken")
        self._number += 1
        self._picture = _Awaited(command, self._number, time.monotonic_ns() + PICTURE_NS)
        worker.show(self._number)

    def _need_nobody(self) -> None:
        weighing = self._desk.engine.weighing
        if not weighing.idle or weighing.phase is not PlatformPhase.EMPTY:
            raise CommandRefusedError("not_idle", "a visit is open, or the platform is not empty")

    def _again(self, wish: messages.Resend) -> dict[str, Any]:
        try:
            found = self._desk.delivery.again(wish.epoch, wish.from_seq)
        except OutboxError as error:
            raise CommandRefusedError("disk_failed", f"{error.message}; {error.remedy}") from error
        if found is None:
            raise CommandRefusedError("wrong_epoch", "verdicts of this epoch are not here; see the newest verdict's")
        first, last = found
        if first > last:
            raise CommandRefusedError("unknown_seq", f"the newest verdict has the number {last}")
        return answer_ok(resend=messages.Again(epoch=wish.epoch, first_seq=first, last_seq=last))

    def _answer(self, command: Command, data: dict[str, Any]) -> None:
        self._desk.delivery.answer(command, data)


def _read(command: Command, kind: type[T]) -> T:
    try:
        return msgspec.convert(command.data, kind)
    except msgspec.ValidationError as error:
        raise CommandRefusedError("bad_data", str(error)) from error


def _adopted(adopted: tuple[Asked, bool]) -> dict[str, Any]:
    asked, restart = adopted
    told = messages.Adopted(serial=asked.serial, hash=asked.hash, state=asked.state, reason=asked.reason)
    return {**answer_ok(config=told), "restart": restart}


def _packed(shown: Shown) -> dict[str, Any]:
    if shown.frame is None:
        raise CommandRefusedError("camera_fault", f"camera {shown.camera} does not answer; see its alarm")
    return answer_ok(snapshot=command_picture.pack(shown.camera, shown.frame.pixels))


def _weight(engine: Engine) -> messages.LiveWeight:
    level, phase = engine.weighing.level(), engine.weighing.phase.name.lower()
    if level is None or level.now_g is None:
        return messages.LiveWeight(gross_g=None, sd_g=None, still=False, phase=phase)
    gross_g, sd_g = round(level.now_g, 1) + 0.0, round(level.now_sd_g, 2)
    return messages.LiveWeight(gross_g=gross_g, sd_g=sd_g, still=level.still, phase=phase)
